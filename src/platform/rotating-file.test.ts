import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRotatingFile } from './rotating-file.ts';

const freshPath = () => join(mkdtempSync(join(tmpdir(), 'thv-log-')), 'x.log');

test('a full file is set aside, and the oldest part goes', () => {
  const path = freshPath();
  using file = openRotatingFile(path, { maxBytes: 4, files: 2 });
  for (const line of ['one\n', 'two\n', 'three\n']) file.append(line);
  expect(readFileSync(path, 'utf8')).toBe('three\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('two\n');
});

test('a file that cannot be opened is tried again a second later, and loses what came meanwhile', () => {
  const path = freshPath();
  let now = 0;
  mkdirSync(path);
  using file = openRotatingFile(path, { now: () => now });
  file.append('lost\n');
  rmdirSync(path);
  file.append('lost too\n');
  now = 1001;
  file.append('kept\n');
  expect(readFileSync(path, 'utf8')).toBe('kept\n');
});

test.if(process.platform === 'linux')('a disk without room loses lines and throws nothing', () => {
  const path = freshPath();
  symlinkSync('/dev/full', path);
  using file = openRotatingFile(path);
  expect(() => file.append('lost\n')).not.toThrow();
});
