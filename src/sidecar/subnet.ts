import { BlockList, isIP } from 'node:net';

/** Whether an address is one of the network that `base` with its prefix length lies in. */
export function isWithin(address: string, base: string, prefixLength: number): boolean {
  if (isIP(address) !== 4) return false;
  const network = new BlockList();
  network.addSubnet(base, prefixLength, 'ipv4');
  return network.check(address);
}

/** A peer's address as a socket gives it: IPv4 inside IPv6 is IPv4. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}
