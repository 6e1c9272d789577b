import { BlockList, isIP } from 'node:net';

/** Addresses that registries and identity providers must not be reached at unless that is allowed (spec 05 §3, 08 §1.4). */
const IPV4_RANGES: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const IPV6_RANGES: readonly (readonly [string, number])[] = [
  ['::', 128],
  ['::1', 128],
  ['64:ff9b:1::', 48],
  ['2001::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
];

/** Whether a connection to this literal address, without brackets, stays inside a private or reserved network. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/%.*$/, '');
  const family = isIP(bare);
  if (family === 0) throw new Error(`not an IP address: ${address}`);
  if (family === 4) return isPrivateIpv4(bare);
  const groups = expandIpv6(bare);
  const embedded = embeddedIpv4(groups);
  if (embedded !== undefined) return isPrivateIpv4(embedded);
  return ranges().check(bare, 'ipv6');
}

let blocked: BlockList | undefined;

function ranges(): BlockList {
  if (blocked !== undefined) return blocked;
  blocked = new BlockList();
  for (const [net, prefix] of IPV4_RANGES) blocked.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of IPV6_RANGES) blocked.addSubnet(net, prefix, 'ipv6');
  return blocked;
}

function isPrivateIpv4(address: string): boolean {
  return ranges().check(address, 'ipv4');
}

/** The IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056). */
function embeddedIpv4(groups: readonly number[]): string | undefined {
  const at = (index: number) => dotted(groups[index] ?? 0, groups[index + 1] ?? 0);
  const startsWith = (...prefix: readonly number[]) =>
    prefix.every((group, index) => groups[index] === group);
  if (startsWith(0x2002)) return at(1);
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return at(6);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return at(6);
  // ::/96 without the unspecified and the loopback address, which are no embedded ones.
  if (startsWith(0, 0, 0, 0, 0, 0) && groups[6] !== 0) return at(6);
  return undefined;
}

function dotted(high: number, low: number): string {
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}

/** The eight groups of a valid IPv6 address. */
function expandIpv6(address: string): readonly number[] {
  // The URL parser writes a dotted tail as two groups and everything in lower case.
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const groupsOf = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const left = groupsOf(head);
  if (tail === undefined) return left;
  const right = groupsOf(tail);
  return [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
}
