/**
 * One Server-Sent-Events response that we write (spec 04 §5.1). Pull-driven: a chunk leaves only when the socket asked
 * for it, so a client that stops reading fills this queue and nothing else.
 */

/** `must`: losing it would leave a peer waiting. `may`: dropped when the reader is behind. */
export type Weight = 'must' | 'may';

export interface EventStreamOptions {
  /** Called once, when the client left, was cut off, or the stream was finished. */
  readonly onClosed: () => void;
  readonly limits?: StreamLimits;
  readonly now?: () => number;
}

export interface StreamLimits {
  /** Backlog in bytes above which `may` frames are dropped. */
  readonly dropAboveBytes: number;
  /** Backlog in bytes above which a `must` frame ends the stream; one frame of any size fits an empty queue. */
  readonly closeAboveBytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  dropAboveBytes: 1024 * 1024,
  closeAboveBytes: 64 * 1024 * 1024,
};

/** Small frames leave together up to this size. */
const CHUNK_BYTES = 64 * 1024;

export class EventStream {
  readonly body: ReadableStream<Uint8Array>;
  readonly #options: EventStreamOptions;
  readonly #limits: StreamLimits;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #hungry = false;
  #state: 'open' | 'ending' | 'closed' = 'open';
  #movedAt: number;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#limits = options.limits ?? DEFAULT_STREAM_LIMITS;
    this.#movedAt = this.#now();
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#closed(),
      },
      { highWaterMark: 0 },
    );
  }

  get closed(): boolean {
    return this.#state === 'closed';
  }

  /** Monotonic time since which a backlog has not moved, or `undefined` when there is none. */
  get stalledSince(): number | undefined {
    return this.#queuedBytes > 0 ? this.#movedAt : undefined;
  }

  /** `false`: the frame was dropped, or the stream is (now) closed. `head` shares its fate and goes before it. */
  send(frame: Uint8Array, weight: Weight, head?: Uint8Array): boolean {
    if (this.#state !== 'open') return false;
    const after = this.#queuedBytes + frame.byteLength + (head?.byteLength ?? 0);
    if (weight === 'may' && after > this.#limits.dropAboveBytes) return false;
    if (this.#queuedBytes > 0 && after > this.#limits.closeAboveBytes) {
      this.abort();
      return false;
    }
    if (head !== undefined) this.#queue.push(head);
    this.#queue.push(frame);
    this.#queuedBytes = after;
    if (this.#hungry) this.#pull();
    return true;
  }

  /** Ends the stream after what is queued. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    if (this.#queuedBytes === 0) this.#finish();
  }

  /** Ends the stream now and forgets what is queued. */
  abort(): void {
    if (this.#state === 'closed') return;
    this.#finish();
  }

  #pull(): void {
    if (this.#state === 'closed') return;
    const chunk = this.#takeChunk();
    this.#hungry = chunk === undefined;
    if (chunk !== undefined) this.#controller?.enqueue(chunk);
    if (this.#state === 'ending' && this.#queuedBytes === 0) this.#finish();
  }

  #takeChunk(): Uint8Array | undefined {
    const queue = this.#queue;
    let bytes = 0;
    let count = 0;
    for (const frame of queue) {
      if (count > 0 && bytes + frame.byteLength > CHUNK_BYTES) break;
      bytes += frame.byteLength;
      count += 1;
    }
    if (count === 0) return undefined;
    this.#movedAt = this.#now();
    this.#queuedBytes -= bytes;
    const frames = queue.splice(0, count);
    return count === 1 ? frames[0] : Buffer.concat(frames, bytes);
  }

  #finish(): void {
    this.#closed();
    this.#controller?.close();
  }

  #closed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#options.onClosed();
  }

  #now(): number {
    return (this.#options.now ?? monotonicMs)();
  }
}

function monotonicMs(): number {
  return performance.now();
}
