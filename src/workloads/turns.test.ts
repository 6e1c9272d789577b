import { expect, test } from 'bun:test';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Paths, resolvePaths, silentLogger } from '../platform/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { createTurns } from './turns.ts';

const [a, b] = [parseWorkloadName('aa'), parseWorkloadName('bb')];

function freshPaths(): Paths {
  return resolvePaths({ HOME: mkdtempSync(join(tmpdir(), 'thv-turns-')) });
}

test('changes of one workload come one after the other, in the order they were asked for, also from elsewhere', async () => {
  const paths = freshPaths();
  // Two, as of two processes: between them only the lock file stands.
  const takers = [createTurns(paths, silentLogger), createTurns(paths, silentLogger)];
  let inside = 0;
  const order: number[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      using _turn = await takers[index % 2]?.(a);
      expect(++inside).toBe(1);
      order.push(index);
      await Bun.sleep(0);
      inside--;
    }),
  );
  const own = (parity: number) => order.filter((index) => index % 2 === parity);
  expect(own(0)).toEqual(own(0).toSorted((one, other) => one - other));
  expect(own(1)).toEqual(own(1).toSorted((one, other) => one - other));
});

test('changes of different workloads do not wait for each other', async () => {
  const turns = createTurns(freshPaths(), silentLogger);
  using _one = await turns(a);
  using _other = await turns(b);
});

test('one that gave up while it waited holds nobody up', async () => {
  const turns = createTurns(freshPaths(), silentLogger);
  const stop = new AbortController();
  const first = await turns(a);
  const second = turns(a, stop.signal);
  const third = turns(a);
  stop.abort();
  first[Symbol.dispose]();
  await expect(second).rejects.toThrow();
  (await third)[Symbol.dispose]();
});
