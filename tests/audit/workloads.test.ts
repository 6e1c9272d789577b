import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { mountSmallDisk, NO_MOUNTS } from '../faults/small-disk.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { readEvents } from '../middleware/audit-world.ts';
import { openRemoteServer, type RemoteServer } from '../remote/remote-server.ts';

let world: World;
let remote: RemoteServer;
beforeAll(async () => {
  world = await openWorld(undefined);
  remote = await openRemoteServer();
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
});

async function configFile(config: object): Promise<string> {
  const path = join(world.work, `${Math.random().toString(36).slice(2)}.json`);
  await writeFile(path, JSON.stringify(config));
  return path;
}

async function run(name: string, flags: readonly string[]): Promise<string> {
  await world.ok(['run', `${remote.origin}/v1/mcp`, '--name', name, ...flags]);
  return (await world.reached(name)).url;
}

async function call(url: string): Promise<void> {
  await using mcp = await openMcpClient(url);
  await mcp.call('headers');
}

const calls = (path: string) => readEvents(path).filter(({ type }) => type === 'mcp_tool_call');
const until = (path: string, count: number) =>
  waitFor(
    () => calls(path),
    ({ length }) => length >= count,
    { what: `${count} calls in ${path}` },
  );

describe('thv run --audit-config', () => {
  test.each<[string, object | string, string]>([
    ['a file that is not there', '/nowhere/audit.json', 'failed to load audit configuration: ENOENT'],
    ['an unknown event', { eventTypes: ['x'] }, 'failed to load audit configuration: unknown event type: x'],
    [
      'a log in no folder',
      { logFile: '/nowhere/a.log' },
      'failed to open audit log file /nowhere/a.log: ENOENT',
    ],
    ['a log that is a folder', { logFile: '/' }, 'failed to open audit log file /: EISDIR'],
  ])('with %s fails, and leaves nothing behind', async (_, config, message) => {
    const name = world.name('refused');
    const path = typeof config === 'string' ? config : await configFile(config);
    const args = ['run', `${remote.origin}/v1/mcp`, '--name', name, '--audit-config', path];
    const { exitCode, stderr } = await world.thv(args);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(existsSync(join(world.data, 'statuses', `${name}.json`))).toBe(false);
    expect(existsSync(join(world.state, 'runconfigs', `${name}.json`))).toBe(false);
  });

  test('logs to its file, which survives a killed host, an export and a run of that', async () => {
    const name = world.name('filed');
    const log = join(world.work, 'filed.log');
    // Relative to the folder of the command, not of the host.
    const url = await run(name, ['--audit-config', await configFile({ logFile: 'filed.log' })]);
    await call(url);
    const [event] = await until(log, 1);
    expect(event).toMatchObject({
      outcome: 'success',
      component: name,
      target: { name: 'headers', type: 'tool' },
    });
    expect(statSync(log).mode & 0o777).toBe(0o600);
    expect(await world.ok(['logs', name, '--audit'])).toBe(readFileSync(log, 'utf8'));

    const host = (await world.processes()).find(({ command }) => / host( |$)/.test(command));
    process.kill(host?.pid ?? 0, 'SIGKILL');
    await waitFor(
      () => call(url).then(() => 'called', String),
      (seen) => seen === 'called',
      { what: 'the workload serves again' },
    );
    await until(log, 2);

    const file = join(world.work, 'filed.json');
    await world.ok(['export', name, file]);
    await world.ok(['rm', name]);
    const { audit_config, audit_config_path } = JSON.parse(readFileSync(file, 'utf8'));
    expect([audit_config, typeof audit_config_path]).toEqual([{ logFile: log }, 'string']);
    await world.ok(['run', '--from-config', file]);
    await call((await world.reached(name)).url);
    await until(log, 3);
    await world.ok(['rm', name]);
  });

  test('a document that only names what is audited, and has no chain, is audited all the same', async () => {
    const name = world.name('written');
    const log = join(world.work, 'written.log');
    const file = await configFile({
      name,
      remote_url: `${remote.origin}/v1/mcp`,
      transport: 'streamable-http',
      audit_config: { logFile: log },
    });
    await world.ok(['run', '--from-config', file]);
    await call((await world.reached(name)).url);
    await until(log, 1);
    await world.ok(['rm', name]);
  });
});

