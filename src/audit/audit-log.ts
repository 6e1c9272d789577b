import { messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { type AuditEvent, formatEvent, weightOf } from './event.ts';

/** Where lines end up. One call at a time. */
export interface LineSink {
  /**
   * Writes whole lines. When it throws, the caller comes back with the same bytes later; what was written of them is not written
   * twice.
   */
  write(lines: Uint8Array<ArrayBuffer>): Promise<void>;
  close(): Promise<void>;
}

export interface AuditLog extends AsyncDisposable {
  /** Takes an event and returns at once; nothing is thrown and nobody waits for the disk. */
  put(event: AuditEvent): void;
  /** Why nothing can be written now; `undefined` when all is well. */
  failure(): string | undefined;
}

interface AuditLogOptions {
  readonly sink: LineSink;
  readonly component: string;
  /** In words, for the log of the workload. */
  readonly place: string;
  readonly log: Logger;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
  readonly retryMs?: number;
  readonly maxWaitingBytes?: number;
}

/** Events of a few minutes under load: a disk that is full or hangs may come back. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Lines that are made and written at a time. */
const BATCH = 256;
const RETRY_MS = 1000;
/** A write that takes this long counts as failed. */
const STALL_MS = 5000;
const TELL_EVERY_MS = 60_000;
/** The end of a run waits at most this long for the last lines. */
const LAST_LINES_MS = 2000;

/**
 * The queue in front of an audit log (spec 05 §20-17): lines are made and written behind the requests, in their order. While the disk
 * refuses, events are kept as long as there is room for them, and counted when there is not.
 */
export function createAuditLog(options: AuditLogOptions): AuditLog {
  return new WrittenBehind(options);
}

class WrittenBehind implements AuditLog {
  readonly #options: AuditLogOptions;
  readonly #now: () => number;
  #waiting: AuditEvent[] = [];
  #waitingBytes = 0;
  /** Lines whose write has failed. */
  #refused: Uint8Array<ArrayBuffer> | undefined;
  #writing: Promise<void> | undefined;
  #writingSince: number | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #failure: string | undefined;
  #lost = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(options: AuditLogOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  put(event: AuditEvent): void {
    const weight = weightOf(event);
    if (
      this.#isClosed ||
      this.#waitingBytes + weight > (this.#options.maxWaitingBytes ?? MAX_WAITING_BYTES)
    ) {
      this.#lost += 1;
      this.#tell(this.failure() ?? 'events come faster than they can be written');
      return;
    }
    this.#waitingBytes += weight;
    this.#waiting.push(event);
    // The response goes out first.
    if (this.#retry === undefined)
      this.#writing ??= new Promise<void>(setImmediate).then(() => this.#drain());
  }

  failure(): string | undefined {
    if (this.#failure !== undefined || this.#writingSince === undefined) return this.#failure;
    const hasStalled = this.#now() - this.#writingSince > STALL_MS;
    return hasStalled ? `a write has not ended for ${STALL_MS / 1000} seconds` : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#writing ??= this.#drain();
    // A disk that hangs must not keep a run from ending.
    await Promise.race([this.#writing, Bun.sleep(LAST_LINES_MS)]);
    this.#lost += this.#waiting.length;
    if (this.#refused !== undefined) this.#lost += linesIn(this.#refused);
    this.#waiting = [];
    if (this.#lost > 0) this.#tell(this.#failure ?? this.failure() ?? 'the run has ended', true);
    await Promise.race([this.#options.sink.close(), Bun.sleep(LAST_LINES_MS)]);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#refused !== undefined || this.#waiting.length > 0) {
        this.#refused ??= this.#nextLines();
        this.#writingSince = this.#now();
        await this.#options.sink.write(this.#refused);
        this.#refused = undefined;
        this.#recovered();
      }
    } catch (error) {
      this.#failed(messageOf(error));
    } finally {
      this.#writingSince = undefined;
      this.#writing = undefined;
    }
  }

  #nextLines(): Uint8Array<ArrayBuffer> {
    const events = this.#waiting.splice(0, BATCH);
    for (const event of events) this.#waitingBytes -= weightOf(event);
    return Buffer.from(events.map((event) => formatEvent(event, this.#options.component)).join(''));
  }

  #failed(reason: string): void {
    this.#failure = reason;
    this.#tell(reason);
    if (this.#isClosed) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#writing ??= this.#drain();
    }, this.#options.retryMs ?? RETRY_MS);
  }

  #recovered(): void {
    if (this.#failure === undefined && this.#lost === 0) return;
    this.#options.log.info('audit log is written again', { place: this.#options.place, lost: this.#lost });
    this.#failure = undefined;
    this.#lost = 0;
  }

  #tell(reason: string, isLast = false): void {
    if (!isLast && this.#now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = this.#now();
    const { log, place } = this.#options;
    const waiting = this.#waiting.length + (this.#refused === undefined ? 0 : linesIn(this.#refused));
    log.error('audit log cannot be written', { place, reason, waiting, lost: this.#lost });
  }
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
}

const NEWLINE = 0x0a;
