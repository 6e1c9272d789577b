import { messageOf } from '../../errors/index.ts';
import type { Credentials } from '../credentials.ts';
import type { Health } from '../types.ts';

export interface PingFacts {
  /** Asked in this order until one answers with less than 500. */
  readonly places: readonly PingPlace[];
  /** As requests show them. */
  readonly credentials?: Credentials | undefined;
  readonly timeoutMs: number;
  /** URL of a proxy on the way; `undefined` for a direct connection. */
  readonly proxy?: string | undefined;
  readonly fetch?: PingRequest;
}

/** As much of `fetch` as a ping uses. */
export type PingRequest = (
  url: string,
  init: {
    readonly method: 'GET' | 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly signal: AbortSignal;
    readonly redirect: 'manual';
    readonly proxy: string | false;
  },
) => Promise<Response>;

export interface PingPlace {
  readonly url: URL;
  readonly method: 'GET' | 'POST';
}

const PING = '{"jsonrpc":"2.0","id":0,"method":"ping","params":{}}';

/**
 * Spec 04 §9.2: anything but a 5xx shows that somebody is there, a redirect too; none is followed (§19.13). The time
 * limit holds for all places together.
 */
export async function pingServer({
  places,
  credentials,
  timeoutMs,
  proxy,
  fetch: request = fetch,
}: PingFacts): Promise<Health> {
  const checkedAt = new Date();
  const startedAt = performance.now();
  const controller = new AbortController();
  const { signal } = controller;
  const timer = setTimeout(() => controller.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  let error = 'the MCP server is not running';
  try {
    for (const place of places) {
      const { url: origin, method } = place;
      const shown = await credentials?.headersFor({ origin, path: origin.pathname + origin.search, method });
      const headers = Object.fromEntries(shown ?? []);
      const status = await ask({ ...place, headers }, request, { signal, proxy: proxy ?? false });
      const responseTimeMs = Math.round(performance.now() - startedAt);
      if (status < 500) return { available: true, checkedAt, responseTimeMs };
      error = `the MCP server answered ${status}`;
    }
  } catch (cause) {
    error = messageOf(signal.aborted ? signal.reason : cause);
  } finally {
    clearTimeout(timer);
  }
  return { available: false, checkedAt, error };
}

async function ask(
  { url, method, headers }: PingPlace & { readonly headers: Readonly<Record<string, string>> },
  request: PingRequest,
  connection: { readonly signal: AbortSignal; readonly proxy: string | false },
): Promise<number> {
  const response = await request(url.href, {
    method,
    redirect: 'manual',
    ...connection,
    headers: {
      ...(method === 'POST' && {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      }),
      ...headers,
    },
    ...(method === 'POST' && { body: PING }),
  });
  await response.body?.cancel();
  return response.status;
}
