import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, silentLogger } from '../platform/index.ts';
import { createStatusRecorder } from './status-recorder.ts';
import { createStatusStore } from './status-store.ts';
import { parseWorkloadName } from './workload-name.ts';

const name = parseWorkloadName('server');

/** A store whose folder can be taken away and put back: a file stands in its place meanwhile. */
function openWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'thv-recorder-'));
  const statuses = join(folder, 'statuses');
  const lines: string[] = [];
  const store = createStatusStore(folder, silentLogger);
  return {
    store,
    recorder: createStatusRecorder(store, createLogger({ write: (line) => lines.push(line) })),
    lines,
    path: join(statuses, 'server.json'),
    block: () => writeFileSync(statuses, ''),
    unblock: () => rmSync(statuses),
  };
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('not within 10 s');
    await Bun.sleep(20);
  }
}

test('what cannot be recorded is told once and recorded when it can be, the newest of all', async () => {
  const { store, recorder, lines, block, unblock } = openWorld();
  block();
  expect(await recorder.record(name, { status: 'starting', processId: 7 })).toBe(false);
  const isOurs = ({ status }: { status: string }) => status === 'starting';
  expect(await recorder.record(name, { status: 'running', when: isOurs })).toBe(false);
  expect(recorder.waiting()).toBe(1);
  unblock();
  await until(() => recorder.waiting() === 0);
  expect(await store.find(name)).toMatchObject({ status: 'running', process_id: 7 });
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'status cannot be recorded, trying again',
    'status recorded at last',
  ]);
});

test('what was dropped is never written', async () => {
  const { recorder, path, block, unblock } = openWorld();
  block();
  await recorder.record(name, { status: 'starting' });
  recorder.drop(name);
  unblock();
  await recorder[Symbol.asyncDispose]();
  expect(existsSync(path)).toBe(false);
});

test('a deletion waits as well, and is not done over a file that somebody wrote meanwhile', async () => {
  const { store, recorder, path } = openWorld();
  await store.set(name, 'running');
  const seen = (await store.find(name))?.updated_at;
  rmSync(path);
  await mkdir(join(path, 'in the way'), { recursive: true });
  expect(await recorder.delete(name, ({ updated_at }) => updated_at === seen)).toBe(false);
  rmdirSync(join(path, 'in the way'));
  rmdirSync(path);
  await Bun.sleep(2); // the next record has another time
  await store.set(name, 'starting');
  await until(() => recorder.waiting() === 0);
  expect((await store.find(name))?.status).toBe('starting');
});

test('changes that come at once are written in their order', async () => {
  const { store, recorder } = openWorld();
  await Promise.all([
    recorder.record(name, { status: 'starting' }),
    recorder.record(name, { status: 'running' }),
    recorder.record(name, { processId: 9 }),
  ]);
  await until(() => recorder.waiting() === 0);
  expect(await store.find(name)).toMatchObject({ status: 'running', process_id: 9 });
});
