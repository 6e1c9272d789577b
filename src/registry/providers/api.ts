import { hasCode, messageOf, ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { RegistryApi } from '../api-client.ts';
import type { RegistryContent } from '../content.ts';
import type { CachedContent, DiskCache } from '../disk-cache.ts';
import type { RegistryEntry } from '../entry.ts';
import { entriesFromServers } from '../from-upstream.ts';
import type { Provider } from '../provider.ts';
import { shownUrl } from '../shown-url.ts';

const FRESH_MS = 3_600_000;
/** After an outage what is kept is used for so long before the registry is asked again. */
const PAUSE_MS = 60_000;
const SERVER_NAME = /^[a-zA-Z0-9.-]+(?:\/[a-zA-Z0-9._-]+)?$/;

interface ApiProviderOptions {
  readonly url: string;
  readonly api: RegistryApi;
  /** With a login there is no probe: the first real call tells (spec 08 §1.2). */
  readonly isAuthenticated: boolean;
  readonly cache: DiskCache;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly now?: () => number;
}

/**
 * A registry API, with what it said last kept for an hour in memory and on disk; when it cannot be reached, what is kept is used
 * for up to a week (spec 08 §1.3, §9.21). A refused login is never papered over with what is kept.
 */
export function createApiProvider(options: ApiProviderOptions): Provider {
  const { url, api, isAuthenticated, cache, logger, signal, now = Date.now } = options;
  let kept: CachedContent | undefined;
  let pending: Promise<RegistryContent> | undefined;
  let pausedUntil = 0;

  const isFresh = ({ fetchedAt }: CachedContent) => now() - fetchedAt < FRESH_MS;

  async function fetchAll(): Promise<RegistryContent> {
    // Each time: a registry that swallows requests is noticed sooner than by the long list.
    if (!isAuthenticated) await api.probe({ signal });
    const content = {
      version: '1.0.0',
      lastUpdated: new Date(now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      ...entriesFromServers(await api.listServers({ signal })),
      extras: 0,
    };
    kept = { content, fetchedAt: now() };
    await cache.write(content);
    return content;
  }

  async function fetchOrStale(): Promise<RegistryContent> {
    try {
      return await fetchAll();
    } catch (error) {
      if (kept === undefined || !isOutage(error)) throw creationError(url, error);
      pausedUntil = now() + PAUSE_MS;
      const minutes = Math.round((now() - kept.fetchedAt) / 60_000);
      logger.warn('the registry is not reachable, using what it said before', {
        registry: shownUrl(url),
        minutes,
        error,
      });
      return kept.content;
    }
  }

  return {
    async load(refresh) {
      kept ??= await cache.read();
      if (kept !== undefined && !refresh && (isFresh(kept) || now() < pausedUntil)) return kept.content;
      // Asked for twice at once it is fetched once.
      pending ??= fetchOrStale().finally(() => {
        pending = undefined;
      });
      return pending;
    },

    async findLive(name, waiter) {
      if (!SERVER_NAME.test(name)) return undefined;
      const tried = [...(name.includes('/') ? [] : [`io.github.stacklok/${name}`]), name];
      try {
        for (const candidate of tried) {
          const server = await api.findServer(candidate, { signal: waiter });
          if (server !== undefined) return convertOne(server, logger);
        }
        const { entries } = entriesFromServers(await api.searchServers(name, { signal: waiter }));
        return matching(entries, name);
      } catch (error) {
        // The list has been read, if only an old one: an outage now means that we do not know of such a server.
        if (!isOutage(error)) throw error;
        logger.warn('failed to ask the registry for a server', {
          registry: shownUrl(url),
          server: name,
          error,
        });
        return undefined;
      }
    },
  };
}

function convertOne(server: unknown, logger: Logger): RegistryEntry | undefined {
  const { entries, skipped } = entriesFromServers([server]);
  for (const { name, reason } of skipped)
    logger.warn('registry entry cannot be used', { server: name, reason });
  return entries[0];
}

/** By full name, or by the part behind the only slash; several are ambiguous. */
function matching(entries: readonly RegistryEntry[], name: string): RegistryEntry | undefined {
  const exact = entries.find((entry) => entry.name === name);
  if (exact !== undefined) return exact;
  const matches = entries.filter(
    (entry) => entry.name.split('/').length === 2 && entry.name.endsWith(`/${name}`),
  );
  const names = [...new Set(matches.map((entry) => entry.name))].sort();
  if (names.length > 1) throw new ThvError('ERR_SERVER_AMBIGUOUS', { server: name, matches: names });
  return matches[0];
}

/** The registry is away or broken, so what it said before may stand in. */
function isOutage(error: unknown): boolean {
  if (!hasCode(error, 'ERR_REGISTRY_REQUEST')) return false;
  const { failed, status = 0 } = error.facts;
  return failed === 'timeout' || failed === 'connection' || (failed === 'status' && status >= 500);
}

function creationError(url: string, error: unknown): unknown {
  if (!hasCode(error, 'ERR_REGISTRY_REQUEST')) return error;
  const reason = `upstream registry at ${shownUrl(url)} is unavailable: ${messageOf(error)}`;
  return new ThvError('ERR_REGISTRY_UNAVAILABLE', { reason }, { cause: error }).within(
    `custom registry API at ${shownUrl(url)} is not reachable`,
  );
}
