import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';

const ATTEMPTS = 100;
const RETRY_MS = 50;

/**
 * The sidecar's address in the network that has a way out: the engine publishes the control port there, and no isolated workload is
 * in it. After a restart the container is in all its networks at once, and only the default route tells them apart.
 */
export async function outwardAddress(): Promise<string | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const name = defaultInterface(await readFile('/proc/net/route', 'utf8'));
    const found = networkInterfaces()[name ?? '']?.find(({ family }) => family === 'IPv4');
    if (found !== undefined) return found.address;
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
}

/** The interface of the IPv4 default route in the kernel's table (proc(5), `/proc/net/route`). */
export function defaultInterface(table: string): string | undefined {
  return /^(\S+)\t00000000\t(?!00000000)[0-9A-F]{8}\t\S+\t\S+\t\S+\t\S+\t00000000\t/m.exec(table)?.[1];
}
