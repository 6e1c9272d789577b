import { expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { toThvError } from './thv-error.ts';

test.each([
  ['what the operating system refuses is nobody’s fault here', () => readFileSync('/'), 'ERR_SYSTEM'],
  ['a file that we forgot to look for is ours', () => readdirSync('/no/such/folder'), 'ERR_INTERNAL'],
  ['so is every other error', () => JSON.parse('{'), 'ERR_INTERNAL'],
])('%s', (_, action, code) => {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  expect(toThvError(thrown).code).toBe(code as 'ERR_SYSTEM');
});
