import { expect, test } from 'bun:test';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../platform/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { createDesiredState, desiredFolder } from './desired-state.ts';

const NAME = parseWorkloadName('a');

test.each([
  ['a record', { environment: { PATH: '/bin' }, runtime: 'podman' }, 'podman'],
  ['a record of a run that nobody asked a runtime for', { environment: { PATH: '/bin' }, runtime: '' }, ''],
  ['a record of an earlier version', { environment: { PATH: '/bin', TOOLHIVE_RUNTIME: 'podman' } }, 'podman'],
])('%s tells what is to run the server', async (_, record, runtime) => {
  const state = await mkdtemp(join(tmpdir(), 'desired-'));
  await mkdir(desiredFolder(state), { recursive: true });
  await writeFile(join(desiredFolder(state), 'a.json'), JSON.stringify(record));
  const listed = await createDesiredState(state, silentLogger).list({ TOOLHIVE_RUNTIME: 'docker' });
  expect(listed.get(NAME)).toEqual({ environment: record.environment as Record<string, string>, runtime });
});

test('what is added is listed', async () => {
  const desired = createDesiredState(await mkdtemp(join(tmpdir(), 'desired-')), silentLogger);
  await desired.add(NAME, { environment: { PATH: '/bin', TOOLHIVE_SECRET_S: 'x' }, runtime: 'process' });
  expect([...(await desired.list({}))]).toEqual([
    [NAME, { environment: { PATH: '/bin' }, runtime: 'process' }],
  ]);
});
