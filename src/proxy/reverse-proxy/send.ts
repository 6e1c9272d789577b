import type { ForwardBody } from './request-body.ts';

export interface SendFacts {
  readonly method: string;
  readonly headers: Headers;
  readonly body: ForwardBody;
  readonly signal: AbortSignal;
  readonly fetch: typeof fetch;
}

const MAX_REDIRECTS = 10;

/**
 * Sends one request and follows what stays on the same host and port with method and body unchanged; every other
 * redirect is the client's business (spec 04 §8.2). Bodies pass as they are, compressed or not.
 */
export async function send(url: URL, facts: SendFacts): Promise<Response> {
  const { method, headers, body, signal } = facts;
  let place = url;
  for (let hop = 0; ; hop += 1) {
    const response = await facts.fetch(place, {
      method,
      headers,
      signal,
      redirect: 'manual',
      decompress: false,
      ...(body.content === undefined ? {} : { body: body.content }),
    });
    const next = hop < MAX_REDIRECTS && body.isRepeatable ? findRedirect(place, response) : undefined;
    if (next === undefined) return response;
    await response.body?.cancel();
    place = next;
  }
}

function findRedirect(from: URL, response: Response): URL | undefined {
  if (![301, 302, 307, 308].includes(response.status)) return undefined;
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, from.href)) return undefined;
  const to = new URL(location, from.href);
  const isDowngrade = from.protocol === 'https:' && to.protocol === 'http:';
  return to.host === from.host && to.protocol.startsWith('http') && !isDowngrade ? to : undefined;
}
