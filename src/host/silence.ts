const LEAST_MS = 1500;
const MOST_MS = 5000;

/**
 * How long a stdio server that says nothing has to live before it is called running, in milliseconds. Where starting it took long
 * (`startMs`), the machine is busy: the server will be slow to end, and the engine slow to say so. One that ended after
 * `lastLivedMs` has to live twice as long the next time.
 */
export function silenceMs({
  startMs,
  lastLivedMs,
}: {
  readonly startMs: number;
  readonly lastLivedMs: number;
}): number {
  return Math.min(MOST_MS, Math.max(LEAST_MS, 5 * startMs, 2 * lastLivedMs));
}
