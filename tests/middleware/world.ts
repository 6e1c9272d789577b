import { gzipSync } from 'node:zlib';
import { composeChain, openMiddlewares } from '../../src/middleware/index.ts';
import { createLogger } from '../../src/platform/log.ts';
import {
  createReverseProxy,
  createServerStdio,
  type Endpoint,
  openListener,
  type ServerLink,
} from '../../src/proxy/index.ts';
import { spawnServer } from '../proxy/spawn-server.ts';
import { createMemoryJournal } from '../proxy/world.ts';

export interface ToolSettings {
  readonly filter?: readonly string[];
  readonly override?: Readonly<Record<string, { readonly name?: string; readonly description?: string }>>;
  /** Cedar policies. */
  readonly policies?: readonly string[];
}

/** What `thv run --tools … --tools-override … --authz-config …` stores. */
function storedChain({ filter = [], override = {}, policies }: ToolSettings) {
  const parameters = { filter_tools: filter.length === 0 ? null : filter, tools_override: override };
  const hasFilter = filter.length > 0 || Object.keys(override).length > 0;
  const config_data = { version: '1.0', type: 'cedarv1', cedar: { policies } };
  return [
    ...(hasFilter ? ['tool-filter', 'tool-call-filter'] : []).map((type) => ({ type, parameters })),
    ...(policies === undefined ? [] : [{ type: 'authorization', parameters: { config_data } }]),
    { type: 'auth', parameters: {} },
    { type: 'mcp-parser', parameters: {} },
    { type: 'recovery', parameters: null },
  ];
}

interface Chained extends AsyncDisposable {
  readonly base: string;
}

/** Any endpoint behind the chain. */
export async function serveChained(
  endpoint: Endpoint,
  settings: ToolSettings | undefined,
  transportLabel: string,
): Promise<Chained> {
  const log = createLogger({ level: 'ERROR', write: (line) => process.stderr.write(line) });
  const proxy = { bindHost: '127.0.0.1', port: 0, trustProxyHeaders: true, allowedOrigins: [] };
  const resources = new AsyncDisposableStack();
  const stored = settings === undefined ? [] : storedChain(settings);
  const middlewares = await openMiddlewares(
    stored,
    { log, clock: Date.now, workload: 'test', env: {}, proxy },
    resources,
  );
  const handler = composeChain(middlewares, endpoint.handle);
  const options = { host: '127.0.0.1', port: 0, handler, endpoint, transportLabel, log };
  const listener = resources.use(await openListener(options));
  return {
    base: `http://127.0.0.1:${listener.port}`,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export interface StdioWorld extends Chained {
  /** Names of the tools that were called, as the server heard them. */
  readonly called: readonly string[];
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

/** A stdio server with the given tools behind the bridge and the chain, without a process. */
export async function openStdioWorld(
  tools: readonly string[],
  settings: ToolSettings | undefined,
): Promise<StdioWorld> {
  const called: string[] = [];
  const log = createLogger({ level: 'ERROR', write: (line) => process.stderr.write(line) });
  const bridge = createServerStdio({ journal: createMemoryJournal(), log, proxyMode: 'streamable-http' });
  let link: ServerLink | undefined;

  function answer({ id, method, params }: Message): void {
    if (id === undefined || method === undefined) return;
    if (method === 'tools/call') called.push(params?.name ?? '');
    const result =
      method === 'initialize'
        ? {
            protocolVersion: '2025-06-18',
            capabilities: { tools: {} },
            serverInfo: { name: 's', version: '1' },
          }
        : method === 'tools/list'
          ? {
              tools: tools.map((name) => ({
                name,
                description: `does ${name}`,
                inputSchema: { type: 'object' },
              })),
            }
          : { content: [{ type: 'text', text: `called ${params?.name}` }] };
    queueMicrotask(() => link?.receive(Buffer.from(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`)));
  }

  link = bridge.attach({
    identity: 'one',
    write(lines) {
      for (const line of lines.trimEnd().split('\n')) answer(JSON.parse(line));
      return true;
    },
    drained: async () => {},
  });
  const chained = await serveChained(bridge, settings, 'streamable-http');
  return { ...chained, called };
}

/** A real stdio server behind the bridge and the chain; `reports` is what it writes to stderr. */
export async function openProcessWorld(
  command: readonly string[],
  settings: ToolSettings | undefined,
): Promise<Chained & { readonly reports: readonly string[] }> {
  const log = createLogger({ level: 'ERROR', write: (line) => process.stderr.write(line) });
  const bridge = createServerStdio({ journal: createMemoryJournal(), log, proxyMode: 'streamable-http' });
  const server = spawnServer(bridge, { command, identity: 'one' });
  const chained = await serveChained(bridge, settings, 'streamable-http');
  return {
    base: chained.base,
    reports: server.reports,
    async [Symbol.asyncDispose]() {
      await chained[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

export interface HttpWorld extends Chained {
  /** What reached the server, in order. */
  readonly seen: readonly { readonly headers: Headers; readonly text: string }[];
}

/** An HTTP server of the test's own behind the reverse proxy and the chain. */
export async function openHttpWorld(
  respond: (request: Request, text: string) => Response | Promise<Response>,
  settings: ToolSettings | undefined,
  transport: 'sse' | 'streamable-http' = 'streamable-http',
): Promise<HttpWorld> {
  const seen: { headers: Headers; text: string }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const text = await request.text();
      seen.push({ headers: request.headers, text });
      return respond(request, text);
    },
  });
  const log = createLogger({ level: 'ERROR', write: (line) => process.stderr.write(line) });
  const proxy = createReverseProxy({ transport, log, target: `http://127.0.0.1:${server.port}` });
  const chained = await serveChained(proxy, settings, transport);
  return {
    base: chained.base,
    seen,
    async [Symbol.asyncDispose]() {
      await chained[Symbol.asyncDispose]();
      await server.stop(true);
    },
  };
}

export function gzipped(text: string, headers: Readonly<Record<string, string>>): Response {
  return new Response(gzipSync(text), { headers: { ...headers, 'Content-Encoding': 'gzip' } });
}

export function toolsResult(names: readonly string[], more: object = {}): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    result: { tools: names.map((name) => ({ name })), ...more },
  });
}
