import { expect, test } from 'bun:test';
import { lastAddressOf } from './sidecar-networks.ts';

test.each<[string | undefined, string | undefined]>([
  ['10.231.7.0/24', '10.231.7.254'],
  ['172.20.0.0/16', '172.20.255.254'],
  ['192.168.64.0/20', '192.168.79.254'],
  ['255.255.255.0/30', '255.255.255.2'],
  ['10.0.0.0/31', undefined],
  ['fd00::/64', undefined],
  ['', undefined],
  [undefined, undefined],
])('the last address of %p is %p', (subnet, address) => {
  expect(lastAddressOf(subnet)).toBe(address);
});
