import { ThvError } from '../../errors/index.ts';
import type { RegistryContent } from '../content.ts';
import type { HttpClient } from '../http-client.ts';
import { isEmptyRegistry, parseRegistry } from '../parse-registry.ts';
import type { Provider } from '../provider.ts';
import { shownUrl } from '../shown-url.ts';

const PROBE_TIMEOUT_MS = 5000;
const TIMEOUT_MS = 30_000;
/** How long a server goes on with what it has read; a command reads once (spec 08 §9.18). */
const FRESH_MS = 3_600_000;

/** A file in the upstream format behind a URL (spec 08 §1.1). The first reading is the probe as well. */
export function createUrlProvider(
  url: string,
  http: HttpClient,
  { signal, now = Date.now }: { readonly signal?: AbortSignal | undefined; readonly now?: () => number } = {},
): Provider {
  let kept: { readonly content: Promise<RegistryContent>; readonly at: number } | undefined;

  async function read(isFirst: boolean): Promise<RegistryContent> {
    if (isFirst) {
      try {
        return await fetchRegistry(url, http, { signal });
      } catch (error) {
        throw unreachable(url, error, signal);
      }
    }
    const { status, body } = await http.request(url, { timeoutMs: TIMEOUT_MS, signal });
    if (status !== 200) {
      const reason = `response status code from URL ${shownUrl(url)} not OK: status code ${status}`;
      throw new ThvError('ERR_REGISTRY_REQUEST', { reason, failed: 'status', status });
    }
    return parseRegistry(body, { source: shownUrl(url) });
  }

  return {
    async load() {
      if (kept !== undefined && now() - kept.at < FRESH_MS) return kept.content;
      const fresh = { content: read(kept === undefined), at: now() };
      const before = kept;
      kept = fresh;
      try {
        return await fresh.content;
      } catch (error) {
        if (kept === fresh) kept = before;
        throw error;
      }
    },
  };
}

/**
 * What is behind the URL if it will do as a registry. Throws `ERR_REGISTRY_REQUEST`, `ERR_REGISTRY_LEGACY_FORMAT`,
 * `ERR_REGISTRY_INVALID`.
 */
export async function fetchRegistry(
  url: string,
  http: HttpClient,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<RegistryContent> {
  const { status, body } = await http.request(url, { timeoutMs: PROBE_TIMEOUT_MS, signal });
  if (status !== 200) {
    const reason = `registry validation failed: registry returned status ${status} from ${shownUrl(url)}`;
    throw new ThvError('ERR_REGISTRY_REQUEST', { reason, failed: 'status', status });
  }
  const content = parseRegistry(body, { source: shownUrl(url), strict: true });
  if (isEmptyRegistry(content)) {
    throw new ThvError('ERR_REGISTRY_INVALID', {
      reason: `registry at ${shownUrl(url)} returned upstream format with no servers, skills, or plugins`,
    });
  }
  return content;
}

/** Creation errors name the registry; a legacy file already does (spec 08 §1). */
function unreachable(url: string, error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted || !(error instanceof ThvError) || error.code === 'ERR_REGISTRY_LEGACY_FORMAT')
    return error;
  return error.within(`custom registry at ${shownUrl(url)} is not reachable`);
}
