import { isIP } from 'node:net';
import type { IPv4, IPv6 } from 'ipaddr.js';

/**
 * Where a connection to an address ends. `machine`: this one. `link`: a neighbour, a group or the metadata service of a cloud.
 * `private`: a network behind the router. `documentation`: nobody (RFC 5737, RFC 3849), so that laboratories use it for what stands
 * in for the internet. `reserved`: nothing that anyone may rely on, or a translator whose target cannot be told. `public`: the
 * internet.
 */
export type AddressKind = 'machine' | 'link' | 'private' | 'documentation' | 'reserved' | 'public';

/** By the library's ranges; one that is missing here is `reserved`. */
const KINDS: Readonly<Record<string, AddressKind>> = {
  unspecified: 'machine',
  loopback: 'machine',
  linkLocal: 'link',
  multicast: 'link',
  broadcast: 'link',
  private: 'private',
  carrierGradeNat: 'private',
  uniqueLocal: 'private',
  deprecatedSiteLocal: 'private',
  unicast: 'public',
  as112: 'public',
  as112v6: 'public',
  amt: 'public',
};

/**
 * The kind of a literal address, without brackets; a zone id does not matter. An IPv4 address inside an IPv6 one is judged by
 * itself, because that is where the connection ends. Throws for anything but an address.
 */
export function classifyAddress(address: string): AddressKind {
  const bare = address.replace(/%.*$/, '');
  // The library also takes `0x7f.1` and the like, which no resolver and no URL gives us.
  if (isIP(bare) === 0) throw new Error(`not an IP address: ${address}`);
  const parsed = library().parse(bare);
  return isIpv4(parsed) ? kindOfIpv4(parsed) : kindOfIpv6(parsed);
}

export function isPublicAddress(address: string): boolean {
  return classifyAddress(address) === 'public';
}

/** The address that a URL or an authority names as its host, without brackets; `undefined` for a name. */
export function literalAddress(host: string): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}

function kindOfIpv4(address: IPv4): AddressKind {
  // Meant for benchmarks, but in use as a private network, by VPN clients above all.
  if (address.match(library().IPv4.parse('198.18.0.0'), 15)) return 'private';
  if (DOCUMENTATION.some((net) => address.match(library().IPv4.parse(net), 24))) return 'documentation';
  return KINDS[address.range()] ?? 'reserved';
}

const DOCUMENTATION = ['192.0.2.0', '198.51.100.0', '203.0.113.0'];

function kindOfIpv6(address: IPv6): AddressKind {
  const embedded = embeddedIpv4(address.parts);
  if (embedded !== undefined) return kindOfIpv4(new (library().IPv4)(embedded));
  if (address.match(library().IPv6.parse('2001:db8::'), 32)) return 'documentation';
  const kind = KINDS[address.range()] ?? 'reserved';
  // Addresses of the internet come from 2000::/3 only (RFC 4291 §2.4, IANA).
  return kind === 'public' && ((address.parts[0] ?? 0) & 0xe000) !== 0x2000 ? 'reserved' : kind;
}

/** The IPv4 address that an IPv6 one leads to: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056). */
function embeddedIpv4(groups: readonly number[]): number[] | undefined {
  const at = (index: number) =>
    [groups[index] ?? 0, groups[index + 1] ?? 0].flatMap((group) => [group >> 8, group & 0xff]);
  const startsWith = (...prefix: readonly number[]) =>
    prefix.every((group, index) => groups[index] === group);
  if (startsWith(0x2002)) return at(1);
  if (startsWith(0x64, 0xff9b, 0, 0, 0, 0)) return at(6);
  if (startsWith(0, 0, 0, 0, 0, 0xffff)) return at(6);
  // ::/96 without the unspecified and the loopback address, which are no embedded ones.
  if (startsWith(0, 0, 0, 0, 0, 0) && groups[6] !== 0) return at(6);
  return undefined;
}

function isIpv4(address: IPv4 | IPv6): address is IPv4 {
  return address.kind() === 'ipv4';
}

let loaded: typeof import('ipaddr.js') | undefined;

/** Loaded with the first question: most commands ask none. */
function library(): typeof import('ipaddr.js') {
  loaded ??= require('ipaddr.js') as typeof import('ipaddr.js');
  return loaded;
}
