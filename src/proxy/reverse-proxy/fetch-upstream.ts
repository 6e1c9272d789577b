import { withoutHopByHop } from './headers.ts';
import type { Upstream } from './upstream.ts';

/** Servers reached through TLS, where the runtime's own client knows best. */
export function createFetchUpstream(request: typeof fetch = fetch): Upstream {
  return async function sendByFetch({ origin, path, method, headers, body, signal }) {
    const sent = new Headers(headers.map(([name, value]): [string, string] => [name, value]));
    // Left out, fetch would send its own.
    if (!sent.has('user-agent')) sent.set('user-agent', '');
    const response = await request(origin.origin + path, {
      method,
      headers: sent,
      signal,
      redirect: 'manual',
      decompress: false,
      ...(body === undefined ? {} : { body }),
    });
    const { status, statusText } = response;
    return new Response(response.body, { status, statusText, headers: withoutHopByHop(response.headers) });
  };
}
