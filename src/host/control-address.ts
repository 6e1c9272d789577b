import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import type { Paths } from '../platform/index.ts';

/** Longest socket path that every system takes (macOS: 104 bytes with the final NUL). */
const MAX_SOCKET_PATH = 103;

/**
 * Where the control socket can be, best first (decision 02). A login session has one runtime folder but can
 * have several state folders (tests, containers): a host takes the first address that no host of another state folder
 * holds, and a command asks each address whose host it is.
 */
export function controlAddresses(
  paths: Paths,
  platform: NodeJS.Platform = process.platform,
): readonly string[] {
  if (platform === 'win32')
    return [`\\\\.\\pipe\\toolhive-host-${userInfo().username}-${shortHash(paths.state)}`];
  const candidates = [
    ...(paths.runtime === undefined ? [] : [join(paths.runtime, 'host.sock')]),
    join(paths.state, 'host.sock'),
    join(paths.temporary, `toolhive-${process.getuid?.()}-${shortHash(paths.state)}`, 'host.sock'),
  ];
  return candidates.filter((path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH);
}

/**
 * File with the address of the host that serves this state folder: a command may have been started where the variables are
 * others, by cron for instance, and would look elsewhere.
 */
export function addressRecord(paths: Paths): string {
  return join(paths.state, 'host', 'address');
}

/**
 * Whether only this user can have put a socket there. In a shared folder for temporary files another user might have been
 * faster; who can reach the socket is decided by the folder, not by the socket.
 */
export function isPrivateAddress(address: string): boolean {
  if (process.platform === 'win32') return true;
  try {
    return statSync(dirname(address)).uid === process.getuid?.();
  } catch {
    return false; // not there, or in another user's folder: `su` and `sudo` often keep the variables of the first user
  }
}

function shortHash(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('hex').slice(0, 12);
}
