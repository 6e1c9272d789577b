import type { Credentials } from '../credentials.ts';
import { type HeaderList, without } from './headers.ts';
import type { Upstream, UpstreamRequest } from './upstream.ts';

/** Headers of the message and its connection, which no credentials change. */
const NEVER: ReadonlySet<string> = new Set(['expect', 'mcp-session-id']);
const UNAUTHORIZED = 401;

/**
 * Shows credentials with every request. One that is refused with 401 is sent once more where `onRejected` says so and its
 * body can be sent again.
 */
export function withCredentials(upstream: Upstream, credentials: Credentials): Upstream {
  async function show(request: UpstreamRequest): Promise<Response> {
    const asked = credentials.headersFor(request);
    const headers = asked instanceof Promise ? await asked : asked;
    return upstream({ ...request, headers: replaceHeaders(request.headers, headers) });
  }

  return async function sendWithCredentials(request) {
    const response = await show(request);
    if (response.status !== UNAUTHORIZED || request.body instanceof ReadableStream) return response;
    if (!(await credentials.onRejected(response))) return response;
    await response.body?.cancel();
    return show(request);
  };
}

function replaceHeaders(list: HeaderList, replacing: HeaderList): HeaderList {
  // Where no encoding is accepted, the answer will be looked into.
  const isPlain = !list.some(([name]) => name === 'accept-encoding');
  const given = replacing.filter(([name]) => !NEVER.has(name) && !(isPlain && name === 'accept-encoding'));
  return [
    ...without(
      list,
      given.map(([name]) => name),
    ),
    ...given,
  ];
}
