import { messageOf, ThvError } from '../errors/index.ts';
import { givenUp, startDeadline } from '../platform/index.ts';
import { createDemultiplexer } from './demultiplex.ts';
import { engineMessage } from './engine-message.ts';
import { type HijackedConnection, HijackRefused, openHijacked } from './hijack.ts';
import { describeSocketError } from './socket-error.ts';
import type { AttachedStdio, AttachReceiver, OutputChunk, Waiting } from './types.ts';

const OPEN_TIMEOUT_MS = 30_000;

const GIVEN_UP = {
  timedOut: 'attaching to the container timed out',
  cancelled: 'attaching to the container was canceled',
};

interface AttachTarget extends Waiting {
  readonly address: string;
  /** Path with version and without query. */
  readonly path: string;
  readonly container: string;
  /** Throws `ERR_CONTAINER_NOT_FOUND`. */
  readonly isRunning: (options: Waiting) => Promise<boolean>;
}

/**
 * `detachKeys` is empty because Podman looks for its default, ctrl-p ctrl-q, in every stdin, terminal or not, and would hang up
 * in the middle of binary input. Docker looks only where there is a terminal.
 */
const QUERY = 'stream=1&stdin=1&stdout=1&stderr=1&detachKeys=';

/** Opens the stdio of a running container (spec 03 §7). Nothing reaches `receiver` before the promise has resolved. */
export async function attachStdio(target: AttachTarget, receiver: AttachReceiver): Promise<AttachedStdio> {
  using deadline = startDeadline({ signal: target.signal, timeoutMs: OPEN_TIMEOUT_MS });
  try {
    return createAttachedStdio(target.container, await openRunning(target, deadline.signal), receiver);
  } catch (error) {
    if (deadline.expired)
      throw attachFailed(target.container, `no answer within ${OPEN_TIMEOUT_MS / 1000} s`);
    if (target.signal?.aborted) throw givenUp(target.signal, GIVEN_UP);
    throw error instanceof ThvError ? error : attachFailed(target.container, reasonOf(error), error);
  }
}

async function openRunning(target: AttachTarget, signal: AbortSignal): Promise<HijackedConnection> {
  await ensureRunning(target, signal);
  const connection = await openHijacked(target.address, `${target.path}?${QUERY}`, signal).catch(
    async (error: unknown) => {
      if (error instanceof HijackRefused) await ensureRunning(target, signal); // the better reason, if it is one
      throw error;
    },
  );
  try {
    // Both engines agree to attach to a container that has ended, and then say nothing for ever. Asked a second time, because
    // only an answer from after the agreement tells that the stream will see the end.
    await ensureRunning(target, signal);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function ensureRunning(target: AttachTarget, signal: AbortSignal): Promise<void> {
  if (await target.isRunning({ signal })) return;
  throw new ThvError('ERR_CONTAINER_NOT_RUNNING', {
    container: target.container,
    reason: `container not running: workload is not running (container: ${target.container})`,
  });
}

function reasonOf(error: unknown): string {
  return error instanceof HijackRefused
    ? engineMessage(error.body, error.status)
    : describeSocketError(error);
}

function attachFailed(container: string, reason: string, cause?: unknown): ThvError {
  const text = `failed to attach to container: failed to attach to workload: ${reason} (container: ${container})`;
  return new ThvError('ERR_ATTACH_FAILED', { container, reason: text }, { cause });
}

function createAttachedStdio(
  container: string,
  connection: HijackedConnection,
  receiver: AttachReceiver,
): AttachedStdio {
  const { writer } = connection;
  let isPaused = false;
  let isClosed = false;
  /** What came in the same read as the output at which the receiver paused, and the end if it is known. */
  const held: OutputChunk[] = [];
  let heldEnd: { readonly error: Error | undefined } | undefined;

  function emit(stream: OutputChunk['stream'], bytes: Uint8Array): void {
    if (isClosed) return;
    if (isPaused || held.length > 0) held.push({ stream, bytes: Uint8Array.from(bytes) });
    else hand(stream, bytes);
  }

  function hand(stream: OutputChunk['stream'], bytes: Uint8Array): void {
    if (stream === 'stdout') receiver.onStdout(bytes);
    else receiver.onStderr?.(bytes);
  }

  function finish(error: Error | undefined): void {
    if (isClosed) return;
    if (isPaused || held.length > 0) {
      heldEnd ??= { error };
      return;
    }
    close();
    receiver.onEnd(error);
  }

  /** Runs one turn after `resume` and after the caller got the stream, never from within the receiver's own call. */
  function goOn(): void {
    while (!isPaused && !isClosed) {
      const chunk = held.shift();
      if (chunk !== undefined) {
        hand(chunk.stream, chunk.bytes);
        continue;
      }
      if (heldEnd === undefined) connection.resume();
      else finish(heldEnd.error);
      return;
    }
  }

  function close(): void {
    isClosed = true;
    held.length = 0;
    connection.close();
  }

  const demultiplexer = createDemultiplexer(emit);
  const unreadable = (problem: string | undefined) =>
    problem === undefined ? undefined : attachFailed(container, problem);

  // One turn later, so that the caller has the stream in hands when the first byte arrives.
  setImmediate(() => {
    connection.receive({
      onBytes(bytes) {
        const problem = demultiplexer.push(bytes);
        if (problem !== undefined) finish(unreadable(problem));
      },
      onEnd(error) {
        finish(
          error === undefined
            ? unreadable(demultiplexer.end())
            : attachFailed(container, describeSocketError(error), error),
        );
      },
    });
    goOn();
  });

  return {
    write(bytes) {
      try {
        return writer.write(bytes);
      } catch (error) {
        throw attachFailed(container, messageOf(error), error);
      }
    },
    async drained() {
      await writer.drained().catch((error: unknown) => {
        throw attachFailed(container, messageOf(error), error);
      });
    },
    pause() {
      isPaused = true;
      connection.pause();
    },
    resume() {
      if (!isPaused) return;
      isPaused = false;
      queueMicrotask(goOn);
    },
    close,
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}
