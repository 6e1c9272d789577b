import { expect, test } from 'bun:test';
import { isPrivateAddress } from './private-address.ts';

test.each([
  ['this network', '0.0.0.0'],
  ['loopback', '127.0.0.1'],
  ['loopback, its end', '127.255.255.255'],
  ['10/8', '10.1.2.3'],
  ['172.16/12, first', '172.16.0.0'],
  ['172.16/12, last', '172.31.255.255'],
  ['192.168/16', '192.168.0.1'],
  ['link-local', '169.254.169.254'],
  ['carrier NAT', '100.64.0.1'],
  ['documentation 1', '192.0.2.1'],
  ['documentation 2', '198.51.100.7'],
  ['documentation 3', '203.0.113.9'],
  ['multicast', '224.0.0.1'],
  ['reserved', '255.255.255.255'],
  ['IPv6 unspecified', '::'],
  ['IPv6 loopback', '::1'],
  ['IPv6 loopback in full', '0:0:0:0:0:0:0:1'],
  ['IPv6 link-local', 'fe80::1'],
  ['IPv6 link-local with its interface', 'fe80::1%eth0'],
  ['IPv6 unique local', 'fd12:3456::1'],
  ['IPv6 multicast', 'ff02::1'],
  ['local NAT64', '64:ff9b:1::1'],
  ['Teredo', '2001::1'],
  ['NAT64 of a private address', '64:ff9b::10.0.0.1'],
  ['NAT64 of a private address, in hex', '64:ff9b::a00:1'],
  ['6to4 of a private address', '2002:c0a8:0101::1'],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1'],
  ['IPv4-mapped, in hex', '::ffff:7f00:1'],
  ['IPv4-compatible', '::10.0.0.1'],
])('private: %s', (_what, address) => {
  expect(isPrivateAddress(address)).toBe(true);
});

test.each([
  ['a public one', '8.8.8.8'],
  ['just below 10/8', '9.255.255.255'],
  ['just above 172.16/12', '172.32.0.0'],
  ['just below carrier NAT', '100.63.255.255'],
  ['just above carrier NAT', '100.128.0.0'],
  ['just below multicast', '223.255.255.255'],
  ['a public IPv6 one', '2606:4700::1111'],
  ['beside Teredo', '2001:1::1'],
  ['NAT64 of a public one', '64:ff9b::8.8.8.8'],
  ['6to4 of a public one', '2002:0808:0808::1'],
  ['IPv4-mapped public one', '::ffff:8.8.8.8'],
])('not private: %s', (_what, address) => {
  expect(isPrivateAddress(address)).toBe(false);
});

test('a name is no address', () => {
  expect(() => isPrivateAddress('localhost')).toThrow('not an IP address: localhost');
});
