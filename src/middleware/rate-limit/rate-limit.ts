import * as v from 'valibot';
import { messageOf } from '../../errors/index.ts';
import { errorText, type Handler, type RequestContext } from '../../proxy/index.ts';
import { parseParameters } from '../parameters.ts';
import type { Middleware, Services } from '../types.ts';
import { bucketsFor, RateLimitSchema } from './config.ts';
import { createMemoryBuckets, type TakeTokens } from './memory-buckets.ts';

const Text = v.nullish(v.string(), '');
const Parameters = v.looseObject({
  namespace: Text,
  server_name: Text,
  config: RateLimitSchema,
  redis_addr: Text,
  redis_db: v.nullish(v.number(), 0),
});

const TOO_MANY = 429;
const TELL_EVERY_MS = 60_000;

/**
 * Lets tools be called so often, by everybody and by each caller (spec 05 §18). Buckets are in memory, or in Redis where the
 * parameters name one; while that cannot be reached, calls pass. Throws `ERR_RUN_CONFIG_INVALID`.
 */
export async function createRateLimit(
  parameters: unknown,
  services: Pick<Services, 'env' | 'log'>,
  resources: AsyncDisposableStack,
): Promise<Middleware> {
  const { config: limits, ...place } = parseParameters('ratelimit', Parameters, parameters);
  const take: TakeTokens =
    place.redis_addr === '' ? createMemoryBuckets() : await openRedis(place, services, resources);
  let toldAt = Number.NEGATIVE_INFINITY;

  function letPass(error: unknown): number {
    if (performance.now() - toldAt >= TELL_EVERY_MS) {
      toldAt = performance.now();
      services.log.warn('rate limits cannot be looked up, calls pass', { error: messageOf(error) });
    }
    return 0;
  }

  function decide(waitMs: number, request: Request, context: RequestContext, next: Handler) {
    return waitMs > 0 ? refuse(waitMs, context) : next(request, context);
  }

  return function rateLimit(request, context, next) {
    const { message, identity } = context;
    if (message?.method !== 'tools/call') return next(request, context);
    const buckets = bucketsFor(limits, message.tool ?? '', identity?.subject);
    if (buckets.length === 0) return next(request, context);
    const waitMs = take(buckets);
    return typeof waitMs === 'number'
      ? decide(waitMs, request, context, next)
      : waitMs.catch(letPass).then((ms) => decide(ms, request, context, next));
  };
}

function refuse(waitMs: number, { message }: RequestContext): Response {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  const data = JSON.stringify({ retryAfterSeconds: seconds });
  return new Response(errorText(message?.id, TOO_MANY, 'Rate limit exceeded', data), {
    status: TOO_MANY,
    headers: { 'Content-Type': 'application/json', 'Retry-After': String(seconds) },
  });
}

interface Place {
  readonly namespace: string;
  readonly server_name: string;
  readonly redis_addr: string;
  readonly redis_db: number;
}

async function openRedis(
  { namespace, server_name, redis_addr, redis_db }: Place,
  { env }: Pick<Services, 'env'>,
  resources: AsyncDisposableStack,
): Promise<TakeTokens> {
  const { openRedisBuckets } = await import('./redis-buckets.ts');
  const password = env?.['THV_SESSION_REDIS_PASSWORD'] ?? '';
  // Braces: all keys of a server in one part of a cluster.
  const prefix = `thv:rl:{${namespace}:${server_name}}:`;
  return await openRedisBuckets({ address: redis_addr, db: redis_db, password, prefix }, resources);
}
