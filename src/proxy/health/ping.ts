import { messageOf } from '../../errors/index.ts';
import type { Health } from '../types.ts';

export interface PingFacts {
  /** Asked in this order until one answers with less than 500. */
  readonly places: readonly PingPlace[];
  readonly timeoutMs: number;
  /** URL of a proxy on the way; `undefined` for a direct connection. */
  readonly proxy?: string | undefined;
  readonly fetch?: typeof fetch;
}

export interface PingPlace {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  /** What the middlewares of the workload would add, such as a token. */
  readonly headers?: Readonly<Record<string, string>>;
}

const PING = '{"jsonrpc":"2.0","id":0,"method":"ping","params":{}}';

/**
 * Spec 04 §9.2: anything but a 5xx shows that somebody is there, a redirect too; none is followed (§19.13). The time
 * limit holds for all places together.
 */
export async function pingServer({
  places,
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
      const status = await ask(place, request, { signal, proxy: proxy ?? false });
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
  place: PingPlace,
  request: typeof fetch,
  connection: { readonly signal: AbortSignal; readonly proxy: string | false },
): Promise<number> {
  const { url, method } = place;
  const response = await request(url, {
    method,
    redirect: 'manual',
    ...connection,
    headers: {
      ...(method === 'POST' && {
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      }),
      ...place.headers,
    },
    ...(method === 'POST' && { body: PING }),
  });
  await response.body?.cancel();
  return response.status;
}
