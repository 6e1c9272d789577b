import type { NamedBucket } from './config.ts';

/** Takes one token from each bucket, or none; gives how many milliseconds it takes until each has one, 0 when they were taken. */
export type TakeTokens = (buckets: readonly NamedBucket[]) => number | Promise<number>;

interface Level {
  readonly tokens: number;
  readonly at: number;
  /** When it is full again, and so need not be remembered. */
  readonly fullAt: number;
}

/** Callers beyond this many at once push out those that were seen first. */
const MAX_BUCKETS = 50_000;

/** Token buckets of one process. `now`: milliseconds of a clock that only goes forward. */
export function createMemoryBuckets(now: () => number = () => performance.now(), maxBuckets = MAX_BUCKETS) {
  const levels = new Map<string, Level>();

  function tokensIn({ name, maxTokens, periodMs }: NamedBucket, at: number): number {
    const level = levels.get(name);
    return level === undefined
      ? maxTokens
      : Math.min(maxTokens, level.tokens + ((at - level.at) * maxTokens) / periodMs);
  }

  function makeRoom(at: number): void {
    if (levels.size <= maxBuckets) return;
    for (const [name, { fullAt }] of levels) if (fullAt <= at) levels.delete(name);
    for (const name of levels.keys()) {
      if (levels.size <= maxBuckets) return;
      levels.delete(name);
    }
  }

  return function take(buckets: readonly NamedBucket[]): number {
    const at = now();
    const tokens = buckets.map((bucket) => tokensIn(bucket, at));
    const waits = buckets.map(
      ({ maxTokens, periodMs }, index) => ((1 - (tokens[index] ?? 0)) * periodMs) / maxTokens,
    );
    const waitMs = Math.max(0, ...waits);
    if (waitMs > 0) return waitMs;
    for (const [index, { name, maxTokens, periodMs }] of buckets.entries()) {
      const left = (tokens[index] ?? 0) - 1;
      levels.delete(name);
      levels.set(name, { tokens: left, at, fullAt: at + ((maxTokens - left) * periodMs) / maxTokens });
    }
    makeRoom(at);
    return 0;
  } satisfies TakeTokens;
}
