import type { Upstream, UpstreamRequest } from './upstream.ts';

const MAX_REDIRECTS = 10;

/**
 * Sends one request and follows what stays on the same host and port with method, headers and body unchanged; every
 * other redirect is the client's business (spec 04 §8.2).
 */
export async function send(upstream: Upstream, request: UpstreamRequest): Promise<Response> {
  let { path } = request;
  for (let hop = 0; ; hop += 1) {
    const response = await upstream(hop === 0 ? request : { ...request, path });
    const next = hop < MAX_REDIRECTS ? findRedirect(request, path, response) : undefined;
    if (next === undefined) return response;
    await response.body?.cancel();
    path = next;
  }
}

function findRedirect(request: UpstreamRequest, path: string, response: Response): string | undefined {
  if (![301, 302, 307, 308].includes(response.status)) return undefined;
  if (request.body instanceof ReadableStream) return undefined;
  const location = response.headers.get('location');
  const from = request.origin.origin + path;
  if (location === null || !URL.canParse(location, from)) return undefined;
  const to = new URL(location, from);
  return to.origin === request.origin.origin ? to.pathname + to.search : undefined;
}
