import { describe, expect, test } from 'bun:test';
import { type AddressKind, classifyAddress, isPublicAddress, literalAddress } from './address.ts';

const ROWS: readonly (readonly [string, string, AddressKind])[] = [
  ['this network', '0.0.0.0', 'machine'],
  ['this network, its end', '0.255.255.255', 'machine'],
  ['loopback', '127.0.0.1', 'machine'],
  ['loopback, its end', '127.255.255.255', 'machine'],
  ['10/8', '10.1.2.3', 'private'],
  ['172.16/12, first', '172.16.0.0', 'private'],
  ['172.16/12, last', '172.31.255.255', 'private'],
  ['192.168/16', '192.168.0.1', 'private'],
  ['carrier NAT', '100.64.0.1', 'private'],
  ['carrier NAT, last', '100.127.255.255', 'private'],
  ['benchmarks', '198.18.0.1', 'private'],
  ['benchmarks, last', '198.19.255.255', 'private'],
  ['link-local, the metadata service of a cloud', '169.254.169.254', 'link'],
  ['multicast', '224.0.0.1', 'link'],
  ['broadcast', '255.255.255.255', 'link'],
  ['protocol assignments', '192.0.0.8', 'reserved'],
  ['documentation 1', '192.0.2.1', 'documentation'],
  ['documentation 2', '198.51.100.7', 'documentation'],
  ['documentation 3', '203.0.113.9', 'documentation'],
  ['future use', '240.0.0.1', 'reserved'],
  ['IPv6 unspecified', '::', 'machine'],
  ['IPv6 loopback', '::1', 'machine'],
  ['IPv6 loopback in full', '0:0:0:0:0:0:0:1', 'machine'],
  ['IPv6 loopback with its interface', '::1%lo', 'machine'],
  ['IPv6 link-local', 'fe80::1', 'link'],
  ['IPv6 link-local with its interface', 'fe80::1%eth0', 'link'],
  ['IPv6 link-local, last', 'febf::1', 'link'],
  ['IPv6 multicast', 'ff02::1', 'link'],
  ['IPv6 unique local', 'fd12:3456::1', 'private'],
  ['IPv6 unique local, first', 'fc00::', 'private'],
  ['IPv6 site-local', 'fec0::1', 'private'],
  ['local NAT64', '64:ff9b:1::1', 'reserved'],
  ['local NAT64 that looks like a public address', '64:ff9b:1::808:808', 'reserved'],
  ['IPv4-translated', '::ffff:0:127.0.0.1', 'reserved'],
  ['Teredo', '2001::1', 'reserved'],
  ['IETF assignments beside Teredo', '2001:1::4', 'reserved'],
  ['IPv6 documentation', '2001:db8::1', 'documentation'],
  ['the newer IPv6 documentation', '3fff::1', 'reserved'],
  ['IPv6 discard', '100::1', 'reserved'],
  ['outside what is handed out', '4000::1', 'reserved'],
  ['NAT64 of a private address', '64:ff9b::10.0.0.1', 'private'],
  ['NAT64 of a private address, in hex', '64:ff9b::a00:1', 'private'],
  ['NAT64 of loopback', '64:ff9b::7f00:1', 'machine'],
  ['NAT64 of the metadata service', '64:ff9b::a9fe:a9fe', 'link'],
  ['6to4 of a private address', '2002:c0a8:0101::1', 'private'],
  ['IPv4-mapped loopback', '::ffff:127.0.0.1', 'machine'],
  ['IPv4-mapped, in hex', '::ffff:7f00:1', 'machine'],
  ['IPv4-mapped, in capitals and in full', '0:0:0:0:0:FFFF:7F00:0001', 'machine'],
  ['IPv4-mapped with an interface', '::ffff:169.254.169.254%eth0', 'link'],
  ['IPv4-compatible', '::10.0.0.1', 'private'],
  ['a public one', '8.8.8.8', 'public'],
  ['just below 10/8', '9.255.255.255', 'public'],
  ['just above 172.16/12', '172.32.0.0', 'public'],
  ['just below carrier NAT', '100.63.255.255', 'public'],
  ['just above carrier NAT', '100.128.0.0', 'public'],
  ['just above benchmarks', '198.20.0.0', 'public'],
  ['just below multicast', '223.255.255.255', 'public'],
  ['a public IPv6 one', '2606:4700::1111', 'public'],
  ['behind what the IETF keeps beside Teredo', '2001:200::1', 'public'],
  ['NAT64 of a public one', '64:ff9b::8.8.8.8', 'public'],
  ['6to4 of a public one', '2002:0808:0808::1', 'public'],
  ['IPv4-mapped public one', '::ffff:8.8.8.8', 'public'],
];

test.each(ROWS)('%s: %s is %s', (_what, address, kind) => {
  expect(classifyAddress(address)).toBe(kind);
  expect(isPublicAddress(address)).toBe(kind === 'public');
});

test.each(['localhost', '', '0x7f.1', '0177.0.0.1', '2130706433', '127.1', '[::1]', '127.0.0.1 '])(
  '%p is no address',
  (text) => {
    expect(() => classifyAddress(text)).toThrow(`not an IP address: ${text}`);
  },
);

describe('a URL that writes an address in another way', () => {
  test.each([
    ['http://2130706433/', '127.0.0.1'],
    ['http://0x7f000001/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://127.1/', '127.0.0.1'],
    ['http://127.0.0.1./', '127.0.0.1'],
    ['http://１２７.0.0.1/', '127.0.0.1'],
    ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
    ['http://[0:0:0:0:0:0:0:1]/', '::1'],
    ['http://localhost/', undefined],
    ['http://127.0.0.1.example.com/', undefined],
  ])('%s names %p', (url, expected) => {
    expect(literalAddress(new URL(url).hostname)).toBe(expected);
  });

  test('has no zone id', () => {
    expect(URL.canParse('http://[fe80::1%25eth0]/')).toBe(false);
  });
});
