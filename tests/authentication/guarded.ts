import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCallers } from '../../src/host/callers.ts';
import { openChainServices } from '../../src/host/chain-services.ts';
import { openPort } from '../../src/host/open-port.ts';
import { createLogger } from '../../src/platform/log.ts';
import {
  createReverseProxy,
  createServerStdio,
  type Endpoint,
  type ServerLink,
} from '../../src/proxy/index.ts';
import { parseRunConfig } from '../../src/records/index.ts';
import type { SecretsStore } from '../../src/secrets/index.ts';
import { createTokenStore, type TokenStore } from '../../src/tokens/store.ts';
import { createMemoryJournal } from '../proxy/world.ts';

/** The port of a workload as a run opens it, with what stands before its server: callers, chain, proxy. No process, no engine. */
export interface Guarded extends AsyncDisposable {
  readonly base: string;
  readonly log: readonly string[];
  readonly tokens: TokenStore;
  readonly stateFolder: string;
  readonly ownAuthorization: string | undefined;
  /** What reached the server, in order. */
  readonly seen: readonly {
    readonly method: string;
    readonly url: string;
    readonly authorization: string | null;
  }[];
}

export interface GuardedOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly server?: 'stdio' | 'http' | 'sse' | 'remote';
  readonly environment?: Readonly<Record<string, string>>;
  readonly tools?: readonly string[];
  readonly stateFolder?: string;
  readonly secrets?: Readonly<Record<string, string>>;
}

export const TOOLS = ['read', 'write', 'admin'];

