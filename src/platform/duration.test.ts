import { expect, test } from 'bun:test';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  ['300ms', 300],
  ['30s', 30_000],
  ['1m30s', 90_000],
  ['2h', 7_200_000],
  ['1.5h', 5_400_000],
  ['-1s', -1000],
  ['0', 0],
])('%j is %d ms', (text, ms) => {
  expect(parseDuration(text)).toEqual({ ms });
});

test.each([
  ['30', 'time: missing unit in duration "30"'],
  ['abc', 'time: invalid duration "abc"'],
  ['', 'time: invalid duration ""'],
  ['5x', 'time: unknown unit "x" in duration "5x"'],
])('%j is refused as Go refuses it', (text, problem) => {
  expect(parseDuration(text)).toEqual({ problem });
});

test.each([
  [0, '0s'],
  [300, '300ms'],
  [90_000, '1m30s'],
  [7_200_000, '2h0m0s'],
  [-1000, '-1s'],
])('%d ms is written %j', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
