import {
  type JSONRPCMessage,
  SSEClientTransport,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import { isObject } from './mcp-record.ts';

export type TransportName = 'streamable-http' | 'sse';

const ENDED = 'the server ended its response without an answer';

/**
 * The official client waits for an answer until its time is over, also when none can come any more. These transports notice:
 * over streamable HTTP the request fails, over SSE, where one stream carries all answers, `onLost` is called.
 */
export function createTransport(
  name: TransportName,
  url: URL,
  authorization: string | undefined,
  onLost: (reason: string) => void,
) {
  const address = new URL(url);
  address.hash = '';
  const requestInit = authorization === undefined ? {} : { headers: { Authorization: authorization } };
  return name === 'sse'
    ? new SSEClientTransport(address, { fetch: watchStream(onLost), requestInit })
    : createStreamable(address, requestInit);
}

function createStreamable(address: URL, requestInit: RequestInit): StreamableHTTPClientTransport {
  const wire = new StreamableHTTPClientTransport(address, { fetch: answerAll, requestInit });
  const send = wire.send.bind(wire);
  wire.send = (message, options) =>
    send(message, {
      ...options,
      // Called when a stream has ended for good: one that can be resumed is, first.
      onRequestStreamEnd() {
        const id = Array.isArray(message) ? undefined : requestId(message);
        if (id !== undefined) wire.onmessage?.(failure(id, ENDED) as JSONRPCMessage);
      },
    });
  return wire;
}

/** An answer in one piece is the answer, or the request has failed. */
async function answerAll(resource: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(resource, init);
  const id = init?.method === 'POST' ? requestId(parse(init.body)) : undefined;
  const type = response.headers.get('content-type')?.split(';')[0]?.trim() ?? '';
  if (id === undefined || !response.ok || type === 'text/event-stream') return response;
  const { status, headers } = response;
  const text = await response.text();
  if (text.trim() === '')
    return Response.json(failure(id, `${ENDED} (${status})`), { headers: kept(headers) });
  const value = parse(text);
  if (type !== 'application/json' || value === undefined)
    return new Response(text, { status, headers: kept(headers) });
  const messages = Array.isArray(value) ? value : [value];
  if (messages.some((message) => isObject(message) && message['id'] === id))
    return new Response(text, { status, headers: kept(headers) });
  const error = messages.map((message) => isObject(message) && message['error']).find(isObject);
  const said =
    typeof error?.['message'] === 'string' ? error['message'] : 'the server answered another request';
  return Response.json(failure(id, said), { headers: kept(headers) });
}

/** Drops the headers that say how the body was sent, because they no longer hold. */
function kept(headers: Headers): Headers {
  const left = new Headers(headers);
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding', 'content-type'])
    left.delete(name);
  left.set('content-type', headers.get('content-type') ?? 'application/json');
  return left;
}

function watchStream(onLost: (reason: string) => void) {
  return async function fetchWatched(resource: string | URL, init?: RequestInit): Promise<Response> {
    const response = await fetch(resource, init);
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (init?.method === 'POST' || !isStream || response.body === null) return response;
    const reader = response.body.getReader();
    const lost = () => onLost('the server ended its event stream without an answer');
    const watched = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
        if (value !== undefined) controller.enqueue(value);
        if (!done) return;
        lost();
        controller.close();
      },
      cancel: (reason) => reader.cancel(reason),
    });
    return new Response(watched, { status: response.status, headers: response.headers });
  };
}

function requestId(message: unknown): string | number | undefined {
  if (!isObject(message) || typeof message['method'] !== 'string') return undefined;
  const { id } = message;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function parse(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the client says what is wrong with it
  }
}

function failure(id: string | number, message: string) {
  return { jsonrpc: '2.0', id, error: { code: -32_000, message } };
}
