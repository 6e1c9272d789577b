import { expect, test } from 'bun:test';
import { findPositionalProblem, type PositionalRule } from './positionals.ts';

const rows: readonly (readonly [PositionalRule, number, string | undefined])[] = [
  [{ exactly: 1 }, 1, undefined],
  [{ exactly: 1 }, 0, 'accepts 1 arg(s), received 0'],
  [{ exactly: 2 }, 3, 'accepts 2 arg(s), received 3'],
  [{ atLeast: 1 }, 1, undefined],
  [{ atLeast: 1 }, 5, undefined],
  [{ atLeast: 1 }, 0, 'requires at least 1 arg(s), only received 0'],
  [{ atMost: 1 }, 0, undefined],
  [{ atMost: 1 }, 2, 'accepts at most 1 arg(s), received 2'],
  [{ between: [1, 2] }, 2, undefined],
  [{ between: [1, 2] }, 0, 'accepts between 1 and 2 arg(s), received 0'],
  [{ between: [1, 2] }, 3, 'accepts between 1 and 2 arg(s), received 3'],
  ['none', 0, undefined],
  ['none', 2, 'unknown command "x" for "thv secret list"'],
  ['any', 9, undefined],
  [(words) => (words.length > 3 ? 'too many' : undefined), 4, 'too many'],
];

test.each(rows)('%j with %d words', (rule, count, problem) => {
  const words = Array.from({ length: count }, () => 'x');
  expect(findPositionalProblem(rule, words, new Map(), 'thv secret list')).toBe(problem);
});
