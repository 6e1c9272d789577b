import { createHttpClient } from '../net/index.ts';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;

interface Init {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What `oauth4webapi` is to use as `fetch`: https, or http on this machine, no redirects, no answer longer than 1 MiB. The
 * issuer is the user's own choice, often of a private network, so addresses are not judged.
 */
export async function guardedFetch(url: string, { method, headers, body, signal }: Init): Promise<Response> {
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: 'loopback',
    proxies: process.env,
  });
  const answer = await client.send(url, {
    method: method === 'POST' ? 'POST' : 'GET',
    headers,
    body: body === undefined || body === null ? undefined : String(body),
    maxBytes: MAX_BYTES,
    timeoutMs: TIMEOUT_MS,
    redirects: 0,
    signal,
  });
  const { status } = answer;
  const isEmpty = status === 204 || status === 205 || status === 304;
  return new Response(isEmpty ? null : answer.body, { status, headers: answer.headers });
}
