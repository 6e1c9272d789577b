import { expect, test } from 'bun:test';
import { createRate } from './rate.ts';

test('a burst, then as many a second as were allowed, whatever the clock does', () => {
  let now = 10_000;
  const mayAsk = createRate({ perSecond: 2, burst: 3 }, () => now);
  const asked = (ms: number) => {
    now += ms;
    let count = 0;
    while (mayAsk()) count++;
    return count;
  };
  expect([
    asked(0),
    asked(0),
    asked(499),
    asked(1),
    asked(1000),
    asked(-5000),
    asked(500),
    asked(60_000),
  ]).toEqual([3, 0, 0, 1, 2, 0, 1, 3]);
});
