import { randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * A key of `thv token create`: `thvk_<id>_<secret>`. Scanners for leaked secrets, and we, know it by its beginning; the id finds
 * the record, and the secret has 256 bits, so that a plain hash is all it takes to keep it.
 */
const PREFIX = 'thvk_';
const FORM = /^thvk_([0-9a-f]{12})_[\w-]{43}$/;

export interface NewAccessToken {
  readonly id: string;
  readonly token: string;
  readonly hash: string;
}

export function makeAccessToken(): NewAccessToken {
  const id = randomBytes(6).toString('hex');
  const token = `${PREFIX}${id}_${randomBytes(32).toString('base64url')}`;
  return { id, token, hash: `sha256:${Buffer.from(hashOf(token)).toString('hex')}` };
}

/** Whether a bearer is meant to be one of ours, be it well made or not. */
export function isAccessToken(bearer: string): boolean {
  return bearer.startsWith(PREFIX);
}

/** `undefined` for what has another form. */
export function idOf(token: string): string | undefined {
  return FORM.exec(token)?.[1];
}

/** A stored hash as it is compared; empty, and so that of no token, where it has another form. */
export function parseHash(hash: string): Uint8Array {
  return Buffer.from(/^sha256:([0-9a-f]{64})$/.exec(hash)?.[1] ?? '', 'hex');
}

/** Takes the same time wherever the two differ. */
export function isTokenOf(token: string, hash: Uint8Array): boolean {
  const own = hashOf(token);
  return own.byteLength === hash.byteLength && timingSafeEqual(own, hash);
}

function hashOf(token: string): Uint8Array {
  return Bun.SHA256.hash(token) as Uint8Array;
}
