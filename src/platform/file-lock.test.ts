import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquireLock, removeLeftovers, tryLock } from './file-lock.ts';

const freshPath = () => join(mkdtempSync(join(tmpdir(), 'thv-lock-')), 'x.lock');

test('a second holder is kept out until the first lets go, and the file is gone afterwards', async () => {
  const path = freshPath();
  const first = await acquireLock(path);
  expect(tryLock(path)).toBeUndefined();
  expect(acquireLock(path, { timeoutMs: 50, purpose: 'failed to lock x' })).rejects.toThrow(
    'failed to lock x: ',
  );
  first.release();
  first.release();
  (await acquireLock(path)).release();
  expect(existsSync(path)).toBe(false);
});

test('shared holders stand each other, and keep writers out', async () => {
  const path = freshPath();
  const readers = [await acquireLock(path, { mode: 'shared' }), await acquireLock(path, { mode: 'shared' })];
  expect(tryLock(path)).toBeUndefined();
  readers[0]?.release();
  expect(tryLock(path)).toBeUndefined();
  readers[1]?.release();
  (await acquireLock(path)).release();
});

test('two holders at once are not possible, however often the file is deleted in between', async () => {
  const path = freshPath();
  let inside = 0;
  const workers = Array.from({ length: 20 }, async () => {
    for (let round = 0; round < 20; round++) {
      using _ = await acquireLock(path, { timeoutMs: 20_000 });
      expect(++inside).toBe(1);
      await Bun.sleep(0);
      inside--;
    }
  });
  await Promise.all(workers);
});

test('stale lock files are removed unless somebody holds them, or they cannot be opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thv-lock-'));
  const old = new Date(Date.now() - 6 * 60_000);
  mkdirSync(join(folder, 'foreign.lock'));
  utimesSync(join(folder, 'foreign.lock'), old, old);
  for (const name of ['stale.lock', 'held.lock', 'fresh.lock', 'other.json'])
    writeFileSync(join(folder, name), '');
  using _ = await acquireLock(join(folder, 'held.lock'));
  for (const name of ['stale.lock', 'held.lock', 'other.json']) utimesSync(join(folder, name), old, old);
  removeLeftovers([folder, join(folder, 'missing')]);
  const left = ['stale.lock', 'held.lock', 'fresh.lock', 'other.json'].filter((name) =>
    statSync(join(folder, name), { throwIfNoEntry: false }),
  );
  expect(left).toEqual(['held.lock', 'fresh.lock', 'other.json']);
});
