import { RedisClient } from 'bun';
import { messageOf, ThvError } from '../../errors/index.ts';
import type { NamedBucket } from './config.ts';
import type { TakeTokens } from './memory-buckets.ts';

interface RedisPlace {
  /** `host:port` */
  readonly address: string;
  readonly db: number;
  /** '' for none. */
  readonly password: string;
  /** What the names of all keys begin with. */
  readonly prefix: string;
}

const CONNECT_MS = 5000;
/** As many as the client takes: it comes back by itself for as long as the run lasts. */
const MAX_RETRIES = 0xff_ff_ff_ff;
/** A call does not wait longer than this for the store. */
const ANSWER_MS = 1000;

/** Redis keeps time and takes the tokens at once, so any number of proxies share the buckets (spec 05 §18). */
const SCRIPT = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local left = {}
local wait = 0
for i = 1, #KEYS do
  local max = tonumber(ARGV[2 * i - 1])
  local period = tonumber(ARGV[2 * i])
  local known = redis.call('HMGET', KEYS[i], 'tokens', 'last_refill')
  local tokens = tonumber(known[1]) or max
  local last = tonumber(known[2]) or now
  tokens = math.min(max, tokens + math.max(0, now - last) * max / period)
  if tokens < 1 then wait = math.max(wait, (1 - tokens) * period / max) end
  left[i] = tokens - 1
end
if wait > 0 then return string.format('%.0f', math.ceil(wait)) end
for i = 1, #KEYS do
  redis.call('HSET', KEYS[i], 'tokens', string.format('%.9f', left[i]), 'last_refill', string.format('%.0f', now))
  redis.call('PEXPIRE', KEYS[i], math.ceil(2 * tonumber(ARGV[2 * i]) / 1000))
end
return '0'`;

/** Throws `ERR_RUN_CONFIG_INVALID` when Redis cannot be reached. */
export async function openRedisBuckets(
  { address, db, password, prefix }: RedisPlace,
  resources: AsyncDisposableStack,
): Promise<TakeTokens> {
  const login = password === '' ? '' : `:${encodeURIComponent(password)}@`;
  const url = `redis://${login}${address}/${db}`;
  await requireAnswer(url, address);
  const client = new RedisClient(url, {
    connectionTimeout: CONNECT_MS,
    maxRetries: MAX_RETRIES,
    enableOfflineQueue: false,
  });
  resources.defer(() => client.close());
  await client.connect();

  return async function take(buckets: readonly NamedBucket[]) {
    const keys = buckets.map(({ name }) => prefix + name);
    const sizes = buckets.flatMap(({ maxTokens, periodMs }) => [
      String(maxTokens),
      String(Math.round(periodMs * 1000)),
    ]);
    const asked = client.send('EVAL', [SCRIPT, String(keys.length), ...keys, ...sizes]);
    return Number(await inTime(asked)) / 1000;
  };
}

/** By a client of its own, as the lasting one would try for ever. */
async function requireAnswer(url: string, address: string): Promise<void> {
  const client = new RedisClient(url, { connectionTimeout: CONNECT_MS, autoReconnect: false, maxRetries: 0 });
  try {
    await client.connect();
    await client.send('PING', []);
  } catch (error) {
    throw new ThvError(
      'ERR_RUN_CONFIG_INVALID',
      { reason: `rate limits: Redis at ${address} cannot be reached: ${messageOf(error)}` },
      { cause: error },
    );
  } finally {
    client.close();
  }
}

async function inTime(asked: Promise<unknown>): Promise<unknown> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  asked.catch(() => undefined); // told to nobody once it is late
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}
