import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Server } from 'bun';
import { messageOf, ThvError } from '../../errors/index.ts';
import { NEVER_IDLE, sleep } from '../../platform/index.ts';
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
  const server = bind(address, handle, idleSeconds);
  const bound = address.kind === 'tcp' ? { ...address, port: server.port ?? address.port } : address;
  const socketId = address.kind === 'socket' ? restrict(address, server) : undefined;
  return {
    address: bound,
    async stop(graceMs) {
      const closed = server.stop(false);
      const deadline = performance.now() + graceMs;
      while (server.pendingRequests > 0 && performance.now() < deadline) await sleep(POLL_MS);
      const isIdle = server.pendingRequests === 0;
      // The last answers are still on their way out; connections that merely idle are not waited for.
      if (isIdle) await Promise.race([closed, sleep(FLUSH_MS)]);
      await server.stop(true);
      if (address.kind === 'socket' && idOf(address.path) === socketId) rmSync(address.path, { force: true });
      return isIdle;
    },
  };
}

function bind(address: ApiAddress, handle: Handle, idleSeconds: number): Server<undefined> {
  // Bun's own limit for bodies would come before the stage that has an answer for it.
  const common = { maxRequestBodySize: Number.MAX_SAFE_INTEGER, ...handling(handle, idleSeconds) };
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

function handling(handle: Handle, idleSeconds: number) {
  return {
    async fetch(request: Request, server: Server<undefined>) {
      server.timeout(request, 0); // routes have limits of their own, and streams have none
      const response = await handle(request);
      // It holds for the connection: without this, one that is kept alive would be kept for ever.
      if (response.headers.get('connection') !== 'close') server.timeout(request, idleSeconds);
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
  const isTaken = (error as { code?: unknown }).code === 'EADDRINUSE' || /in use/i.test(message);
  const why = isTaken ? 'bind: address already in use' : message;
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
    // Not ours to connect to is not the same as dead.
    return (error as { code?: unknown }).code === 'EACCES';
  }
}

/** Whoever may connect may do everything. Gives the file's identity. */
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
