import { expect, test } from 'bun:test';
import { addressesIn, randomSubnet } from './addresses.ts';

test('each container of a workload has an address of its own in the subnet', () => {
  expect(addressesIn('198.19.7.240/28')).toEqual({
    subnet: '198.19.7.240/28',
    egress: '198.19.7.242',
    server: '198.19.7.243',
    dns: '198.19.7.244',
    ingress: '198.19.7.245',
  });
  expect(addressesIn('172.31.255.0/16').egress).toBe('172.31.255.2');
});

test.each(['', '198.19.7.0/29', '198.19.7.0', '198.19.7/28', '198.19.7.256/28', 'fd00::/64'])(
  '%p is no subnet for a workload',
  (subnet) => {
    expect(() => addressesIn(subnet)).toThrow(`no subnet for an isolated workload: ${subnet}`);
  },
);

test.each([
  [0, '198.19.0.0/28'],
  [0.9999, '198.19.255.240/28'],
])('a random subnet ends where its range ends: %p', (random, subnet) => {
  expect(randomSubnet(() => random)).toBe(subnet);
  expect(addressesIn(subnet).subnet).toBe(subnet);
});
