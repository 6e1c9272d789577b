import type { ServerProcess } from '../types.ts';
import { type Entry, OutboundQueue, type QueueLimits } from './outbound-queue.ts';
import type { Call } from './session.ts';

export interface OutboundOptions {
  readonly onSent: (call: Call) => void;
  /** Something is about to be written to the process. */
  readonly onWrite: () => void;
  readonly onBroken: (error: unknown) => void;
  readonly limits?: QueueLimits;
}

/** One process from `attach` to `detach`. */
interface Attachment {
  readonly process: ServerProcess;
  /** Until then the process gets nothing but its handshake. */
  isOpen: boolean;
  /** It took what it could; nothing more is written until it has drained. */
  isBlocked: boolean;
}

/** The way to the process: one line per message, strictly in order, held back while it cannot take any (spec 04 §4). */
export class Outbound {
  readonly #options: OutboundOptions;
  readonly #queue: OutboundQueue;
  #attachment: Attachment | undefined;
  #detachedSince: number | undefined = performance.now();
  #isFlushDue = false;
  /** Made once, so that no message costs a closure. */
  readonly #onFlushDue = () => this.flush();

  constructor(options: OutboundOptions) {
    this.#options = options;
    this.#queue = new OutboundQueue(options.limits);
  }

  /** Monotonic milliseconds since no process is attached; `undefined` while one is. */
  get detachedSince(): number | undefined {
    return this.#detachedSince;
  }

  /** `false`: the queue is full, nothing was taken. Takes the call along, so that it is known when it was sent. */
  send(line: string, call?: Call): boolean {
    if (!this.#queue.hasRoom(line)) this.#makeRoom();
    if (!this.#queue.hasRoom(line)) return false;
    this.#queue.push({ line, call });
    this.#flushSoon();
    return true;
  }

  /** Ahead of everything queued: the handshake with a new process. */
  sendFirst(line: string, call?: Call): void {
    this.#write([{ line, call }]);
  }

  /** The process gets nothing but `sendFirst` until `open`. */
  attach(process: ServerProcess): void {
    this.#attachment = { process, isOpen: false, isBlocked: false };
    this.#detachedSince = undefined;
  }

  open(): void {
    if (this.#attachment === undefined) return;
    this.#attachment.isOpen = true;
    this.flush();
  }

  /** Writes at once what would be written in a moment. */
  flush(): void {
    this.#isFlushDue = false;
    while (this.#canWrite() && !this.#queue.isEmpty) this.#write(this.#queue.takeBatch());
  }

  /** What waits goes to the next process, except what only made sense to this one. */
  detach(): void {
    this.#attachment = undefined;
    this.#detachedSince = performance.now();
    this.#queue.keepCalls();
  }

  #canWrite(): boolean {
    return this.#attachment?.isOpen === true && !this.#attachment.isBlocked;
  }

  #flushSoon(): void {
    if (this.#isFlushDue || !this.#canWrite()) return;
    this.#isFlushDue = true;
    setImmediate(this.#onFlushDue);
  }

  /** A process that takes what it is given never makes a client wait or fail. */
  #makeRoom(): void {
    this.flush();
    this.#queue.dropUnwanted();
  }

  #write(entries: readonly Entry[]): void {
    const attachment = this.#attachment;
    if (attachment === undefined || entries.length === 0) return;
    let lines = '';
    for (const { line, call } of entries) {
      lines += line;
      // Before the write: a call that may have reached a process that broke must not be sent to the next one too.
      if (call !== undefined) this.#options.onSent(call);
    }
    this.#options.onWrite();
    try {
      if (!attachment.process.write(lines)) void this.#waitForRoom(attachment);
    } catch (error) {
      this.#options.onBroken(error);
    }
  }

  async #waitForRoom(attachment: Attachment): Promise<void> {
    attachment.isBlocked = true;
    try {
      await attachment.process.drained();
    } catch (error) {
      if (this.#attachment === attachment) this.#options.onBroken(error);
      return;
    }
    if (this.#attachment !== attachment) return;
    attachment.isBlocked = false;
    this.flush();
  }
}
