import { expect, test } from 'bun:test';
import { ThvError } from '../../errors/index.ts';
import { rejected } from '../rejection.ts';
import { createIntrospectionCache } from './cache.ts';

/** Asks for one token at the given times and tells at which of them the endpoint was asked. */
async function askedAt(times: readonly number[], answer: () => Promise<Record<string, unknown>>) {
  let now = 0;
  const asked: number[] = [];
  const cache = createIntrospectionCache(() => now);
  for (now of times) {
    await cache
      .through('token', () => {
        asked.push(now);
        return answer();
      })
      .catch(() => undefined);
  }
  return asked;
}

test('a valid token is asked for once a minute', async () => {
  expect(await askedAt([0, 59_999, 60_000, 60_001], async () => ({ sub: 'u' }))).toEqual([0, 60_000]);
});

test('a token that ends sooner is asked for again when it has ended', async () => {
  expect(await askedAt([0, 9999, 10_000], async () => ({ exp: 10 }))).toEqual([0, 10_000]);
});

test('a refusal holds for five seconds', async () => {
  const refuse = async () => {
    throw rejected('invalid token');
  };
  expect(await askedAt([0, 4999, 5000], refuse)).toEqual([0, 5000]);
});

test('a provider that did not answer is asked again at once', async () => {
  const fail = async () => {
    throw new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: 'down' });
  };
  expect(await askedAt([0, 1, 2], fail)).toEqual([0, 1, 2]);
});

test('no more than a thousand answers are kept', async () => {
  const cache = createIntrospectionCache(() => 0);
  let asked = 0;
  const ask = async () => {
    asked++;
    return {};
  };
  for (let number = 0; number <= 1000; number++) await cache.through(`token ${number}`, ask);
  await cache.through('token 1', ask);
  expect(asked).toBe(1001);
  await cache.through('token 0', ask);
  expect(asked).toBe(1002);
});

test('those who come with one token at once share a request, and a flood of tokens is not passed on', async () => {
  const cache = createIntrospectionCache(() => 0);
  const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
  let asked = 0;
  const ask = () => {
    asked++;
    return promise;
  };
  const tokens = Array.from({ length: 100 }, (_, number) => `token ${number}`);
  const waiting = [...tokens, ...tokens].map((token) => cache.through(token, ask));
  await expect(cache.through('one more', ask)).rejects.toThrow('too many tokens are being asked for');
  expect(asked).toBe(100);
  resolve({ sub: 'u' });
  expect(await Promise.all(waiting)).toHaveLength(200);
  expect(await cache.through('one more', ask)).toEqual({ sub: 'u' });
});
