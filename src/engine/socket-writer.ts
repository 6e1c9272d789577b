import type { Socket } from 'bun';

/** Bytes on their way into a socket, in order, with word of when they have left (spec 03 §7.3). */
export interface SocketWriter {
  /** True when everything is with the kernel; false when something had to be queued. Throws after `fail`. */
  write(bytes: string | Uint8Array): boolean;
  /** Resolves when the queue is empty, rejects when the stream fails first. */
  drained(): Promise<void>;
  /** The socket takes bytes again. */
  onDrain(): void;
  /** Nothing can be written any more; who waits is told `reason`. */
  fail(reason: Error): void;
}

export function createSocketWriter(socket: Pick<Socket, 'write'>): SocketWriter {
  const queue: Uint8Array[] = [];
  let waiting: PromiseWithResolvers<void> | undefined;
  let failure: Error | undefined;

  return {
    write(bytes) {
      if (failure !== undefined) throw failure;
      const total = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.byteLength;
      const taken = queue.length > 0 ? 0 : Math.max(0, socket.write(bytes));
      if (taken === total && queue.length === 0) return true;
      // A copy, since the caller may use its buffer again before this leaves.
      const whole = typeof bytes === 'string' ? Buffer.from(bytes) : Uint8Array.from(bytes);
      queue.push(whole.subarray(taken));
      return false;
    },
    drained() {
      if (failure !== undefined) return Promise.reject(failure);
      if (queue.length === 0) return Promise.resolve();
      waiting ??= Promise.withResolvers();
      return waiting.promise;
    },
    onDrain() {
      for (let first = queue[0]; first !== undefined; first = queue[0]) {
        const taken = Math.max(0, socket.write(first));
        if (taken < first.length) {
          queue[0] = first.subarray(taken);
          return;
        }
        queue.shift();
      }
      waiting?.resolve();
      waiting = undefined;
    },
    fail(reason) {
      failure ??= reason;
      queue.length = 0;
      waiting?.reject(failure);
      waiting = undefined;
    },
  };
}
