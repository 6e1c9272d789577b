import { hasCode, ThvError } from '../../errors/index.ts';
import type { Claims } from '../identity.ts';

const MOST_POSITIVE_MS = 60_000;
const NEGATIVE_MS = 5000;
const MAX_ENTRIES = 1000;
/** Made-up tokens must not become a flood of requests to the provider. */
const MAX_PENDING = 100;

type Entry = { readonly until: number } & ({ readonly claims: Claims } | { readonly error: unknown });

/**
 * Answers of an introspection endpoint by the hash of their token: valid ones for a minute at most and never beyond the
 * token's end, refusals for five seconds (spec 05 §20-8). Bounded; the oldest goes first. A token that is being asked for is
 * not asked for again, and beyond a hundred at once `through` rejects with `ERR_PROVIDER_UNREACHABLE`.
 */
export function createIntrospectionCache(now: () => number) {
  const entries = new Map<string, Entry>();
  const pending = new Map<string, Promise<Claims>>();

  function remember(key: string, entry: Entry): void {
    entries.delete(key);
    entries.set(key, entry);
    const [oldest] = entries.keys();
    if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest);
  }

  async function askOnce(key: string, ask: () => Promise<Claims>): Promise<Claims> {
    try {
      const claims = await ask();
      const exp = claims['exp'];
      const end = typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY;
      remember(key, { claims, until: Math.min(now() + MOST_POSITIVE_MS, end) });
      return claims;
    } catch (error) {
      // A provider that is down is asked again by the next request.
      if (hasCode(error, 'ERR_TOKEN_REJECTED')) remember(key, { error, until: now() + NEGATIVE_MS });
      throw error;
    } finally {
      pending.delete(key);
    }
  }

  return {
    async through(token: string, ask: () => Promise<Claims>): Promise<Claims> {
      const key = new Bun.CryptoHasher('sha256').update(token).digest('base64');
      const known = entries.get(key);
      if (known !== undefined && known.until > now()) {
        if ('error' in known) throw known.error;
        return known.claims;
      }
      const asked = pending.get(key);
      if (asked !== undefined) return await asked;
      if (pending.size >= MAX_PENDING)
        throw new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: 'too many tokens are being asked for' });
      const asking = askOnce(key, ask);
      pending.set(key, asking);
      return await asking;
    },
  };
}
