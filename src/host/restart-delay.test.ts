import { expect, test } from 'bun:test';
import { MAX_ATTEMPTS, restartDelayMs } from './restart-delay.ts';

test('the delay before each attempt to start a server again doubles up to a minute', () => {
  const attempts = Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => index + 2);
  expect(attempts.map(restartDelayMs)).toEqual([
    5000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000, 60_000,
  ]);
});
