import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { absoluteSource, parseMountDeclaration, volumeNameOf } from './mount-declaration.ts';

test.each([
  ['/path//to///dir:/container//path', '/path/to/dir', '/container/path'],
  ['/path/with/../../../etc/passwd:/c', '/etc/passwd', '/c'],
  ['C:\\foo\\bar', 'C:\\foo\\bar', 'C:\\foo\\bar'],
  ['C:/p/to:/c', 'C:/p/to', '/c'],
  ['volume://myvolume:/c', 'volume://myvolume', '/c'],
  ['volume://C:\\Foo\\Bar:/c', 'volume://C:\\Foo\\Bar', '/c'],
  ['', '.', '.'],
  ['/data', '/data', '/data'],
  ['./conf:/conf', './conf', '/conf'],
  ['./a/../conf:/conf', './conf', '/conf'],
  ['name:/data', 'name', '/data'],
  ['~/notes:/data', '/home/me/notes', '/data'],
  ['~:/data', '/home/me', '/data'],
  ['~/notes', '/home/me/notes', '/home/me/notes'],
  ['~/../you:/data', '/home/you', '/data'],
  ['/a/~/b:/data', '/a/~/b', '/data'],
  ['~.conf:/data', '~.conf', '/data'],
])('%j mounts %j on %j', (declaration, source, target) => {
  expect(parseMountDeclaration(declaration, '/home/me')).toEqual({ source, target });
});

test('a bare word is a folder where there is one, and a named volume where there is none', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'thv-mounts-'));
  mkdirSync(join(cwd, 'data'));
  expect(absoluteSource('data', cwd)).toBe(join(cwd, 'data'));
  expect(absoluteSource('cache', cwd)).toBe('volume://cache');
  expect(absoluteSource('my.cache-1_x', cwd)).toBe('volume://my.cache-1_x');
  // No engine takes these as names, so they are paths, and missing.
  for (const path of ['a', 'a/b', '.x', '-x', 'ä-volume'])
    expect(absoluteSource(path, cwd)).toBe(join(cwd, path));
  expect(absoluteSource('/abs', cwd)).toBe('/abs');
  expect(absoluteSource('volume://data', cwd)).toBe('volume://data');
});

test.each(['volume://', 'volume://a', 'volume://a/b', 'volume://../x', 'volume://-x'])(
  '%s is no name of a volume',
  (source) => {
    expect(() => volumeNameOf(source)).toThrow('invalid volume name: ');
  },
);

test.each([
  ['volume:/my:/c', 'multiple colons found'],
  ['/path/with/$(rm -rf *):/c', 'potential command injection detected in path'],
  ['/a\0b:/c', 'null byte detected in path'],
  ['/a:C:\\b', 'multiple colons found'],
  ['/a:\\b', 'windows paths are not allowed as container paths'],
  ['C:\\a:D:\\b:/c', 'Windows paths with multiple colons are ambiguous'],
  [':/c', 'invalid mount declaration format: :/c (expected path'],
  ['/h:', 'invalid mount declaration format: /h: (expected path'],
  ['~other/x:/c', 'the home folder of another user cannot be named by ~other/x'],
])('%j is refused: %s', (declaration, reason) => {
  expect(() => parseMountDeclaration(declaration)).toThrow(reason);
});
