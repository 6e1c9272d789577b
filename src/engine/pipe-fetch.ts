import type { Socket } from 'bun';
import { createResponseReader } from '../net/index.ts';
import type { SocketFetch } from './http.ts';
import { formatRequestHead } from './request-head.ts';
import { notHttp } from './socket-error.ts';
import { createSocketWriter } from './socket-writer.ts';

/** True for a Windows named pipe, `\\.\pipe\name`. */
export function isPipe(address: string): boolean {
  return /^\\\\[.?]\\pipe\\/i.test(address);
}

/**
 * `fetch` over a Windows named pipe: Bun's own takes Unix sockets only (`Bun.connect` takes both). One request a connection,
 * bodies as text or bytes. Works on Unix sockets as well, which is how it is tested.
 */
export function pipeFetch(address: string): SocketFetch {
  return async (path, init) => {
    const { signal } = init;
    signal.throwIfAborted();
    const exchange = createExchange(init.method ?? 'GET');
    const socket = await Bun.connect({
      unix: address,
      socket: {
        data: (_socket, bytes: Buffer<ArrayBuffer>) => exchange.onBytes(bytes),
        drain: () => exchange.onDrain(),
        end: () => exchange.onEnd(),
        close: (_socket, error) => exchange.onEnd(error),
        error: (_socket, error) => exchange.onEnd(error),
      },
    });
    const giveUp = () => exchange.onEnd(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
    const body = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
    const headers = Object.fromEntries(new Headers(init.headers));
    return exchange.begin(socket, {
      head: formatRequestHead(init.method ?? 'GET', path, {
        ...headers,
        connection: 'close',
        'content-length': String(body.length),
      }),
      body,
      onOver: () => signal.removeEventListener('abort', giveUp),
    });
  };
}

/** How much of a body is read before somebody wants it. */
const BODY_AHEAD_BYTES = 256 * 1024;

interface OutgoingRequest {
  readonly head: string;
  readonly body: Uint8Array;
  /** Called once, when the connection is not needed any more. */
  readonly onOver: () => void;
}

/** One request and its answer; the body is read from the pipe no faster than it is taken. */
function createExchange(method: string) {
  const answered = Promise.withResolvers<Response>();
  answered.promise.catch(() => undefined); // the caller of `begin` awaits it; this handles a rejection before that
  let isBegun = false;
  let isComplete = false;
  let body: ReadableStreamDefaultController<Uint8Array> | undefined;
  let connection:
    | { readonly socket: Socket; readonly writer: ReturnType<typeof createSocketWriter> }
    | undefined;
  let onOver: (() => void) | undefined;
  let isOver = false;

  function finish(problem?: Error): void {
    if (isOver) return;
    isOver = true;
    connection?.socket.terminate();
    onOver?.();
    if (problem === undefined) body?.close();
    else {
      answered.reject(problem);
      body?.error(problem);
    }
  }

  const reader = createResponseReader(method, {
    onHead({ status, headers }) {
      isBegun = true;
      const stream = new ReadableStream<Uint8Array>(
        {
          start: (controller) => {
            body = controller;
          },
          pull: () => connection?.socket.resume(),
          cancel() {
            body = undefined;
            finish();
          },
        },
        new ByteLengthQueuingStrategy({ highWaterMark: BODY_AHEAD_BYTES }),
      );
      const isEmpty = status === 204 || status === 304;
      answered.resolve(new Response(isEmpty ? null : stream, { status, headers }));
    },
    onBody: (piece) => body?.enqueue(Uint8Array.from(piece)),
    onEnd() {
      isComplete = true;
    },
  });

  function read(bytes: Uint8Array<ArrayBuffer>): void {
    try {
      reader.push(bytes);
    } catch (error) {
      finish(notHttp(error));
      return;
    }
    if (isComplete) finish();
    else if ((body?.desiredSize ?? 1) <= 0) connection?.socket.pause();
  }

  return {
    begin(socket: Socket, request: OutgoingRequest): Promise<Response> {
      connection = { socket, writer: createSocketWriter(socket) };
      onOver = request.onOver;
      if (isOver) {
        socket.terminate();
        onOver();
      } else {
        connection.writer.write(request.head);
        connection.writer.write(request.body);
      }
      return answered.promise;
    },
    onBytes(bytes: Uint8Array<ArrayBuffer>): void {
      if (!isOver) read(bytes);
    },
    onDrain: () => connection?.writer.onDrain(),
    onEnd(error?: Error): void {
      try {
        if (!isBegun) throw new Error('the engine closed the connection without an answer');
        reader.close();
        finish(error);
      } catch (early) {
        finish(error ?? (early instanceof Error ? early : new Error(String(early))));
      }
    },
  };
}
