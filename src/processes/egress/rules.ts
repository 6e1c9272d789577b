import { BlockList, isIP } from 'node:net';
import type { EgressRules } from '../network-access.ts';

type Verdict = 'allowed' | 'denied' | 'private';

/** Addresses of this machine and of its link: never by way of a name that somebody else controls. */
const OWN = addressList([
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
]);

/** Networks behind the router (RFC 1918, RFC 6598, RFC 4193 and the like). */
const PRIVATE = addressList([
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['192.0.0.0', 24],
  ['198.18.0.0', 15],
  ['fc00::', 7],
  ['fec0::', 10],
]);

/** Whether host and port as requested are granted. Both lists must match; an empty one matches all (spec 03 §10.2). */
export function isGranted(rules: EgressRules, host: string, port: number): boolean {
  const portMatches = rules.ports.length === 0 || rules.ports.includes(port);
  return portMatches && (rules.hosts.length === 0 || rules.hosts.some((rule) => matches(rule, host)));
}

/**
 * Whether an address that `host` resolved to may be connected to. Private networks are open to hosts that the profile names
 * in full; this machine and its link only to an address, or `localhost`, that it names itself: a name can be made to resolve to
 * anything.
 */
export function judgeAddress(rules: EgressRules, host: string, address: string): Verdict {
  const plain = withoutMapping(address);
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4';
  const isNamed = rules.hosts.some((rule) => normalizeHost(rule) === normalizeHost(host));
  const isLiteral = isIP(normalizeHost(host)) !== 0 || normalizeHost(host) === 'localhost';
  if (OWN.check(plain, family) || isUnmappable(plain)) return isNamed && isLiteral ? 'allowed' : 'private';
  if (PRIVATE.check(plain, family)) return isNamed ? 'allowed' : 'private';
  return 'allowed';
}

/** Lower case, without brackets and trailing dot. */
export function normalizeHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

/** `example.com` is that host; `.example.com` and `*.example.com` the domain and all below it. */
function matches(rule: string, host: string): boolean {
  const wanted = normalizeHost(rule).replace(/^\*\./, '.');
  const given = normalizeHost(host);
  if (!wanted.startsWith('.')) return given === wanted;
  return given === wanted.slice(1) || given.endsWith(wanted);
}

/** IPv4 inside IPv6 (`::ffff:127.0.0.1`) is what the kernel connects to. */
function withoutMapping(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(address);
  if (hex === null) return address;
  const high = Number.parseInt(hex[1] ?? '', 16);
  const low = Number.parseInt(hex[2] ?? '', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Other embeddings of IPv4 (NAT64, 6to4) lead somewhere else than they look. */
function isUnmappable(address: string): boolean {
  return /^(?:64:ff9b:|2002:)/i.test(address);
}

function addressList(ranges: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ranges) list.addSubnet(address, bits, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  return list;
}
