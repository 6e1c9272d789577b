import type { PingRequest } from '../../health/ping.ts';
import type { Upstream } from '../upstream.ts';

/** Pings over the connections that requests take. */
export function fetchThrough(send: Upstream): PingRequest {
  return (url, { method, headers, body, signal }) => {
    const { origin, pathname, search } = new URL(url);
    return send({
      origin: new URL(origin),
      path: pathname + search,
      method,
      headers: Object.entries(headers),
      body: body === undefined ? undefined : Buffer.from(body),
      signal,
    });
  };
}
