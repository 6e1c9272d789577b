import { expect, test } from 'bun:test';
import { similarNames } from './similar-names.ts';

const NAMES = ['run', 'rm', 'list', 'logs', 'start', 'status', 'stop'];

const rows: readonly (readonly [string, readonly string[]])[] = [
  ['lst', ['list']],
  ['RUM', ['rm', 'run']],
  ['sta', ['start', 'status', 'stop']],
  ['statr', ['start', 'status']],
  ['lis', ['list', 'logs']],
  ['frobnicate', []],
  ['', ['list', 'logs', 'rm', 'run', 'start', 'status', 'stop']],
];

test.each(rows)('%s', (typed, expected) => {
  expect(similarNames(typed, NAMES)).toEqual(expected);
});
