import type { Call } from './session.ts';

export interface QueueLimits {
  readonly messages: number;
  /** One message of any size fits an empty queue. */
  readonly bytes: number;
}

/** One line for the process, and the call it carries, if any. */
export interface Entry {
  readonly line: string;
  readonly call: Call | undefined;
}

const DEFAULT_LIMITS: QueueLimits = { messages: 1024, bytes: 64 * 1024 * 1024 };
/** One write carries what came in one turn of the event loop, up to this size: 1.6 times the calls per second. */
const WRITE_CHARS = 64 * 1024;

/** Lines that wait for the process, in the order they came. Lines of calls that were given up are never handed out. */
export class OutboundQueue {
  readonly #limits: QueueLimits;
  #entries: Entry[] = [];
  #chars = 0;

  constructor(limits: QueueLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  hasRoom(line: string): boolean {
    if (this.#entries.length === 0) return true;
    return this.#entries.length < this.#limits.messages && this.#chars + line.length <= this.#limits.bytes;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#chars += entry.line.length;
  }

  /** Takes out as much as one write carries, one line at least. */
  takeBatch(): Entry[] {
    let chars = 0;
    let count = 0;
    for (const { line } of this.#entries) {
      if (count > 0 && chars + line.length > WRITE_CHARS) break;
      chars += line.length;
      count += 1;
    }
    this.#chars -= chars;
    return this.#entries.splice(0, count).filter(isWanted);
  }

  /** Calls that were given up while they waited make room. */
  dropUnwanted(): void {
    this.#keep(isWanted);
  }

  /** Only calls that are still wanted make sense to another process. */
  keepCalls(): void {
    this.#keep((entry) => entry.call !== undefined && isWanted(entry));
  }

  #keep(isKept: (entry: Entry) => boolean): void {
    this.#entries = this.#entries.filter(isKept);
    this.#chars = this.#entries.reduce((sum, { line }) => sum + line.length, 0);
  }
}

function isWanted({ call }: Entry): boolean {
  return call === undefined || call.state !== 'done';
}
