import type { Socket } from 'bun';
import type { UpstreamRequest } from '../upstream.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { requestHead } from './request-head.ts';
import { type Tunnel, throughTunnel } from './tunnel.ts';

/** One connection to the server, for one request at a time. */
export interface Connection {
  readonly closed: boolean;
  /** Sends a request. Rejects with `ConnectionClosed` when the connection ended before any byte of an answer. */
  send(request: UpstreamRequest): Promise<Response>;
  close(): void;
}

export interface ConnectionHooks {
  /** The connection is free for another request. */
  readonly onFree: (connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
}

/** The server closed the connection without a word: it may never have seen the request. */
export class ConnectionClosed extends Error {
  readonly code = 'ECONNRESET';
}

const CONNECT_MS = 30_000;

/** Rejects with the system's error code (`ECONNREFUSED`, `ENOTFOUND`, …), or when `signal` aborts. Direct unless there is a tunnel. */
export async function openConnection(
  origin: URL,
  signal: AbortSignal,
  hooks: ConnectionHooks,
  tunnel?: Tunnel,
): Promise<Connection> {
  const state = createConnection(origin.host, hooks);
  const opened =
    tunnel === undefined
      ? Bun.connect({
          hostname: origin.hostname.replace(/^\[|\]$/g, ''),
          port: Number(origin.port || 80),
          socket: state.handlers,
        })
      : connectThrough(tunnel, state.handlers);
  const late = Promise.withResolvers<never>();
  const abort = () => late.reject(signal.reason);
  const timer = setTimeout(() => late.reject(new Error('connection timed out')), CONNECT_MS);
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    state.socket = await Promise.race([opened, late.promise]);
    return state.connection;
  } catch (error) {
    opened.then(
      (socket) => socket.terminate(),
      () => undefined, // it is the error that is thrown here, or came too late to matter
    );
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function connectThrough(
  tunnel: Tunnel,
  inner: ReturnType<typeof createConnection>['handlers'],
): Promise<Socket<undefined>> {
  const { hostname, port } = tunnel;
  const { handlers, open } = throughTunnel(tunnel, inner);
  const socket = await Bun.connect({ hostname, port, socket: handlers });
  try {
    await open(socket);
    return socket;
  } catch (error) {
    socket.terminate();
    throw error;
  }
}

function createConnection(host: string, hooks: ConnectionHooks) {
  const carrier = {};
  let socket: Socket<undefined> | undefined;
  let exchange: Exchange | undefined;
  let unsent: Uint8Array | undefined;
  let drained: (() => void) | undefined;
  let isSending = false;
  let closed = false;

  function close(): void {
    if (closed) return;
    closed = true;
    unsent = undefined;
    drained?.();
    socket?.terminate();
    exchange?.fail(new ConnectionClosed('the connection was closed'));
    hooks.onClose(connection);
  }

  function flush(): void {
    if (unsent === undefined || socket === undefined) return;
    const written = socket.write(unsent);
    if (written < 0) return; // closed; told by the close handler
    unsent = written < unsent.byteLength ? unsent.subarray(written) : undefined;
    if (unsent === undefined) {
      drained?.();
      drained = undefined;
    }
  }

  /** Resolves when the socket took it all, or is gone. */
  function write(bytes: Uint8Array): Promise<void> | undefined {
    if (closed) return undefined;
    unsent = bytes;
    flush();
    if (unsent === undefined) return undefined;
    return new Promise((resolve) => {
      drained = resolve;
    });
  }

  function onEnd(isReusable: boolean): void {
    exchange = undefined;
    if (!isReusable || closed || isSending || unsent !== undefined) close();
    else hooks.onFree(connection);
  }

  async function sendStream(
    head: Uint8Array,
    body: ReadableStream<Uint8Array>,
    isChunked: boolean,
  ): Promise<void> {
    const current = exchange;
    isSending = true;
    const reader = body.getReader();
    try {
      await write(head);
      for (;;) {
        const { done, value } = await reader.read();
        if (closed || exchange !== current) {
          await reader.cancel();
          return;
        }
        if (done) break;
        if (value.byteLength === 0) continue;
        if (isChunked) await write(Buffer.from(`${value.byteLength.toString(16)}\r\n`));
        await write(value);
        if (isChunked) await write(CRLF);
      }
      if (isChunked) await write(LAST_CHUNK);
      isSending = false;
    } catch (error) {
      current?.fail(error instanceof Error ? error : new Error(String(error)));
      close();
    }
  }

  const connection: Connection = {
    get closed() {
      return closed;
    },
    close,
    send(request) {
      const { signal, body, method } = request;
      const abort = () => {
        current.fail(new DOMException('the client has left', 'AbortError'));
        close();
      };
      const current = createExchange(method, {
        carrier,
        pause: () => socket?.pause(),
        resume: () => socket?.resume(),
        cancel: abort,
        onEnd(isReusable) {
          signal.removeEventListener('abort', abort);
          onEnd(isReusable);
        },
      });
      exchange = current;
      isSending = false;
      signal.addEventListener('abort', abort, { once: true });
      if (signal.aborted) {
        abort();
        return current.answer;
      }
      if (closed) {
        current.fail(new ConnectionClosed('the server closed the connection'));
        return current.answer;
      }
      const { text, framing } = requestHead(request, host);
      if (body instanceof ReadableStream) {
        // Owned by the exchange: whatever goes wrong fails its answer.
        void sendStream(Buffer.from(text, 'latin1'), body, framing === 'chunked');
      } else {
        write(joined(text, body));
      }
      return current.answer;
    },
  };

  const handlers = {
    data(_: Socket<undefined>, bytes: Buffer<ArrayBuffer>) {
      if (exchange === undefined) close();
      else exchange.push(bytes);
    },
    drain: flush,
    end: lost,
    close: lost,
    error: lost,
  };

  function lost(): void {
    const current = exchange;
    if (current !== undefined) {
      if (current.begun) current.close();
      else current.fail(new ConnectionClosed('the server closed the connection'));
    }
    close();
  }

  return {
    connection,
    handlers,
    set socket(opened: Socket<undefined>) {
      socket = opened;
    },
  };
}

const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** Head and body in one write. */
function joined(head: string, body: Uint8Array | undefined): Uint8Array {
  if (body === undefined || body.byteLength === 0) return Buffer.from(head, 'latin1');
  const bytes = Buffer.allocUnsafe(head.length + body.byteLength);
  bytes.write(head, 0, 'latin1');
  bytes.set(body, head.length);
  return bytes;
}
