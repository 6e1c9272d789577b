import { silentLogger } from '../../src/platform/log.ts';
import {
  createReverseProxy,
  type Listener,
  openListener,
  type ReverseProxy,
  type ReverseProxyOptions,
} from '../../src/proxy/index.ts';

export interface Front extends AsyncDisposable {
  readonly base: string;
  readonly listener: Listener;
  readonly proxy: ReverseProxy;
}

interface FrontOptions extends Partial<ReverseProxyOptions> {
  readonly idleTimeoutSeconds?: number;
  readonly readTimeoutSeconds?: number;
}

/** A reverse proxy behind a real port. */
export async function openFront({
  idleTimeoutSeconds,
  readTimeoutSeconds,
  ...options
}: FrontOptions): Promise<Front> {
  const proxy = createReverseProxy({ transport: 'streamable-http', log: silentLogger, ...options });
  const listener = await openListener({
    host: '127.0.0.1',
    port: 0,
    handler: proxy.handle,
    endpoint: proxy,
    transportLabel: 'streamable-http',
    log: silentLogger,
    ...(idleTimeoutSeconds === undefined ? {} : { idleTimeoutSeconds }),
    ...(readTimeoutSeconds === undefined ? {} : { readTimeoutSeconds }),
  });
  return {
    base: `http://127.0.0.1:${listener.port}`,
    listener,
    proxy,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

/** What the server behind the proxy was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly session: string | null;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into foreign payloads
  readonly rpc: any;
}

export interface Backend extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly asked: readonly Asked[];
  /** JSON-RPC methods in the order they came in; HTTP methods where there was no body. */
  readonly calls: readonly string[];
  readonly sessions: Set<string>;
}

export type Answer = (
  asked: Asked,
  sessions: Set<string>,
) => Response | undefined | Promise<Response | undefined>;

let count = 0;

/** A streamable server with sessions that are refused once it forgot them. `answer` comes first. */
export function openSessionServer(answer: Answer = () => undefined, port = 0): Backend {
  const asked: Asked[] = [];
  const sessions = new Set<string>();
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { method, headers } = request;
      const url = new URL(request.url);
      const text = await request.text();
      const session = headers.get('mcp-session-id');
      const facts: Asked = {
        method,
        path: url.pathname + url.search,
        session,
        headers,
        text,
        rpc: parse(text),
      };
      asked.push(facts);
      const own = await answer(facts, sessions);
      if (own !== undefined) return own;
      if (facts.rpc?.method === 'initialize') {
        count += 1;
        const id = `backend-${count}`;
        sessions.add(id);
        return result(facts, { protocolVersion: '2025-06-18' }, { 'Mcp-Session-Id': id });
      }
      if (session === null || !sessions.has(session)) {
        return Response.json(
          { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' } },
          { status: 404 },
        );
      }
      if (method === 'DELETE') sessions.delete(session);
      if (facts.rpc?.id === undefined) return new Response(null, { status: 202 });
      return result(facts, { session }, { 'Mcp-Session-Id': session });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port ?? 0,
    asked,
    get calls() {
      return asked.map(({ method, rpc }) => rpc?.method ?? method);
    },
    sessions,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

export function result({ rpc }: Asked, value: object, headers: Record<string, string> = {}): Response {
  return Response.json({ jsonrpc: '2.0', id: rpc?.id, result: value }, { headers });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
