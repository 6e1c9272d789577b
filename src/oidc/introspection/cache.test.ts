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
