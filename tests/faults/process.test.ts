import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { mountSmallDisk, NO_MOUNTS } from './small-disk.ts';
import { filesBelow, hostOf, recorded } from './small-world.ts';

/** Says which life it is in by its name, and prints a lot to stderr. */
const SERVER = `
import { createInterface } from 'node:readline';
for (let line = 0; line < 2000; line++) console.error('line of a talkative server', line);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method !== 'initialize') continue;
  const serverInfo = { name: 'life ' + process.pid + ' ' + Date.now(), version: '1' };
  const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}
`;

const INITIALIZE =
  '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}';
const RUN = [
  '--runtime',
  'process',
  '--no-sandbox',
  '--transport',
  'stdio',
  '--proxy-mode',
  'streamable-http',
];

async function runProcess(world: World): Promise<{ readonly name: string; readonly url: string }> {
  const name = world.name();
  const folder = join(world.work, 'server');
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    '{"name":"s","version":"1.0.0","type":"module","main":"s.js"}',
  );
  await writeFile(join(folder, 's.js'), SERVER);
  await world.ok(['run', folder, '--name', name, ...RUN]);
  return { name, url: (await world.reached(name)).url };
}

const lifeOf = async (url: string) => {
  const response = await post(url, INITIALIZE, { accept: 'application/json' });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return ((await response.json()) as { result: { serverInfo: { name: string } } }).result.serverInfo.name;
};

/** Kills the server by the process id that it told. */
function killLife(life: string): void {
  process.kill(Number(life.split(' ')[1]), 'SIGKILL');
}

if (NO_MOUNTS !== undefined) test.skip(`processes on full disks: ${NO_MOUNTS}`, () => {});
else {
  describe.each(['data', 'state', 'cache', 'run', 'config'])(
    'a process, where the disk of %s is full',
    (disk) => {
      test('the server killed comes back, the host killed comes back, stop stops, rm leaves nothing', async () => {
        await using stack = new AsyncDisposableStack();
        const world = stack.use(await openWorld(undefined));
        const small = stack.use(await mountSmallDisk(join(world.folder, disk)));
        const { name, url } = await runProcess(world);
        const first = await lifeOf(url);
        small.fill();
        killLife(first);
        const second = await waitFor(
          () => lifeOf(url),
          (life) => life !== first,
          { what: 'a second life of the server answers', deadlineMs: 30_000 },
        );
        expect((await world.reached(name)).url).toBe(url);
        process.kill(await hostOf(world), 'SIGKILL');
        const third = await waitFor(
          () => lifeOf(url),
          (life) => life !== second,
          { what: 'a third life of the server answers', deadlineMs: 30_000 },
        );
        expect((await world.reached(name)).status).toBe('running');
        const { exitCode, stderr } = await world.thv(['stop', name]);
        await waitFor(
          () => existsSync(`/proc/${third.split(' ')[1]}`),
          (lives) => !lives,
          { what: 'the server ended' },
        );
        expect(exitCode).toBe(disk === 'data' ? 1 : 0);
        if (disk === 'data') expect(stderr).toContain('was stopped, but that could not be recorded');
        expect((await world.find(name))?.status).toBe('stopped');
        small.free();
        await recorded(world, name, 'stopped');
        await world.ok(['start', name]);
        expect((await world.reached(name)).url).toBe(url);
        await world.ok(['rm', name]);
        const left = [...(await filesBelow(world.data)), ...(await filesBelow(world.state))];
        expect(left.filter((file) => file.includes(name))).toEqual([]);
      }, 120_000);
    },
  );

  test('run of a process on a full data disk fails and leaves nothing behind', async () => {
    await using stack = new AsyncDisposableStack();
    const world = stack.use(await openWorld(undefined));
    const small = stack.use(await mountSmallDisk(join(world.folder, 'data')));
    small.fill();
    await expect(runProcess(world)).rejects.toThrow('ENOSPC');
    small.free();
    expect((await filesBelow(world.data)).filter((file) => !file.endsWith('.lock'))).toEqual([]);
    expect(await filesBelow(join(world.state, 'runconfigs'))).toEqual([]);
    expect(await world.processes()).toEqual([]);
  }, 60_000);
}
