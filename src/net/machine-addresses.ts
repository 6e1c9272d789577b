import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isLoopbackHost } from './loopback.ts';

/**
 * All addresses of this machine's interfaces, loopback excepted, in one order. On Linux those of interfaces that are down too, which
 * the machine answers at all the same.
 */
export function addressesOfMachine(): readonly string[] {
  const all =
    process.platform === 'linux' ? [...interfaceAddresses(), ...kernelAddresses()] : interfaceAddresses();
  return [...new Set(all)].filter((address) => !isLoopbackHost(address)).toSorted();
}

function interfaceAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((each) =>
    (each ?? []).filter(({ internal }) => !internal).map(({ address }) => address.replace(/%.*$/, '')),
  );
}

function kernelAddresses(): readonly string[] {
  return read('/proc/net/fib_trie')
    .split('|--')
    .flatMap((part) => /^\s*(\S+)\s+(?:\/\d+[^\n]*\n\s+)*?\/32 host LOCAL/.exec(part)?.[1] ?? []);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a kernel without the protocol
  }
}
