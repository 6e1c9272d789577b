import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  acquireLock,
  type HeldLock,
  type Paths,
  readTextFile,
  writeFileAtomic,
} from '../../../platform/index.ts';
import { tokenDigest } from '../../../sidecar/index.ts';

/** Longer than making the image takes on a slow machine. */
const LOCK_TIMEOUT_MS = 180_000;

/**
 * By what the sidecar of a state folder is known: a token that only this user can read. The engine and the container are given its
 * digest, and the name of the container begins with a part of that, so two state folders on one engine never meet.
 */
export interface SidecarIdentity {
  readonly token: string;
  readonly digest: string;
  /** Prefix of the names of the folder's sidecars, one for each version of the program. */
  readonly prefix: string;
}

/** One process at a time makes, replaces or removes the sidecar of a state folder. */
export function lockSidecar({ state }: Paths): Promise<HeldLock> {
  return acquireLock(join(state, 'egress', 'lock'), {
    timeoutMs: LOCK_TIMEOUT_MS,
    purpose: 'failed to wait for another process that is changing the egress sidecar',
  });
}

/** Made when there is none yet; the caller holds the lock. */
export async function readIdentity({ state }: Paths): Promise<SidecarIdentity> {
  const path = join(state, 'egress', 'token');
  const known = await readToken(path);
  const token = known ?? randomBytes(32).toString('base64url');
  if (known === undefined) await writeFileAtomic(path, token);
  const digest = tokenDigest(token);
  return { token, digest, prefix: `toolhive-egress-${digest.slice(0, 6)}` };
}

/** `undefined` when there is none, and so no sidecar that would listen to us. */
export async function findIdentity(paths: Paths): Promise<SidecarIdentity | undefined> {
  const known = await readToken(join(paths.state, 'egress', 'token'));
  return known === undefined ? undefined : await readIdentity(paths);
}

async function readToken(path: string): Promise<string | undefined> {
  const text = (await readTextFile(path).catch(() => '')).trim();
  return /^[\w-]{43}$/.test(text) ? text : undefined;
}
