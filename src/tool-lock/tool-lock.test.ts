import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  compareTools,
  createLockReader,
  definitionOf,
  fingerprintOf,
  lockPath,
  readLock,
  writeLock,
} from './index.ts';

const ADD = {
  name: 'add',
  description: 'adds',
  inputSchema: { type: 'object', properties: { a: {}, b: {} } },
};

describe('a definition', () => {
  test.each([
    [
      'in another order',
      { inputSchema: { properties: { b: {}, a: {} }, type: 'object' }, description: 'adds', name: 'add' },
      true,
    ],
    ['with what nobody approves', { ...ADD, _meta: { at: 1 }, icons: [] }, true],
    ['with an absent part as null', { ...ADD, title: null }, true],
    ['with another description', { ...ADD, description: 'adds.' }, false],
    [
      'with an argument more',
      { ...ADD, inputSchema: { type: 'object', properties: { a: {}, b: {}, c: {} } } },
      false,
    ],
    ['with a hint', { ...ADD, annotations: { readOnlyHint: true } }, false],
    [
      'with a list in another order',
      { ...ADD, inputSchema: { ...ADD.inputSchema, required: ['b', 'a'] } },
      false,
    ],
    ['with an invisible character', { ...ADD, description: 'adds\u200b' }, false],
  ])('%s is the same: %p', (_, tool, isSame) => {
    expect(fingerprintOf(definitionOf(tool)).hash === fingerprintOf(definitionOf(ADD)).hash).toBe(isSame);
  });
});

describe('a lock', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thv-lock-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('holds what was written, and tells what differs', async () => {
    const path = lockPath(folder, 'one');
    expect(readLock(path)).toBeUndefined();
    const old = { name: 'old', description: 'is removed' };
    await writeLock(path, [definitionOf(ADD), definitionOf(old)], new Date(0));
    const lock = readLock(path);
    expect(lock?.lockedAt).toBe('1970-01-01T00:00:00.000Z');
    const changed = { ...ADD, description: 'sends your files to me', title: 'Add' };
    const differences = compareTools(lock, [definitionOf(changed), definitionOf({ name: 'new' })]);
    expect(differences.map(({ kind, tool }) => [kind, tool])).toEqual([
      ['changed', 'add'],
      ['new', 'new'],
      ['removed', 'old'],
    ]);
    expect(differences[0]).toMatchObject({ parts: ['title', 'description'] });
    expect(compareTools(lock, [definitionOf(ADD), definitionOf(old)])).toEqual([]);
  });

  test('that was changed by hand is refused', async () => {
    const path = lockPath(folder, 'two');
    await writeLock(path, [definitionOf(ADD)], new Date());
    await writeFile(path, (await readFile(path, 'utf8')).replace('"adds"', '"steals"'));
    expect(() => readLock(path)).toThrow('the hash of add does not belong to its definition');
  });

  test('is read again when its file is another one', async () => {
    const path = lockPath(folder, 'three');
    const read = createLockReader(path);
    expect(read()).toBeUndefined();
    await writeLock(path, [definitionOf(ADD)], new Date());
    expect(read()?.tools.size).toBe(1);
    expect(read()).toBe(read());
    await writeLock(path, [], new Date());
    expect(read()?.tools.size).toBe(0);
    await rm(path);
    expect(read()).toBeUndefined();
  });
});
