import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Server } from 'bun';
import { messageOf, ThvError } from '../../errors/index.ts';
import { isTaken, isUnfinished, listenTwin, NEVER_IDLE, sleep } from '../../platform/index.ts';
import { type ApiAddress, shownAddress } from './address.ts';

/** An open address. */
export interface ApiListener {
  /** With the port that was given for 0. */
  readonly address: ApiAddress;
  /**
   * Takes no more connections and waits for requests in flight, at most `graceMs`. `false` when some had to be cut off. The
   * socket file goes in any case.
   */
  stop(graceMs: number): Promise<boolean>;
}

const POLL_MS = 20;
const FLUSH_MS = 200;
/** Between two requests of one connection (spec 10 §6.1). */
const IDLE_SECONDS = 120;
/** Time for the rest of a body that nobody reads (spec 10 §6.1: a whole request within 30 s). */
const REST_SECONDS = 30;

type Handle = (request: Request) => Response | Promise<Response>;

/**
 * Serves `handle` at `address`. Answers without an end say `Connection: close`. Throws `ERR_LISTEN_FAILED`; nothing that others
 * use is touched then.
 */
export async function listen(
  address: ApiAddress,
  handle: Handle,
  { idleSeconds = IDLE_SECONDS }: { readonly idleSeconds?: number } = {},
): Promise<ApiListener> {
  if (address.kind === 'socket') await makeRoom(address.path);
  const servers = bindAll(address, handle, idleSeconds);
  const [server] = servers;
  const bound = address.kind === 'tcp' ? { ...address, port: server.port ?? address.port } : address;
  const pending = () => servers.some(({ pendingRequests }) => pendingRequests > 0);
  const socketId = address.kind === 'socket' ? restrict(address, server) : undefined;
  return {
    address: bound,
    async stop(graceMs) {
      const closed = Promise.all(servers.map((each) => each.stop(false)));
      const deadline = performance.now() + graceMs;
      while (pending() && performance.now() < deadline) await sleep(POLL_MS);
      const isIdle = !pending();
      // The last answers are still on their way out; connections that merely idle are not waited for.
      if (isIdle) await Promise.race([closed, sleep(FLUSH_MS)]);
      await Promise.all(servers.map((each) => each.stop(true)));
      if (address.kind === 'socket' && idOf(address.path) === socketId) rmSync(address.path, { force: true });
      return isIdle;
    },
  };
}

type Servers = readonly [Server<undefined>, ...Server<undefined>[]];

/** On both addresses of `localhost` where the address is one of them, or on neither. */
function bindAll(address: ApiAddress, handle: Handle, idleSeconds: number): Servers {
  const first = bind(address, handle, idleSeconds);
  if (address.kind !== 'tcp') return [first];
  const port = first.port ?? address.port;
  try {
    const second = listenTwin(address.host || '0.0.0.0', (host) =>
      bind({ ...address, host, port }, handle, idleSeconds),
    );
    return second === undefined ? [first] : [first, second];
  } catch (error) {
    if (address.port === 0) return [first];
    void first.stop(true);
    throw error;
  }
}

function bind(address: ApiAddress, handle: Handle, idleSeconds: number): Server<undefined> {
  // Bun's own limit for bodies would come before the stage that has an answer for it.
  const common = { maxRequestBodySize: Number.MAX_SAFE_INTEGER, ...handling(handle, address, idleSeconds) };
  try {
    if (address.kind === 'tcp') {
      const hostname = address.host || '0.0.0.0';
      return Bun.serve({ ...common, idleTimeout: idleSeconds, hostname, port: address.port });
    }
    return withPrivateFiles(() => Bun.serve({ ...common, ...NEVER_IDLE, unix: address.path }));
  } catch (error) {
    throw failed(address, error);
  }
}

/**
 * Which time limits hold is the runtime's only in part. It closes a connection that has sent no whole head of a first request after
 * some ten seconds, wherever it came in. Everything later is ours: bodies are read within their own limit, and on UNIX sockets, where an
 * idle connection cannot be timed, each carries one request.
 */
function handling(handle: Handle, { kind }: ApiAddress, idleSeconds: number) {
  return {
    async fetch(request: Request, server: Server<undefined>) {
      server.timeout(request, 0); // routes have limits of their own, and streams have none
      const response = await handle(request);
      if (kind !== 'tcp' || response.status === 408) response.headers.set('Connection', 'close');
      // The limit holds for the connection: without this line, a kept-alive connection would never time out.
      if (response.headers.get('connection') !== 'close')
        server.timeout(request, isUnfinished(request, response) ? REST_SECONDS : idleSeconds);
      return response;
    },
  };
}

/** A socket is born with what the mask leaves: nobody else can connect before its mode is set. */
function withPrivateFiles<T>(action: () => T): T {
  if (process.platform === 'win32') return action();
  const before = process.umask(0o177);
  try {
    return action();
  } finally {
    process.umask(before);
  }
}

function failed(address: ApiAddress, error: unknown): ThvError {
  const shown = shownAddress(address);
  const message = messageOf(error);
  const why = isTaken(error) ? 'bind: address already in use' : message;
  const what =
    address.kind === 'tcp'
      ? `listen tcp ${shown}: ${why}`
      : `failed to create ${address.kind === 'pipe' ? 'named pipe' : 'UNIX socket'} listener: ${shown}: ${why}`;
  return new ThvError('ERR_LISTEN_FAILED', { address: shown, reason: what }, { cause: error });
}

/** A socket that nobody listens on is removed; anything else at the path stays (spec 10 §20-3). */
async function makeRoom(path: string): Promise<void> {
  const refuse = (reason: string, cause?: unknown) =>
    new ThvError('ERR_LISTEN_FAILED', { address: path, reason }, { cause });
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  } catch (error) {
    throw refuse(`failed to create socket directory: ${messageOf(error)}`, error);
  }
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined) return;
  // Windows shows its sockets as reparse points of no kind that Node names.
  const isSocket =
    there.isSocket() || (process.platform === 'win32' && !there.isFile() && !there.isDirectory());
  if (!isSocket) throw refuse(`${path} is not a socket`);
  if (await isAnswering(path)) throw refuse(`listen unix ${path}: bind: address already in use`);
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw refuse(`failed to remove existing socket: ${messageOf(error)}`, error);
  }
}

async function isAnswering(path: string): Promise<boolean> {
  try {
    const socket = await Bun.connect({ unix: path, socket: { data() {} } });
    socket.end();
    return true;
  } catch (error) {
    // A socket that we may not connect to can still be alive.
    return (error as { code?: unknown }).code === 'EACCES';
  }
}

/** Sets the mode of the socket: anyone who can connect can do everything. Returns the file's identity. */
function restrict(
  { path, mode }: Extract<ApiAddress, { kind: 'socket' }>,
  server: Server<undefined>,
): string | undefined {
  try {
    if (process.platform !== 'win32') chmodSync(path, mode);
    return idOf(path);
  } catch (error) {
    void server.stop(true);
    rmSync(path, { force: true });
    const reason = `failed to set socket permissions: ${messageOf(error)}`;
    throw new ThvError('ERR_LISTEN_FAILED', { address: path, reason }, { cause: error });
  }
}

function idOf(path: string): string | undefined {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there === undefined ? undefined : `${there.dev}:${there.ino}`;
}
