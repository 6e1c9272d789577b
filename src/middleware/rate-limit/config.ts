import * as v from 'valibot';
import { parseDuration } from '../../platform/index.ts';

/** How often tools may be called, as documents have it (spec 05 §18). */

const Bucket = v.pipe(
  v.object({
    maxTokens: v.pipe(v.number(), v.integer(), v.minValue(1, 'maxTokens must be at least 1')),
    refillPeriod: v.string(),
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { maxTokens, refillPeriod } = dataset.value;
    const parsed = parseDuration(refillPeriod);
    if ('ms' in parsed && parsed.ms > 0) return { maxTokens, periodMs: parsed.ms };
    addIssue({ message: 'problem' in parsed ? parsed.problem : 'refillPeriod must be positive' });
    return NEVER;
  }),
);

const buckets = { shared: v.nullish(Bucket), perUser: v.nullish(Bucket) };

export const RateLimitSchema = v.object({
  ...buckets,
  tools: v.nullish(v.array(v.object({ name: v.pipe(v.string(), v.minLength(1)), ...buckets })), () => []),
});
export type RateLimits = v.InferOutput<typeof RateLimitSchema>;

/** A bucket that holds `maxTokens`, and fills up in `periodMs`. */
interface BucketSize {
  readonly maxTokens: number;
  readonly periodMs: number;
}

export interface NamedBucket extends BucketSize {
  /** As in the name of its key in Redis. */
  readonly name: string;
}

/** All buckets that a call of `tool` by `user` takes a token from. */
export function bucketsFor(
  limits: RateLimits,
  tool: string,
  user: string | undefined,
): readonly NamedBucket[] {
  const ofTool = limits.tools.find(({ name }) => name === tool);
  const named: readonly (readonly [string, BucketSize | null | undefined])[] = [
    ['shared', limits.shared],
    [`shared:tool:${tool}`, ofTool?.shared],
    ...(user === undefined
      ? []
      : ([
          [`user:${user}`, limits.perUser],
          [`user-tool:${tool}:${user}`, ofTool?.perUser],
        ] as const)),
  ];
  return named.flatMap(([name, size]) => (size ? [{ name, ...size }] : []));
}
