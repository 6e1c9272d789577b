import { expect, test } from 'bun:test';
import { isFolderPath } from './folder-path.ts';

test.each<[string, NodeJS.Platform, boolean]>([
  ['.', 'linux', true],
  ['..', 'linux', true],
  ['./x', 'linux', true],
  ['../x', 'linux', true],
  ['/x', 'linux', true],
  ['x', 'linux', false],
  ['x/y', 'linux', false],
  ['.x', 'linux', false],
  ['...', 'linux', false],
  ['.\\x', 'linux', false],
  ['.\\x', 'win32', true],
  ['C:\\x', 'win32', true],
  ['C:\\x', 'linux', false],
  ['npx://x', 'win32', false],
  ['localhost:5000/x', 'win32', false],
])('%s on %s is a path: %p', (text, platform, expected) => {
  expect(isFolderPath(text, platform)).toBe(expected);
});
