import { withoutHopByHop } from './headers.ts';
import type { Upstream } from './upstream.ts';

interface FetchOptions {
  readonly fetch?: typeof fetch | undefined;
  /** URL of a proxy on the way; `undefined` for a direct connection, whatever this process's environment says. */
  readonly proxy?: string | undefined;
  /** Certificates to trust instead of the usual ones, in PEM. */
  readonly certificates?: readonly string[] | undefined;
}

/** Servers reached through TLS or another proxy, where the runtime's own client knows best. */
export function createFetchUpstream({ fetch: request = fetch, proxy, certificates }: FetchOptions): Upstream {
  const tls = certificates === undefined ? {} : { tls: { ca: [...certificates] } };
  return async function sendByFetch({ origin, path, method, headers, body, signal }) {
    const sent = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
    // Left out, fetch would send its own.
    if (!sent.has('user-agent')) sent.set('user-agent', '');
    const response = await request(origin.origin + path, {
      method,
      headers: sent,
      signal,
      redirect: 'manual',
      // A stream may be silent for as long as it likes.
      timeout: false,
      proxy: proxy ?? false,
      decompress: false,
      ...tls,
      ...(body === undefined ? {} : { body }),
    });
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers: withoutHopByHop(response.headers) });
  };
}
