import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isLoopbackHost } from './loopback.ts';

/**
 * All addresses of this machine's interfaces, loopback excepted, in one order. On Linux those of interfaces that are down too, which
 * the machine answers at all the same; IPv6 addresses are not shortened there.
 */
export function addressesOfMachine(): readonly string[] {
  const all = process.platform === 'linux' ? kernelAddresses() : interfaceAddresses();
  return [...new Set(all)].filter((address) => !isLoopbackHost(address)).toSorted();
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter(({ internal }) => !internal).map(({ address }) => address.replace(/%.*$/, '')),
  );
}

function kernelAddresses(): readonly string[] {
  const ipv4 = read('/proc/net/fib_trie')
    .split('|--')
    .flatMap((part) => /^\s*(\S+)\s+(?:\/\d+[^\n]*\n\s+)*?\/32 host LOCAL/.exec(part)?.[1] ?? []);
  const ipv6 = read('/proc/net/if_inet6')
    .split('\n')
    .flatMap((line) => /^([0-9a-f]{32}) /.exec(line)?.[1] ?? [])
    .map((hex) => hex.replace(/(.{4})(?!$)/g, '$1:'));
  return [...ipv4, ...ipv6];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a kernel without the protocol
  }
}
