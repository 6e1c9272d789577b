import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../platform/index.ts';
import { createStatusStore } from './status-store.ts';
import { parseWorkloadName } from './workload-name.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'thv-status-'));
  await mkdir(join(folder, 'statuses'));
});
afterAll(() => rm(folder, { recursive: true }));

const pathOf = (name: string) => join(folder, 'statuses', `${name}.json`);
const store = () => createStatusStore(folder, silentLogger);

describe('status store', () => {
  test('set creates the file, later changes keep creation time and process id', async () => {
    const name = parseWorkloadName('life');
    await store().set(name, 'starting');
    const created = await store().find(name);
    await store().setProcessId(name, 42);
    await store().set(name, 'error', 'boom');
    expect(await store().find(name)).toMatchObject({
      status: 'error',
      status_context: 'boom',
      process_id: 42,
    });
    expect((await store().find(name))?.created_at).toBe(created?.created_at ?? '');
    await store().set(name, 'running');
    expect(JSON.parse(await readFile(pathOf('life'), 'utf8'))).not.toHaveProperty('status_context');
  });

  test('resetProcessId leaves a successor alone', async () => {
    const name = parseWorkloadName('successor');
    await store().set(name, 'running');
    await store().setProcessId(name, 2);
    await store().resetProcessId(name, 1);
    expect((await store().find(name))?.process_id).toBe(2);
    await store().resetProcessId(name, 2);
    expect((await store().find(name))?.process_id).toBe(0);
  });

  test('setIf and setProcessId never bring a deleted file back', async () => {
    const name = parseWorkloadName('deleted');
    await store().set(name, 'running');
    await store().delete(name);
    expect(await store().setIf(name, () => true, 'running')).toBe(false);
    await store().setProcessId(name, 7);
    expect(await store().find(name)).toBeUndefined();
  });

  test('fifty changes at once lose none and leave no lock behind', async () => {
    const name = parseWorkloadName('busy');
    await store().set(name, 'running');
    const changes = Array.from({ length: 50 }, (_, index) => store().setProcessId(name, index + 1));
    const results = await Promise.allSettled(changes);
    expect(results.filter((result) => result.status === 'rejected')).toEqual([]);
    expect((await store().find(name))?.process_id).toBeGreaterThan(0);
    expect((await readdir(join(folder, 'statuses'))).filter((file) => file.startsWith('busy'))).toEqual([
      'busy.json',
    ]);
  });

  const body = '"status":"running","created_at":"2026-08-01T10:00:00.123456789+02:00","process_id":1';
  test.each([
    ['surplus-brace', `{${body}}}`],
    ['missing-brace', `{${body}`],
    ['control-characters', `{\u0001${body}}\u0002`],
  ])('a damaged file is mended and rewritten: %s', async (name, text) => {
    await writeFile(pathOf(name), text);
    expect(await store().find(parseWorkloadName(name))).toMatchObject({ status: 'running', process_id: 1 });
    expect(JSON.parse(await readFile(pathOf(name), 'utf8'))).toMatchObject({ status: 'running' });
  });

  test.each([
    ['empty', '', 'status file is empty'],
    ['no-status', '{"created_at":"2026-08-01T10:00:00Z"}', "status file missing required 'status' field"],
    ['no-time', '{"status":"running"}', "status file missing or invalid 'created_at' field"],
    [
      'zero-time',
      '{"status":"running","created_at":"0001-01-01T00:00:00Z"}',
      "status file missing or invalid 'created_at' field",
    ],
    ['nonsense', 'not json', 'recovery failed: all recovery strategies failed'],
  ])(
    'a file that cannot be used is an error, kept as a copy, and listed as unreadable: %s',
    async (name, text, message) => {
      await writeFile(pathOf(name), text);
      expect(store().find(parseWorkloadName(name))).rejects.toThrow(message);
      await store()
        .find(parseWorkloadName(name))
        .catch(() => undefined);
      expect(await readFile(`${pathOf(name)}.corrupted`, 'utf8')).toBe(text);
      const workload = parseWorkloadName(name);
      const { records, unreadable } = await store().list();
      expect(records.has(workload)).toBe(false);
      expect(unreadable.get(workload)?.message).toContain(message);
      expect(await store().setIf(workload, () => true, 'removing')).toBe(false);
      await store().set(workload, 'stopped');
      expect(await store().find(workload)).toMatchObject({ status: 'stopped', process_id: 0 });
      await store().delete(workload);
      expect((await readdir(join(folder, 'statuses'))).filter((file) => file.startsWith(name))).toEqual([]);
    },
  );
});
