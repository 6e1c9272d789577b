import type { EventStream } from './event-stream.ts';
import { KEEP_ALIVE } from './frame.ts';
import { createTicker } from './ticker.ts';

/** Keeps open streams alive, and ends those whose reader stopped reading (spec 04 §19.14). */
export interface StreamKeeper {
  add(stream: EventStream): void;
  delete(stream: EventStream): void;
  endAll(): void;
}

const TICK_MS = 5000;
const KEEP_ALIVE_MS = 25_000;
const STALL_MS = 60_000;

export function createStreamKeeper(): StreamKeeper {
  const streams = new Set<EventStream>();
  let saidAt = performance.now();
  const ticker = createTicker(TICK_MS, tick);

  function tick(): boolean {
    const now = performance.now();
    const isDue = now - saidAt >= KEEP_ALIVE_MS;
    if (isDue) saidAt = now;
    for (const stream of streams) {
      const { stalledSince } = stream;
      if (stalledSince === undefined) {
        if (isDue) stream.send(KEEP_ALIVE, 'may');
      } else if (now - stalledSince > STALL_MS) stream.abort();
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