export async function openGuarded(options: GuardedOptions = {}): Promise<Guarded> {
  const { server = 'stdio', environment = {}, tools = TOOLS } = options;
  await using resources = new AsyncDisposableStack();
  const own = options.stateFolder === undefined ? await mkdtemp(join(tmpdir(), 'thv-callers-')) : undefined;
  if (own !== undefined) resources.defer(() => rm(own, { recursive: true }));
  const stateFolder = options.stateFolder ?? own ?? '';
  const log: string[] = [];
  const logger = createLogger({ level: 'DEBUG', write: (line) => log.push(line) });
  const seen: { method: string; url: string; authorization: string | null }[] = [];
  const transport = server === 'stdio' || server === 'sse' ? server : 'streamable-http';
  const document = { name: 'w', image: 'i', host: '127.0.0.1', port: 0, transport, ...options.config };
  const config = parseRunConfig(JSON.stringify(document));
  const callers = await openCallers(
    config,
    {
      stateFolder,
      workload: 'w',
      environment,
      logger,
      openSecrets: async () => secretsOf(options.secrets ?? {}),
    },
    resources,
  );
  const usage = { findCounter: async () => undefined };
  const services = await openChainServices(config, {
    stateFolder: '',
    callers,
    usage,
    environment,
    log: logger,
    openSecrets: async () => secretsOf(options.secrets ?? {}),
  });
  const endpoint =
    server === 'stdio'
      ? stdioEndpoint(tools)
      : httpEndpoint(server, tools, { seen, logger, config, resources });
  const metadata = callers?.metadata;
  const listener = await openPort(config, { endpoint, services, metadata }, resources);
  const opened = resources.move();
  return {
    base: `http://127.0.0.1:${listener.port}`,
    log,
    seen,
    stateFolder,
    tokens: createTokenStore(stateFolder),
    ownAuthorization: callers?.ownAuthorization,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: { readonly name?: string };
}

function answerTo({ method, params }: Message, tools: readonly string[]): object {
  if (method === 'initialize') {
    const serverInfo = { name: 's', version: '1' };
    return { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo };
  }
  if (method === 'tools/list')
    return { tools: tools.map((name) => ({ name, inputSchema: { type: 'object' } })) };
  return { content: [{ type: 'text', text: `called ${params?.name}` }] };
}

function stdioEndpoint(tools: readonly string[]): Endpoint {
  const log = createLogger({ level: 'ERROR', write: (line) => process.stderr.write(line) });
  const bridge = createServerStdio({ journal: createMemoryJournal(), log, proxyMode: 'streamable-http' });
  let link: ServerLink | undefined;
  link = bridge.attach({
    identity: 'one',
    write(lines) {
      for (const line of lines.trimEnd().split('\n')) {
        const message: Message = JSON.parse(line);
        if (message.id === undefined) continue;
        const reply = { jsonrpc: '2.0', id: message.id, result: answerTo(message, tools) };
        queueMicrotask(() => link?.receive(Buffer.from(`${JSON.stringify(reply)}\n`)));
      }
      return true;
    },
    drained: async () => {},
  });
  return bridge;
}

interface HttpParts {
  readonly seen: { method: string; url: string; authorization: string | null }[];
  readonly logger: ReturnType<typeof createLogger>;
  readonly config: ReturnType<typeof parseRunConfig>;
  readonly resources: AsyncDisposableStack;
}

function httpEndpoint(
  kind: 'http' | 'sse' | 'remote',
  tools: readonly string[],
  { seen, logger, config, resources }: HttpParts,
): Endpoint {
  const streams = new Map<string, ReadableStreamDefaultController<Uint8Array>>();
  let sessions = 0;
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      const { pathname, search, searchParams } = new URL(request.url);
      const { method } = request;
      seen.push({ method, url: pathname + search, authorization: request.headers.get('authorization') });
      if (method === 'GET') return openStream();
      if (method === 'DELETE') return new Response(null, { status: 204 });
      const message = (await request.json()) as Message;
      const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answerTo(message, tools) });
      const stream = streams.get(searchParams.get('session_id') ?? '');
      if (stream !== undefined) {
        stream.enqueue(Buffer.from(`event: message\ndata: ${text}\n\n`));
        return new Response('Accepted', { status: 202 });
      }
      sessions += message.method === 'initialize' ? 1 : 0;
      const headers = message.method === 'initialize' ? { 'Mcp-Session-Id': `s${sessions}` } : {};
      return message.id === undefined
        ? new Response(null, { status: 202 })
        : new Response(text, { headers: { 'Content-Type': 'application/json', ...headers } });
    },
  });
  resources.defer(() => server.stop(true));

  function openStream(): Response {
    const id = crypto.randomUUID();
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        streams.set(id, controller);
        const first =
          kind === 'sse' ? `event: endpoint\ndata: /messages?session_id=${id}\n\n` : ': hello\n\n';
        controller.enqueue(Buffer.from(first));
      },
    });
    return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  }

  return createReverseProxy({
    transport: kind === 'sse' ? 'sse' : 'streamable-http',
    log: logger,
    target: `http://127.0.0.1:${server.port}/mcp`,
    isRemote: kind === 'remote',
    forwardsAuthorization: config.forward_authorization ?? false,
    journal: createMemoryJournal(),
  });
}

function secretsOf(values: Readonly<Record<string, string>>): SecretsStore {
  const capabilities = {
    canRead: true,
    canWrite: false,
    canDelete: false,
    canList: false,
    canCleanup: false,
  };
  const refuse = () => Promise.reject(new Error('not to be changed here'));
  return {
    type: 'environment',
    capabilities,
    get: async (name) => values[name] ?? (await refuse()),
    set: refuse,
    delete: refuse,
    list: refuse,
  };
}

/** `POST /mcp` with a JSON-RPC message. */
export function call(
  base: string,
  message: object,
  headers: Readonly<Record<string, string>> = {},
  path = '/mcp',
): Promise<Response> {
  return fetch(`${base}${path}`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
  });
}

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

export const LIST = { id: 1, method: 'tools/list' };

export const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
};

/** The JSON-RPC message of an answer, whether it comes as JSON or as the first event of a stream. */
export async function messageOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text();
  return JSON.parse(/^data: ?(.*)$/m.exec(text)?.[1] ?? text);
}

/** Names of tools in an answer to `tools/list`. */
export async function toolsIn(response: Response): Promise<readonly string[]> {
  const { result } = (await messageOf(response)) as { result: { tools: { name: string }[] } };
  return result.tools.map(({ name }) => name);
}
