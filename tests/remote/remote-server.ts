import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { isInitializeRequest } from '@modelcontextprotocol/sdk/types.js';

/** What a request was, as the server got it. */
interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly initializes: boolean;
}

/** A server of the official SDK that is somebody else's: streamable HTTP at `/v1/mcp`, SSE at `/v1/sse`. */
export interface RemoteServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  readonly asked: readonly Asked[];
  /** Ends all connections and listens no more; sessions are forgotten. */
  stop(): Promise<void>;
  /** On the same port again. */
  start(): Promise<void>;
}

interface Behaviour {
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers in its place. */
  readonly answer?: (
    request: IncomingMessage,
  ) => { status: number; headers?: Record<string, string> } | undefined;
}

export async function openRemoteServer({ tls, answer }: Behaviour = {}): Promise<RemoteServer> {
  const asked: Asked[] = [];
  const streamable = new Map<string, StreamableHTTPServerTransport>();
  const sse = new Map<string, SSEServerTransport>();
  let port = 0;
  let server = await listen();

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const { pathname, searchParams } = new URL(url, 'http://x');
    const text = method === 'POST' ? await bodyOf(request) : '';
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    const initializes = isInitializeRequest(body);
    asked.push({ method, url, headers, initializes });
    const instead = answer?.(request);
    if (instead !== undefined) {
      response.writeHead(instead.status, instead.headers).end();
      return;
    }
    if (pathname === '/v1/sse' && method === 'GET') {
      const transport = new SSEServerTransport('/v1/messages', response);
      sse.set(transport.sessionId, transport);
      await createMcpServer().connect(transport);
      return;
    }
    if (pathname === '/v1/messages') {
      const transport = sse.get(searchParams.get('sessionId') ?? '');
      if (transport === undefined) response.writeHead(404).end();
      else await transport.handlePostMessage(request, response, body);
      return;
    }
    if (pathname !== '/v1/mcp') {
      response.writeHead(404).end();
      return;
    }
    const known = streamable.get(String(headers['mcp-session-id']));
    if (known !== undefined) {
      await known.handleRequest(request, response, body);
      return;
    }
    if (!initializes) {
      response.writeHead(404).end();
      return;
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void streamable.set(id, transport),
    });
    await createMcpServer().connect(transport as never);
    await transport.handleRequest(request, response, body);
  }

  async function listen() {
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      handle(request, response).catch((error: unknown) => response.destroy(error as Error));
    };
    const opened = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
    await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve));
    port = (opened.address() as AddressInfo).port;
    return opened;
  }

  async function stop(): Promise<void> {
    streamable.clear();
    sse.clear();
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  }

  return {
    origin: `${tls === undefined ? 'http' : 'https'}://localhost:${port}`,
    port,
    asked,
    stop,
    async start() {
      server = await listen();
    },
    [Symbol.asyncDispose]: stop,
  };
}

/** Its tools say what they were asked with. */
function createMcpServer(): McpServer {
  const server = new McpServer({ name: 'remote', version: '1.0.0' });
  const text = (value: string) => ({ content: [{ type: 'text' as const, text: value }] });
  server.registerTool('ping', { description: 'answers' }, () => text('pong'));
  server.registerTool('headers', { description: 'headers of the call' }, ({ requestInfo }) =>
    text(JSON.stringify(requestInfo?.headers)),
  );
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
