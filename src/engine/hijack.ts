import type { Socket } from 'bun';
import { createResponseReader } from '../net/index.ts';
import { formatRequestHead } from './request-head.ts';
import { notHttp } from './socket-error.ts';
import { createSocketWriter, type SocketWriter } from './socket-writer.ts';

/** A connection that began as HTTP and is raw bytes both ways since the engine agreed (Engine API 1.41, "Hijacking"). */
export interface HijackedConnection {
  readonly writer: SocketWriter;
  /** Hands on what arrives, first what came right behind the head. Called once; reading starts with `resume`. */
  receive(receiver: RawReceiver): void;
  /** Reading stops; what was read already may still be handed on. */
  pause(): void;
  resume(): void;
  /** The receiver hears nothing any more. */
  close(): void;
}

interface RawReceiver {
  /** `bytes` are valid only during the call. */
  onBytes(bytes: Uint8Array): void;
  onEnd(error?: Error): void;
}

/** The engine answered, but with an error: status and body of it. */
export class HijackRefused extends Error {
  readonly status: number;
  readonly body: string;

  constructor(status: number, body: string) {
    super(`refused with status ${status}`);
    this.status = status;
    this.body = body;
  }
}

/**
 * Asks for `target` as a raw stream; 101, or 200 of old engines, is the agreement. Throws `HijackRefused`, what the socket said,
 * or `signal.reason`; `signal` ends with this step. The connection comes paused.
 */
export async function openHijacked(
  address: string,
  target: string,
  signal: AbortSignal,
): Promise<HijackedConnection> {
  const handshake = createHandshake();
  let inner: SocketState = handshake;
  signal.throwIfAborted();
  const socket = await Bun.connect({
    unix: address,
    socket: {
      data: (_socket, bytes: Buffer<ArrayBuffer>) => inner.onBytes(bytes),
      drain: () => inner.onDrain(),
      end: () => inner.onEnd(),
      close: (_socket, error) => inner.onEnd(error),
      error: (_socket, error) => inner.onEnd(error),
    },
  });
  const giveUp = () => handshake.onEnd(signal.reason);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    if (signal.aborted) giveUp();
    // A few hundred bytes into an empty socket buffer never come up short.
    socket.write(
      formatRequestHead('POST', target, { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Length': '0' }),
    );
    const early = await handshake.agreed;
    socket.pause();
    const connection = createConnection(socket, early);
    inner = connection.state;
    return connection;
  } catch (error) {
    socket.terminate();
    throw error;
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
}

/** What becomes of the socket's events; one before the agreement, another after it. */
interface SocketState {
  onBytes(bytes: Uint8Array<ArrayBuffer>): void;
  onDrain(): void;
  onEnd(error?: Error): void;
}

/** Reads the head of the answer; `agreed` gives the bytes that came behind it. */
function createHandshake(): SocketState & { readonly agreed: Promise<Early> } {
  const { promise, resolve, reject } = Promise.withResolvers<Early>();
  // The opener awaits this promise; the empty handler keeps an earlier rejection from being reported as unhandled.
  promise.catch(() => undefined);
  let early: Early | undefined;
  let refusal: { readonly status: number; readonly body: Uint8Array[]; sizeBytes: number } | undefined;

  const reader = createResponseReader('POST', {
    switches: isAgreement,
    onHead({ status }) {
      if (!isAgreement(status)) {
        refusal = { status, body: [], sizeBytes: 0 };
        return;
      }
      early = { chunks: [], ended: undefined };
      resolve(early);
    },
    // Between the agreement and the moment the opener goes on, more may arrive.
    onBody(piece) {
      const copy = Buffer.from(piece);
      early?.chunks.push(copy);
      if (refusal === undefined) return;
      refusal.body.push(copy);
      refusal.sizeBytes += copy.byteLength;
      if (refusal.sizeBytes > MAX_REFUSAL_BYTES) refuse();
    },
    onEnd: refuse,
  });

  /** An error answer is as long as it says, or ends with the connection. */
  function refuse(): void {
    if (refusal !== undefined)
      reject(new HijackRefused(refusal.status, Buffer.concat(refusal.body).toString()));
  }

  return {
    agreed: promise,
    onBytes(bytes) {
      try {
        reader.push(bytes);
      } catch (error) {
        refuse(); // the first reason given to the promise is the one that counts
        reject(notHttp(error));
      }
    },
    onDrain() {},
    onEnd(error) {
      if (early !== undefined) early.ended ??= { error };
      refuse();
      reject(error ?? new Error('the engine closed the connection without an answer'));
    },
  };
}

/** Far above any message of an engine. */
const MAX_REFUSAL_BYTES = 1024 * 1024;

function isAgreement(status: number): boolean {
  return status === 101 || status === 200;
}

interface Early {
  readonly chunks: Uint8Array[];
  ended: { readonly error: Error | undefined } | undefined;
}

function createConnection(
  socket: Socket,
  early: Early,
): HijackedConnection & { readonly state: SocketState } {
  const writer = createSocketWriter(socket);
  let receiver: RawReceiver | undefined;
  let isOver = false;

  function onEnd(error?: Error): void {
    writer.fail(error ?? new Error('the stream has ended'));
    if (isOver) return;
    if (receiver === undefined) {
      early.ended ??= { error };
      return;
    }
    isOver = true;
    receiver.onEnd(error);
  }

  return {
    writer,
    receive(wanted) {
      receiver = wanted;
      for (const chunk of early.chunks.splice(0)) if (!isOver) receiver.onBytes(chunk);
      if (early.ended !== undefined) onEnd(early.ended.error);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close() {
      isOver = true;
      early.chunks.length = 0;
      writer.fail(new Error('the stream is closed'));
      socket.terminate();
    },
    state: {
      onBytes(bytes) {
        if (isOver) return;
        if (receiver === undefined) early.chunks.push(Uint8Array.from(bytes));
        else receiver.onBytes(bytes);
      },
      onDrain: () => writer.onDrain(),
      onEnd,
    },
  };
}
