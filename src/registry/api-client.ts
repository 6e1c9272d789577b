import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { startDeadline } from '../platform/index.ts';
import { isRecord } from './detect-format.ts';
import type { HttpAnswer, HttpClient } from './http-client.ts';
import { shownUrl } from './shown-url.ts';

const PAGE_SIZE = 100;
const MAX_SERVERS = 10_000;
const LIST_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 10_000;
const MAX_ERROR_BYTES = 4096;

const Page = v.object({
  servers: v.nullish(v.array(v.object({ server: v.unknown() })), () => []),
  metadata: v.nullish(v.object({ nextCursor: v.nullish(v.string(), '') }), () => ({ nextCursor: '' })),
});

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Calls of the MCP Registry API v0.1 (spec 08 §1.2). All throw `ERR_REGISTRY_REQUEST`, `ERR_REGISTRY_AUTH_REQUIRED`. */
export interface RegistryApi {
  /** Asks for one server, to see whether the registry answers. */
  probe(options: CallOptions): Promise<void>;
  /** All `server.json` documents, page after page; throws `ERR_REGISTRY_INVALID` when there are too many. */
  listServers(options: CallOptions): Promise<readonly unknown[]>;
  /** Latest version of one; `undefined` when the registry does not have it. */
  findServer(name: string, options: CallOptions): Promise<unknown>;
  /** First page of what the registry's own search finds. */
  searchServers(query: string, options: CallOptions): Promise<readonly unknown[]>;
}

interface ApiOptions {
  readonly http: HttpClient;
  /** Value of the `Authorization` header; throws `ERR_REGISTRY_AUTH_REQUIRED`. Absent where the registry needs none. */
  readonly authorize?: ((options: CallOptions) => Promise<string>) | undefined;
}

export function createRegistryApi(baseUrl: string, { http, authorize }: ApiOptions): RegistryApi {
  const base = baseUrl.replace(/\/$/, '');

  async function get(path: string, { signal }: CallOptions, timeoutMs = TIMEOUT_MS): Promise<HttpAnswer> {
    const authorization = await authorize?.({ signal });
    const answer = await http.request(`${base}${path}`, { timeoutMs, authorization, signal });
    if (answer.status === 401 || answer.status === 403)
      throw unauthorized(base, answer, authorize !== undefined);
    return answer;
  }

  async function getPage(
    path: string,
    options: CallOptions,
    timeoutMs?: number,
  ): Promise<v.InferOutput<typeof Page>> {
    const answer = await get(path, options, timeoutMs);
    if (answer.status !== 200) throw badStatus(`${base}${path}`, answer);
    const page = v.safeParse(Page, parseBody(`${base}${path}`, answer));
    if (!page.success) throw notAnApi(`${base}${path}`, page.issues[0].message);
    return page.output;
  }

  return {
    async probe(options) {
      await getPage('/v0.1/servers?limit=1&version=latest', options);
    },
    async listServers({ signal }) {
      using deadline = startDeadline({ signal, timeoutMs: LIST_TIMEOUT_MS });
      const servers: unknown[] = [];
      const seen = new Set<string>();
      for (let cursor = ''; ; ) {
        const query = `${cursor === '' ? '' : `cursor=${encodeURIComponent(cursor)}&`}limit=${PAGE_SIZE}&version=latest`;
        const page = await overall(deadline, signal, () =>
          getPage(`/v0.1/servers?${query}`, { signal: deadline.signal }, LIST_TIMEOUT_MS),
        );
        servers.push(...page.servers.map(({ server }) => server));
        if (servers.length > MAX_SERVERS) {
          throw new ThvError('ERR_REGISTRY_INVALID', {
            reason: `exceeded maximum server limit (${MAX_SERVERS})`,
          });
        }
        cursor = page.metadata.nextCursor;
        if (cursor === '') return servers;
        if (seen.has(cursor)) throw notAnApi(`${base}/v0.1/servers`, `the cursor ${cursor} came twice`);
        seen.add(cursor);
      }
    },
    async findServer(name, options) {
      const path = `/v0.1/servers/${encodeURIComponent(name)}/versions/latest`;
      const answer = await get(path, options);
      if (answer.status === 404) return undefined;
      if (answer.status !== 200) throw badStatus(`${base}${path}`, answer);
      const body = parseBody(`${base}${path}`, answer);
      return isRecord(body) ? body['server'] : undefined;
    },
    async searchServers(query, options) {
      const { servers } = await getPage(
        `/v0.1/servers?search=${encodeURIComponent(query)}&version=latest`,
        options,
      );
      return servers.map(({ server }) => server);
    },
  };
}

/** A page that was given up because the whole list took too long is told as such. */
async function overall<T>(
  deadline: { readonly expired: boolean },
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    signal?.throwIfAborted();
    if (!deadline.expired) throw error;
    const reason = `listing all servers took longer than ${LIST_TIMEOUT_MS / 1000} seconds`;
    throw new ThvError('ERR_REGISTRY_REQUEST', { reason, failed: 'timeout' }, { cause: error });
  }
}

function unauthorized(base: string, { status }: HttpAnswer, isConfigured: boolean): ThvError {
  const word = status === 401 ? 'Unauthorized' : 'Forbidden';
  const reason = `registry at ${shownUrl(base)} returned ${status} ${word}`;
  const advice =
    ". If it needs a login, run 'thv config set-registry <registry-url> --issuer <issuer-url> --client-id <client-id>' to configure it";
  return new ThvError('ERR_REGISTRY_AUTH_REQUIRED', { reason: isConfigured ? reason : `${reason}${advice}` });
}

function badStatus(url: string, { status, body }: HttpAnswer): ThvError {
  const start = new TextDecoder().decode(new TextEncoder().encode(body).subarray(0, MAX_ERROR_BYTES), {
    stream: true,
  });
  const reason = `registry API returned status ${status} for ${shownUrl(url)}: ${start}`;
  return new ThvError('ERR_REGISTRY_REQUEST', { reason, failed: 'status', status });
}

function parseBody(url: string, { body }: HttpAnswer): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw notAnApi(url, messageOf(error));
  }
}

function notAnApi(url: string, problem: string): ThvError {
  return new ThvError('ERR_REGISTRY_REQUEST', {
    reason: `${shownUrl(url)} did not answer like a registry API: ${problem}`,
    failed: 'content',
  });
}
