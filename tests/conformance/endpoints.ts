import { join } from 'node:path';
import { composeChain, openMiddlewares } from '../../src/middleware/index.ts';
import { silentLogger } from '../../src/platform/log.ts';
import { createReverseProxy, createServerStdio, type Endpoint, openListener } from '../../src/proxy/index.ts';
import type { Engine } from '../harness/engine.ts';
import { CONFORMANCE_IMAGE } from '../harness/images.ts';
import { freePort } from '../harness/ports.ts';
import { openWorld } from '../harness/world.ts';
import { spawnServer } from '../proxy/spawn-server.ts';
import { createMemoryJournal } from '../proxy/world.ts';

/** A place where the suite finds the fixture. */
export interface Place extends AsyncDisposable {
  readonly url: string;
}

const fixture = (name: 'stdio' | 'http') => [
  process.execPath,
  join(import.meta.dir, 'fixtures', `${name}.ts`),
];

/** The fixture over streamable HTTP, nothing in between. */
export async function openDirect(): Promise<Place> {
  const child = Bun.spawn(fixture('http'), { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const base = new TextDecoder().decode(value).trim();
  return {
    url: `${base}/mcp`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await child.exited;
      await reader.cancel();
    },
  };
}

/** The fixture over streamable HTTP, behind the reverse proxy. */
export async function openBehindReverseProxy(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const direct = stack.use(await openDirect());
  const proxy = createReverseProxy({
    transport: 'streamable-http',
    target: new URL(direct.url).origin,
    log: silentLogger,
  });
  const url = await listen(stack, proxy, 'streamable-http');
  const owned = stack.move();
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The fixture over stdio, behind the bridge. */
export async function openBehindBridge(): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const bridge = createServerStdio({
    proxyMode: 'streamable-http',
    journal: createMemoryJournal(),
    log: silentLogger,
  });
  const url = await listen(stack, bridge, 'streamable-http');
  stack.use(spawnServer(bridge, { command: fixture('stdio'), identity: 'fixture' }));
  const owned = stack.move();
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The fixture over stdio in a container, run by the executable. */
export async function openInContainer(engine: Engine): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld(engine));
  const name = world.name();
  const mode = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];
  await world.ok(['run', CONFORMANCE_IMAGE, '--name', name, ...mode]);
  const { url } = await world.reached(name);
  const owned = stack.move();
  return { url, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A port with the chain that every workload has. */
async function listen(
  stack: AsyncDisposableStack,
  endpoint: Endpoint,
  transportLabel: string,
): Promise<string> {
  const port = freePort();
  const proxy = { bindHost: '127.0.0.1', port, trustProxyHeaders: false, allowedOrigins: [] };
  const services = { log: silentLogger, clock: Date.now, workload: 'test', env: {}, proxy };
  const stored = [
    { type: 'auth', parameters: {} },
    { type: 'mcp-parser', parameters: {} },
    { type: 'recovery', parameters: null },
  ];
  const handler = composeChain(await openMiddlewares(stored, services, stack), endpoint.handle);
  stack.use(
    await openListener({ host: '127.0.0.1', port, handler, endpoint, transportLabel, log: silentLogger }),
  );
  return `http://127.0.0.1:${port}/mcp`;
}
