import { expect, test } from 'bun:test';
import { parseMountDeclaration } from './mount-declaration.ts';

test.each([
  ['/path//to///dir:/container//path', '/path/to/dir', '/container/path'],
  ['/path/with/../../../etc/passwd:/c', '/etc/passwd', '/c'],
  ['C:\\foo\\bar', 'C:\\foo\\bar', 'C:\\foo\\bar'],
  ['C:/p/to:/c', 'C:/p/to', '/c'],
  ['volume://myvolume:/c', 'volume://myvolume', '/c'],
  ['volume://C:\\Foo\\Bar:/c', 'volume://C:\\Foo\\Bar', '/c'],
  ['', '.', '.'],
  ['/data', '/data', '/data'],
  ['./conf:/conf', 'conf', '/conf'],
])('%j mounts %j on %j', (declaration, source, target) => {
  expect(parseMountDeclaration(declaration)).toEqual({ source, target });
});

test.each([
  ['volume:/my:/c', 'multiple colons found'],
  ['/path/with/$(rm -rf *):/c', 'potential command injection detected in path'],
  ['/a\0b:/c', 'null byte detected in path'],
  ['/a:C:\\b', 'multiple colons found'],
  ['/a:\\b', 'windows paths are not allowed as container paths'],
  ['C:\\a:D:\\b:/c', 'Windows paths with multiple colons are ambiguous'],
  [':/c', 'invalid mount declaration format: :/c (expected path'],
  ['/h:', 'invalid mount declaration format: /h: (expected path'],
])('%j is refused: %s', (declaration, reason) => {
  expect(() => parseMountDeclaration(declaration)).toThrow(reason);
});
