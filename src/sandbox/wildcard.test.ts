import { expect, test } from 'bun:test';
import { createWildcard } from './wildcard.ts';

test.each([
  ['*', 'anything', true],
  ['*', '.hidden', true],
  ['*', '', true],
  ['*.key', 'a.key', true],
  ['*.key', '.key', true],
  ['*.key', 'a.keys', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c-b', false],
  ['.env.?', '.env.1', true],
  ['.env.?', '.env.', false],
  ['?', 'ü', true],
  ['[a-c]x', 'bx', true],
  ['[a-c]x', 'dx', false],
  ['[^a-c]x', 'dx', true],
  ['[^a-c]x', 'ax', false],
  ['[!a]', 'b', false],
  ['[\\]]', ']', true],
  ['\\*', '*', true],
  ['\\*', 'a', false],
  ['{a,b}', 'a', false],
  ['!a', 'b', false],
  ['!a', '!a', true],
  ['**', 'a', true],
] as const)('%s and %s: %p', (pattern, name, expected) => {
  expect(createWildcard(pattern)?.(name)).toBe(expected);
});

test.each(['[abc', '[', '[]', '[a-]', '[-a]', 'a\\', '[a\\'])('%s is malformed', (pattern) => {
  expect(createWildcard(pattern)).toBeUndefined();
});

test('many stars take no longer than few', () => {
  const startedAt = performance.now();
  expect(createWildcard(`${'*a'.repeat(60)}b`)?.('a'.repeat(255))).toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(500);
});
