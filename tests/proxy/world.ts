import { join } from 'node:path';
import { composeChain, openMiddlewares } from '../../src/middleware/index.ts';
import { createLogger } from '../../src/platform/log.ts';
import {
  createServerStdio,
  type Listener,
  openListener,
  type ServerStdio,
  type ServerStdioOptions,
  type SessionJournal,
  type SessionRecord,
} from '../../src/proxy/index.ts';
import { type SpawnedServer, spawnServer } from './spawn-server.ts';

export interface World extends AsyncDisposable {
  readonly base: string;
  readonly bridge: ServerStdio;
  readonly listener: Listener;
  readonly journal: MemoryJournal;
  readonly log: readonly string[];
  /** The server attached last. */
  readonly server: SpawnedServer;
  /** Runs a fixture and attaches it. */
  attach(fixture: string, identity: string, args?: readonly string[]): SpawnedServer;
}

export interface WorldOptions extends Partial<ServerStdioOptions> {
  /** `undefined`: no process at first. */
  readonly fixture?: string | undefined;
  readonly args?: readonly string[];
  readonly journal?: MemoryJournal;
  readonly port?: number;
  readonly allowedOrigins?: readonly string[];
  readonly idleTimeoutSeconds?: number;
}

/** A bridge with its chain behind a real port, and a fixture attached. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const {
    fixture = 'toolbox',
    args = [],
    port = 0,
    allowedOrigins = [],
    idleTimeoutSeconds = 30,
    ...bridgeOptions
  } = options;
  const journal = options.journal ?? createMemoryJournal();
  const lines: string[] = [];
  const log = createLogger({ level: 'DEBUG', write: (line) => lines.push(line) });
  const bridge = createServerStdio({ proxyMode: 'streamable-http', log, ...bridgeOptions, journal });
  const services = {
    log,
    clock: Date.now,
    workload: 'test',
    env: {},
    proxy: { bindHost: '127.0.0.1', port, trustProxyHeaders: port === 0, allowedOrigins },
  };
  const resources = new AsyncDisposableStack();
  const stored = [
    { type: 'auth', parameters: {} },
    { type: 'mcp-parser', parameters: {} },
    { type: 'recovery', parameters: null },
  ];
  const handler = composeChain(await openMiddlewares(stored, services, resources), bridge.handle);
  const listener = await openListener({
    host: '127.0.0.1',
    port,
    handler,
    endpoint: bridge,
    transportLabel: 'streamable-http',
    log,
    idleTimeoutSeconds,
  });
  const servers: SpawnedServer[] = [];

  function attach(name: string, identity: string, more: readonly string[] = []): SpawnedServer {
    const file = join(import.meta.dir, 'fixtures', `${name}.ts`);
    const server = spawnServer(bridge, { command: [process.execPath, file, ...more], identity });
    servers.push(server);
    return server;
  }

  if (options.fixture !== undefined || !('fixture' in options)) attach(fixture, 'first', args);
  return {
    base: `http://127.0.0.1:${listener.port}`,
    bridge,
    listener,
    journal,
    log: lines,
    get server() {
      const last = servers.at(-1);
      if (last === undefined) throw new Error('no server is attached');
      return last;
    },
    attach,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await resources.disposeAsync();
      for (const server of servers) await server.kill();
    },
  };
}

export interface MemoryJournal extends SessionJournal {
  readonly records: readonly SessionRecord[];
}

export function createMemoryJournal(initial: readonly SessionRecord[] = []): MemoryJournal {
  let records = [...initial];
  return {
    get records() {
      return records;
    },
    load: () => [...records],
    append: (record) => {
      records.push(record);
    },
    replace: (next) => {
      records = [...next];
    },
  };
}
