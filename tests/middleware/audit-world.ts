import { mkdtempSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeChain, openMiddlewares, type Services } from '../../src/middleware/index.ts';
import { createLogger } from '../../src/platform/log.ts';
import {
  createReverseProxy,
  createServerStdio,
  type Endpoint,
  openListener,
  type ServerLink,
} from '../../src/proxy/index.ts';
import { createMemoryJournal } from '../proxy/world.ts';

type Chain = Parameters<typeof openMiddlewares>[0];

export interface ChainWorld extends AsyncDisposable {
  readonly base: string;
  readonly folder: string;
  readonly logFile: string;
  /** What the audit log holds so far. */
  events(): readonly AuditLine[];
  /** Log lines of the proxy. */
  readonly logged: readonly Readonly<Record<string, unknown>>[];
  /** Methods that reached the server. */
  readonly reached: readonly string[];
}

export interface AuditLine {
  readonly type: string;
  readonly outcome: string;
  readonly target: Readonly<Record<string, string>>;
  readonly subjects: Readonly<Record<string, string>>;
  readonly source: { readonly value: string; readonly extra: Readonly<Record<string, string>> };
  readonly metadata: { readonly extra: Readonly<Record<string, unknown>> };
  readonly data?: { readonly request?: unknown; readonly response?: unknown };
}

interface WorldOptions {
  readonly audit?: Readonly<Record<string, unknown>>;
  readonly chain?: Chain;
  readonly services?: Partial<Services>;
  readonly trustProxyHeaders?: boolean;
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** What the servers of these tests answer: a tool `slow` speaks before its answer, a tool `broken` is an error. */
function answerTo({ id, method, params }: Message): readonly object[] {
  if (id === undefined) return [];
  if (method === 'initialize')
    return [
      {
        jsonrpc: '2.0',
        id,
        result: { protocolVersion: '2025-06-18', capabilities: {}, serverInfo: { name: 's', version: '1' } },
      },
    ];
  if (params?.['name'] === 'broken')
    return [{ jsonrpc: '2.0', id, error: { code: -32_001, message: `broken: ${'x'.repeat(2000)}` } }];
  return [{ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'done' }] } }];
}

/** A stdio server without a process, both transports before it. */
export async function openStdioAudit(options: WorldOptions): Promise<ChainWorld> {
  const reached: string[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => logged.push(JSON.parse(line)) });
  const bridge = createServerStdio({ journal: createMemoryJournal(), log, proxyMode: 'sse' });
  let link: ServerLink | undefined;
  link = bridge.attach({
    identity: 'one',
    write(lines) {
      for (const line of lines.trimEnd().split('\n')) {
        const message: Message = JSON.parse(line);
        reached.push(message.method ?? '');
        for (const answer of answerTo(message))
          queueMicrotask(() => link?.receive(Buffer.from(`${JSON.stringify(answer)}\n`)));
      }
      return true;
    },
    drained: async () => {},
  });
  return await serve(bridge, { ...options, transport: 'stdio', reached, logged, log });
}

/** An HTTP server behind the reverse proxy. */
export async function openHttpAudit(
  options: WorldOptions & { readonly respond?: (message: Message, request: Request) => Response },
): Promise<ChainWorld & { readonly requests: readonly Request[] }> {
  const reached: string[] = [];
  const requests: Request[] = [];
  const logged: Record<string, unknown>[] = [];
  const log = createLogger({ write: (line) => logged.push(JSON.parse(line)) });
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const text = await request.text();
      const message: Message = text.startsWith('{') ? JSON.parse(text) : {};
      reached.push(message.method ?? request.method);
      requests.push(
        new Request(request.url, {
          method: request.method,
          headers: request.headers,
          ...(text === '' ? {} : { body: text }),
        }),
      );
      if (options.respond !== undefined) return options.respond(message, request);
      const [answer] = answerTo(message);
      return answer === undefined ? new Response(null, { status: 202 }) : Response.json(answer);
    },
  });
  const target = `http://127.0.0.1:${server.port}`;
  const proxy = createReverseProxy({ transport: 'streamable-http', log, target });
  const world = await serve(proxy, { ...options, transport: 'streamable-http', reached, logged, log });
  return {
    ...world,
    requests,
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await server.stop(true);
    },
  };
}

async function serve(
  endpoint: Endpoint,
  {
    audit,
    chain = [],
    services,
    trustProxyHeaders = false,
    transport,
    reached,
    logged,
    log,
  }: WorldOptions & {
    readonly transport: string;
    readonly reached: readonly string[];
    readonly logged: readonly Readonly<Record<string, unknown>>[];
    readonly log: Services['log'];
  },
): Promise<ChainWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'thv-audit-'));
  const logFile = join(folder, 'audit.log');
  const proxy = { bindHost: '127.0.0.1', port: 0, trustProxyHeaders, allowedOrigins: [] };
  const resources = new AsyncDisposableStack();
  const config_data = { logFile, ...audit };
  const entry = { type: 'audit', parameters: { config_data, component: 'srv', transport_type: transport } };
  const stored = audit === undefined ? chain : [entry, ...chain];
  const middlewares = await openMiddlewares(
    stored,
    { log, clock: Date.now, workload: 'srv', env: {}, proxy, ...services },
    resources,
  );
  const handler = composeChain(middlewares, endpoint.handle);
  const options = { host: '127.0.0.1', port: 0, handler, endpoint, transportLabel: 'x', log };
  const listener = resources.use(await openListener(options));
  return {
    base: `http://127.0.0.1:${listener.port}`,
    folder,
    logFile,
    logged,
    reached,
    events: () => readEvents(logFile),
    async [Symbol.asyncDispose]() {
      await resources.disposeAsync();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function readEvents(path: string): readonly AuditLine[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return []; // nothing has been written yet
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' };

export function post(
  base: string,
  message: object | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const body = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message });
  return fetch(`${base}/mcp`, { method: 'POST', headers: { ...HEADERS, ...headers }, body });
}

/** A session over streamable HTTP; gives how to ask in it. */
export async function openSession(base: string) {
  const init = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } };
  const response = await post(base, { id: 0, method: 'initialize', params: init });
  await response.text();
  const session = response.headers.get('mcp-session-id');
  const headers: Record<string, string> = session === null ? {} : { 'Mcp-Session-Id': session };
  return async (message: object, more: Readonly<Record<string, string>> = {}) => {
    const answer = await post(base, message, { ...headers, ...more });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
}
