import { expect, test } from 'bun:test';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkAuditFile, openAuditFile } from './audit-file.ts';

const fresh = () => mkdtempSync(join(tmpdir(), 'thv-audit-file-'));
const settings = (folder: string, more: object = {}) => ({
  path: join(folder, 'a.log'),
  maxBytes: 1000,
  files: 3,
  ...more,
});
const bytes = (text: string) => Buffer.from(text);

test('a full file is set aside; no line is torn, and the newest are all there', async () => {
  const folder = fresh();
  const file = await openAuditFile(settings(folder));
  for (let at = 0; at < 100; at++) await file.write(bytes(`${String(at).padStart(99, '0')}\n`));
  await file.close();
  expect(readdirSync(folder).sort()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
  const kept = ['a.log.2', 'a.log.1', 'a.log'].flatMap((name) =>
    readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').map(Number),
  );
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => 100 - kept.length + at));
  expect(kept.length).toBeGreaterThanOrEqual(20);
  expect(statSync(join(folder, 'a.log')).mode & 0o777).toBe(0o600);
});

test('a file that another program moved away is made again', async () => {
  const folder = fresh();
  const { path } = settings(folder);
  const file = await openAuditFile(settings(folder));
  await file.write(bytes('one\n'));
  renameSync(path, `${path}.old`);
  await file.write(bytes('two\n'));
  expect([readFileSync(`${path}.old`, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['one\n', 'two\n']);
  await file.close();
});

test('what was killed in the middle of a line does not spoil the next one', async () => {
  const folder = fresh();
  appendFileSync(join(folder, 'a.log'), 'whole\nhal');
  const file = await openAuditFile(settings(folder));
  await file.write(bytes('next\n'));
  await file.close();
  expect(readFileSync(join(folder, 'a.log'), 'utf8')).toBe('whole\nhal\nnext\n');
});

test.if(process.platform === 'linux')(
  'a disk without room refuses, and is believed when it has room again',
  async () => {
    const folder = fresh();
    const { path } = settings(folder);
    symlinkSync('/dev/full', path);
    const file = await openAuditFile(settings(folder));
    const lines = bytes('line\n');
    await expect(file.write(lines)).rejects.toThrow('ENOSPC');
    await file.close();
  },
);

test.each([
  ['a folder', (folder: string) => folder, 'EISDIR'],
  ['a folder that is not there', (folder: string) => join(folder, 'none', 'a.log'), 'ENOENT'],
  ['a file in the place of a folder', (folder: string) => join(folder, 'plain', 'a.log'), 'ENOTDIR'],
])('%s cannot be written, and nothing is made', async (_, pathIn, code) => {
  const folder = fresh();
  writeFileSync(join(folder, 'plain'), '');
  const path = pathIn(folder);
  await expect(checkAuditFile(path)).rejects.toThrow(`failed to open audit log file ${path}: ${code}`);
  await expect(openAuditFile({ path, maxBytes: 1000, files: 3 })).rejects.toThrow(code);
  expect(readdirSync(folder)).toEqual(['plain']);
});

test.if(process.platform === 'linux')('a pipe that nobody reads is refused at once', async () => {
  const path = join(fresh(), 'pipe');
  Bun.spawnSync(['mkfifo', path]);
  await expect(checkAuditFile(path)).rejects.toThrow('ENXIO');
});

test('a path that can be written is, and looking at it makes nothing', async () => {
  const folder = fresh();
  await checkAuditFile(join(folder, 'a.log'));
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(join(folder, 'x'));
});
