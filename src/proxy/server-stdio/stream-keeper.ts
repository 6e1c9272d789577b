import type { EventStream } from './event-stream.ts';
import { KEEP_ALIVE } from './frame.ts';
import { createTicker } from './ticker.ts';

/** Keeps open streams alive, and ends those whose reader stopped reading (spec 04 §19.14). */
export interface StreamKeeper {
  add(stream: EventStream): void;
  delete(stream: EventStream): void;
  endAll(): void;
}

export interface StreamKeeperOptions {
  /** How often a comment shows that a stream is alive; default 25 s, and up to a tick later. */
  readonly keepAliveMs?: number | undefined;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly openTicker?: typeof createTicker;
}

const TICK_MS = 5000;
const DEFAULT_KEEP_ALIVE_MS = 25_000;
const STALL_MS = 60_000;

export function createStreamKeeper(options: StreamKeeperOptions = {}): StreamKeeper {
  const { keepAliveMs = DEFAULT_KEEP_ALIVE_MS, now = monotonicMs, openTicker = createTicker } = options;
  const streams = new Set<EventStream>();
  let saidAt = now();
  const ticker = openTicker(Math.min(TICK_MS, keepAliveMs), tick);

  function tick(): boolean {
    const moment = now();
    const isDue = moment - saidAt >= keepAliveMs;
    if (isDue) saidAt = moment;
    for (const stream of streams) {
      const { stalledSince } = stream;
      if (stalledSince === undefined) {
        if (isDue) stream.send(KEEP_ALIVE, 'may');
      } else if (moment - stalledSince > STALL_MS) stream.abort();
    }
    return streams.size > 0;
  }

  return {
    add(stream) {
      streams.add(stream);
      ticker.start();
    },
    delete: (stream) => {
      streams.delete(stream);
    },
    endAll() {
      for (const stream of streams) stream.end();
      ticker.stop();
    },
  };
}

function monotonicMs(): number {
  return performance.now();
}
