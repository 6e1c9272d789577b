import type { Identity } from './identity.ts';

const MAX_ENTRIES = 1000;
/** Larger ones are rare, and a thousand of them are not worth the memory. */
const MAX_CHARS = 4096;

interface Entry {
  readonly identity: Identity;
  /** Unix milliseconds. */
  readonly until: number;
  readonly generation: number;
}

/**
 * Tokens whose signature was found good, by their hash, until they end or the keys change: checking it again costs far more than
 * all else that a request goes through. Bounded; the oldest goes first.
 */
export function createTokenCache(now: () => number, generation: () => number) {
  const entries = new Map<string, Entry>();
  return {
    find(token: string): Identity | undefined {
      if (entries.size === 0) return undefined;
      const key = keyOf(token);
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (entry.until > now() && entry.generation === generation()) return entry.identity;
      entries.delete(key);
      return undefined;
    },
    add(token: string, identity: Identity): void {
      const { exp } = identity.claims;
      if (typeof exp !== 'number' || token.length > MAX_CHARS) return;
      const [oldest] = entries.keys();
      if (entries.size >= MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
      entries.set(keyOf(token), { identity, until: exp * 1000, generation: generation() });
    },
  };
}

function keyOf(token: string): string {
  return new Bun.CryptoHasher('sha256').update(token).digest('base64');
}