test('thv run --enable-audit logs to the log of the workload, from which logs --audit --follow picks the events', async () => {
  const name = world.name('usual');
  const url = await run(name, ['--enable-audit']);
  const following = world.start(['logs', name, '--audit', '--follow']);
  await call(url);
  await waitFor(
    () => following.stdout,
    (seen) => seen.includes('"mcp_tool_call"'),
    { what: 'the call is followed' },
  );
  following.signal('SIGINT');
  const { stdout } = await following.finished();
  for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line).level).toBe('AUDIT');
  expect(await world.ok(['logs', name, '--proxy'])).toContain('"msg":"listening"');
  await world.ok(['rm', name]);
});

test('thv logs --audit of a workload that is not audited says how it would be', async () => {
  const name = world.name('plain');
  await run(name, []);
  const { exitCode, stderr } = await world.thv(['logs', name, '--audit']);
  expect([exitCode, stderr]).toEqual([
    1,
    `Error: workload ${name} is not audited. Hint: run it with --enable-audit or --audit-config\n`,
  ]);
  await world.ok(['rm', name]);
});

test('audit_config of the API does the same, and an edit that does not mention it keeps it', async () => {
  await using api = await startApi(world);
  const name = world.name('asked');
  const log = join(world.work, 'asked.log');
  const body = { name, url: `${remote.origin}/v1/mcp`, audit_config: { logFile: log } };
  const B = '/api/v1beta/workloads';
  const bad = await api.ask('POST', B, { body: { ...body, audit_config: { maxDataSize: -1 } } });
  expect([bad.status, bad.text]).toEqual([400, expect.stringContaining('maxDataSize cannot be negative')]);
  expect((await api.ask('POST', B, { body })).status).toBe(201);
  await call((await world.reached(name)).url);
  await until(log, 1);
  const { audit_config, ...details } = (await api.ask('GET', `${B}/${name}`)).json();
  expect(audit_config).toEqual({ logFile: log });
  const edited = await api.ask('POST', `${B}/${name}/edit`, {
    body: { ...details, trust_proxy_headers: true },
  });
  expect(edited.status).toBe(200);
  await waitFor(
    async () => (await api.ask('GET', `${B}/${name}`)).json()['trust_proxy_headers'],
    (seen) => seen === true,
    { what: 'the edit has taken place' },
  );
  await call((await world.reached(name)).url);
  await until(log, 2);
  await world.ok(['rm', name]);
});

describe.skipIf(NO_MOUNTS !== undefined)('a disk that', () => {
  test('is full loses no event and holds up no call; with failClosed no call passes', async () => {
    const folder = join(world.work, 'disk');
    await using disk = await mountSmallDisk(folder);
    const open = join(folder, 'open.log');
    const closed = join(folder, 'closed.log');
    const names = [world.name('open'), world.name('closed')] as const;
    const url = await run(names[0], ['--audit-config', await configFile({ logFile: open })]);
    const strict = await run(names[1], [
      '--audit-config',
      await configFile({ logFile: closed, failClosed: true }),
    ]);
    disk.fill();
    for (let count = 0; count < 20; count++) await call(url);
    await waitFor(
      () => call(strict).then(() => 'called', String),
      (seen) => seen.includes('audit log cannot be written'),
      { what: 'calls are refused' },
    );
    disk.free();
    await waitFor(
      () => call(strict).then(() => 'called', String),
      (seen) => seen === 'called',
      { what: 'calls pass again' },
    );
    await until(open, 20);
    for (const path of [open, closed])
      for (const line of readFileSync(path, 'utf8').trimEnd().split('\n')) JSON.parse(line);
    expect(await world.ok(['logs', names[0], '--proxy'])).toContain('audit log cannot be written');
    await world.ok(['rm', ...names]);
  });

  test('is read-only is refused at the start', async () => {
    const folder = join(world.work, 'read-only');
    await using disk = await mountSmallDisk(folder);
    const logFile = join(folder, 'a.log');
    await writeFile(logFile, '');
    disk.readOnly(true);
    const args = ['run', `${remote.origin}/v1/mcp`, '--audit-config', await configFile({ logFile })];
    const { exitCode, stderr } = await world.thv(args);
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining(`failed to open audit log file ${logFile}: EROFS`),
    ]);
  });
});
