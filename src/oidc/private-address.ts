import { BlockList, isIP } from 'node:net';

/** Networks that a provider on the internet cannot live in (spec 05 §3). */
const PRIVATE: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
  ['2001::', 32, 'ipv6'],
];

let cached: BlockList | undefined;

/** Whether an IP address belongs to this machine or a private network; an IPv4 address inside an IPv6 one is judged itself. */
export function isPrivateAddress(address: string): boolean {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(bare);
  if (version === 0) return false;
  if (version === 4) return blockList().check(bare, 'ipv4');
  const groups = expandIPv6(bare);
  const embedded = embeddedIPv4(groups);
  if (embedded !== undefined) return blockList().check(embedded, 'ipv4');
  return blockList().check(groups.map((group) => group.toString(16)).join(':'), 'ipv6');
}

function blockList(): BlockList {
  if (cached === undefined) {
    cached = new BlockList();
    for (const [network, prefix, family] of PRIVATE) cached.addSubnet(network, prefix, family);
  }
  return cached;
}

/** The eight 16-bit groups of a valid IPv6 address. */
function expandIPv6(text: string): readonly number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain =
    dotted === null
      ? text
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const read = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const before = read(head);
  const after = tail === undefined ? [] : read(tail);
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
}

/** Mapped (::ffff:0:0/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/96) and 6to4 (2002::/16) addresses. */
function embeddedIPv4(groups: readonly number[]): string | undefined {
  const [a = 0, b = 0, c = 0] = groups;
  const middleIsZero = groups.slice(3, 6).every((group) => group === 0);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  const isNat64 = a === 0x64 && b === 0xff9b && c <= 1 && middleIsZero;
  if (isMapped || isNat64) return dottedQuad(groups[6] ?? 0, groups[7] ?? 0);
  // Other uses of 64:ff9b:1::/48 are private by definition (RFC 8215).
  if (a === 0x64 && b === 0xff9b && c === 1) return '127.0.0.1';
  return a === 0x2002 ? dottedQuad(b, c) : undefined;
}

function dottedQuad(high: number, low: number): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
