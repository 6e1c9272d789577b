import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import * as v from 'valibot';
import { messageOf, ThvError, within } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { parseJson } from './discovery.ts';
import type { OutboundClient } from './outbound.ts';

const KeySetSchema = v.looseObject({ keys: v.array(v.looseObject({ kty: v.string() })) });

const FETCH_TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;
const LEAST_FRESH_MS = 15 * 60_000;
const MOST_FRESH_MS = 30 * 24 * 3600_000;
/** An unknown key id asks the provider again, but not more often than this (spec 05 §20-6). */
const FORCED_FETCH_INTERVAL_MS = 10_000;

interface KeySet {
  /** Throws jose's `JWKSNoMatchingKey`, `ERR_PROVIDER_UNREACHABLE` or `ERR_PROVIDER_REFUSED`. */
  readonly find: JWTVerifyGetKey;
  /** Counts the times that the keys changed. */
  generation(): number;
  /** Fetches the keys in the background when their time is over. */
  refreshIfStale(): void;
}

interface KeySetOptions {
  /** Where the keys are; may have to be discovered first. */
  readonly url: () => Promise<string>;
  readonly client: OutboundClient;
  readonly logger: Logger;
  readonly now?: () => number;
}

/**
 * The provider's keys, fetched when the first token comes, refreshed in the background as often as the provider's cache
 * headers say (15 min to 30 days), and again at once for a key id nobody knows (spec 05 §4.4). A failed refresh keeps the old
 * keys.
 */
export function createKeySet({ url, client, logger, now = Date.now }: KeySetOptions): KeySet {
  let text = '';
  let generation = 0;
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let freshUntil = 0;
  let forcedAt = Number.NEGATIVE_INFINITY;
  let forced: Promise<void> | undefined;
  let pending: Promise<void> | undefined;

  function refresh(): Promise<void> {
    pending ??= load().finally(() => {
      pending = undefined;
    });
    return pending;
  }

  async function load(): Promise<void> {
    const address = await url();
    await within('failed to fetch JWKS', async () => {
      const { status, headers, body } = await client.send(address, {
        method: 'GET',
        maxBytes: MAX_BYTES,
        timeoutMs: FETCH_TIMEOUT_MS,
        followRedirects: true,
      });
      if (status >= 500)
        throw new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: `${address} answered ${status}` });
      const document = v.safeParse(KeySetSchema, parseJson(body));
      if (status !== 200 || !document.success)
        throw new ThvError('ERR_PROVIDER_REFUSED', {
          reason: `${address} gave no key set (status ${status})`,
        });
      if (body !== text) {
        text = body;
        generation += 1;
        keys = createLocalJWKSet(document.output as JSONWebKeySet);
      }
      freshUntil = now() + freshForMs(headers, now());
    });
  }

  function refreshIfStale(): void {
    if (keys === undefined || now() <= freshUntil) return;
    freshUntil = now() + LEAST_FRESH_MS; // whatever comes of it, not on every request
    refresh().catch((error: unknown) =>
      logger.warn('keys of the identity provider not refreshed', { error: messageOf(error) }),
    );
  }

  const find: JWTVerifyGetKey = async (header, token) => {
    if (keys === undefined) await refresh();
    else refreshIfStale();
    if (keys === undefined) throw new errors.JWKSNoMatchingKey();
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      // Those who come meanwhile get what became of it: the new keys, or that the provider does not answer.
      if (forced === undefined || now() - forcedAt >= FORCED_FETCH_INTERVAL_MS) {
        forcedAt = now();
        forced = refresh();
      }
      await forced;
      return await keys(header, token);
    }
  };

  return { find, generation: () => generation, refreshIfStale };
}

function freshForMs(headers: Headers, nowMs: number): number {
  const maxAge = /(?:^|[\s,])max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1];
  const expires = Date.parse(headers.get('expires') ?? '');
  const wanted = maxAge !== undefined ? Number(maxAge) * 1000 : Number.isNaN(expires) ? 0 : expires - nowMs;
  return Math.min(Math.max(wanted, LEAST_FRESH_MS), MOST_FRESH_MS);
}
