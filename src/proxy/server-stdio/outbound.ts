import type { ServerProcess } from '../types.ts';
import type { Call } from './session.ts';

/** The way to the process: one line per message, strictly in order, held back while it cannot take any (spec 04 §4). */
export interface Outbound {
  /** Monotonic milliseconds since no process is attached; `undefined` while one is. */
  readonly detachedSince: number | undefined;
  /** `false`: the queue is full, nothing was taken. Takes the call along, so that it is known when it was sent. */
  send(line: string, call?: Call): boolean;
  /** Ahead of everything queued: the handshake with a new process. */
  sendFirst(line: string, call?: Call): void;
  /** The process gets nothing but `sendFirst` until `open`. */
  attach(process: ServerProcess): void;
  open(): void;
  /** Writes at once what would be written in a moment. */
  flush(): void;
  /** What waits goes to the next process, except what only made sense to this one. */
  detach(): void;
}

export interface OutboundOptions {
  readonly onSent: (call: Call) => void;
  /** Something is about to be written to the process. */
  readonly onWrite: () => void;
  readonly onBroken: (error: unknown) => void;
  readonly limits?: QueueLimits;
}

export interface QueueLimits {
  readonly messages: number;
  /** One message of any size fits an empty queue. */
  readonly bytes: number;
}

interface Entry {
  readonly line: string;
  readonly call: Call | undefined;
}

const DEFAULT_LIMITS: QueueLimits = { messages: 1024, bytes: 64 * 1024 * 1024 };
/** One write carries what came in one turn of the event loop, up to this size: 1.6 times the calls per second. */
const WRITE_CHARS = 64 * 1024;

export function createOutbound(options: OutboundOptions): Outbound {
  const { onSent, onWrite, onBroken, limits = DEFAULT_LIMITS } = options;
  let process: ServerProcess | undefined;
  let gate: 'closed' | 'open' = 'closed';
  let blocked = false;
  let detachedSince: number | undefined = performance.now();
  let queue: Entry[] = [];
  let queuedChars = 0;
  let isFlushDue = false;

  function write(entries: readonly Entry[]): void {
    if (process === undefined || entries.length === 0) return;
    const target = process;
    let lines = '';
    for (const { line, call } of entries) {
      lines += line;
      // Before the write: a call that may have reached a process that broke must not be sent to the next one too.
      if (call !== undefined) onSent(call);
    }
    onWrite();
    try {
      if (!target.write(lines)) void waitForRoom(target);
    } catch (error) {
      onBroken(error);
    }
  }

  async function waitForRoom(target: ServerProcess): Promise<void> {
    blocked = true;
    try {
      await target.drained();
    } catch (error) {
      if (process === target) onBroken(error);
      return;
    }
    if (process !== target) return;
    blocked = false;
    flush();
  }

  function flushSoon(): void {
    if (isFlushDue || gate === 'closed' || blocked) return;
    isFlushDue = true;
    setImmediate(flush);
  }

  function flush(): void {
    isFlushDue = false;
    while (gate === 'open' && !blocked && queue.length > 0) write(takeBatch());
  }

  function takeBatch(): Entry[] {
    let chars = 0;
    let count = 0;
    for (const { line } of queue) {
      if (count > 0 && chars + line.length > WRITE_CHARS) break;
      chars += line.length;
      count += 1;
    }
    queuedChars -= chars;
    return queue.splice(0, count).filter(isWanted);
  }

  /** Calls that were given up while they waited make room. */
  function sweep(keep: (entry: Entry) => boolean): void {
    queue = queue.filter(keep);
    queuedChars = queue.reduce((sum, { line }) => sum + line.length, 0);
  }

  /** A process that takes what it is given never makes a client wait or fail. */
  function makeRoom(): void {
    flush();
    sweep(isWanted);
  }

  function hasRoom(line: string): boolean {
    if (queue.length === 0) return true;
    return queue.length < limits.messages && queuedChars + line.length <= limits.bytes;
  }

  return {
    get detachedSince() {
      return detachedSince;
    },
    send(line, call) {
      if (!hasRoom(line)) makeRoom();
      if (!hasRoom(line)) return false;
      queue.push({ line, call });
      queuedChars += line.length;
      flushSoon();
      return true;
    },
    sendFirst: (line, call) => write([{ line, call }]),
    attach(next) {
      process = next;
      gate = 'closed';
      blocked = false;
      detachedSince = undefined;
    },
    open() {
      if (process === undefined) return;
      gate = 'open';
      flush();
    },
    flush,
    detach() {
      process = undefined;
      gate = 'closed';
      blocked = false;
      detachedSince = performance.now();
      sweep((entry) => entry.call !== undefined && isWanted(entry));
    },
  };
}

function isWanted({ call }: Entry): boolean {
  return call === undefined || call.state !== 'done';
}
