import { describe, expect, test } from 'bun:test';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable, post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { mountSmallDisk, NO_MOUNTS, type SmallDisk } from './small-disk.ts';
import { filesBelow, hostOf, runFixture } from './small-world.ts';

async function openSmallWorld(
  engine: Engine,
): Promise<{ readonly world: World; readonly disk: SmallDisk } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld(engine));
  const disk = stack.use(await mountSmallDisk(join(world.folder, 'state')));
  const owned = stack.move();
  return { world, disk, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const journalOf = (world: World, name: string) => join(world.state, 'host', 'sessions', `${name}.jsonl`);
const toldIn = async (world: World, name: string) =>
  (await Bun.file(join(world.data, 'logs', `${name}.log`)).text())
    .split('\n')
    .filter((line) => line.includes('sessions cannot be recorded')).length;
const ping = (url: string, session: string) =>
  post(url, '{"jsonrpc":"2.0","id":9,"method":"ping"}', { 'mcp-session-id': session });

if (NO_MOUNTS !== undefined) test.skip(`a full state disk: ${NO_MOUNTS}`, () => {});
else {
  // What is done about a full disk does not depend on the engine: one will do.
  onOneEngine((engine) => {
    describe('a full state disk', () => {
      test('every initialize is answered at once, which is told once, and sessions are recorded when there is room', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        disk.fill();
        await using clients = new AsyncDisposableStack();
        const sessions: string[] = [];
        // Enough that the rest of the journal's last block is used up as well.
        for (let count = 0; count < 60; count++) {
          const client = clients.use(await openStreamable(url));
          sessions.push(client.sessionId);
          expect(await callTool(client, 1, 'echo', { message: 'hello' })).toBe('hello');
        }
        expect(await toldIn(world, name)).toBe(1);
        disk.free();
        await waitFor(
          async () => Bun.file(journalOf(world, name)).text(),
          (text) => sessions.every((session) => text.includes(session)),
          { what: 'all sessions are recorded', deadlineMs: 30_000 },
        );
        process.kill(await hostOf(world), 'SIGKILL');
        const statuses = await waitFor(
          () => Promise.all(sessions.map(async (session) => (await ping(url, session)).status)),
          (seen) => seen.every((status) => status !== 502 && status !== 503),
          { what: 'every session is judged', deadlineMs: 30_000 },
        );
        expect(new Set(statuses)).toEqual(new Set([200]));
      }, 90_000);

      test('after a crash, sessions that could not be recorded are unknown, and new ones begin', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        disk.fill();
        const opened: string[] = [];
        for (let count = 0; count < 60; count++) opened.push((await openStreamable(url)).sessionId);
        process.kill(await hostOf(world), 'SIGKILL');
        const status = await waitFor(
          async () => (await ping(url, opened.at(-1) ?? '')).status,
          (seen) => seen !== 502 && seen !== 503,
          { what: 'the lost session is judged', deadlineMs: 30_000 },
        );
        expect(status).toBe(404);
        await using again = await openStreamable(url);
        expect(await callTool(again, 1, 'echo', { message: 'again' })).toBe('again');
        expect((await world.reached(name)).url).toBe(url);
      }, 90_000);

      test('stop, start with the same environment, and rm go on; run fails and leaves nothing', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        disk.fill();
        await world.ok(['stop', name]);
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        await world.ok(['start', name]);
        expect((await world.reached(name)).url).toBe(url);
        const other = world.name('other');
        const refused = await world.thv(['run', FIXTURE_IMAGE, '--name', other, '--transport', 'stdio']);
        expect(refused.exitCode).toBe(1);
        expect(refused.stderr).toContain('failed to save run configuration: ');
        expect(refused.stderr).toContain('ENOSPC');
        expect(await engine.inspect(other)).toBeUndefined();
        await world.ok(['rm', name]);
        disk.free();
        const left = [...(await filesBelow(world.data)), ...(await filesBelow(world.state))];
        expect(left.filter((file) => file.includes(name) || file.includes(other))).toEqual([]);
      }, 90_000);

      test.each([
        ['a folder', (path: string) => Bun.$`mkdir -p ${path}`],
        ['a pipe that nobody reads', (path: string) => Bun.$`mkdir -p ${join(path, '..')} && mkfifo ${path}`],
        ['a full device', (path: string) => Bun.$`mkdir -p ${join(path, '..')} && ln -s /dev/full ${path}`],
      ])(
        'a journal that is %s holds nobody up',
        async (_what, make) => {
          await using world = await openWorld(engine);
          const name = world.name();
          await make(journalOf(world, name)).quiet();
          const ways = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];
          await world.ok(['run', FIXTURE_IMAGE, '--name', name, ...ways]);
          const { url } = await world.reached(name);
          const before = lstatSync(journalOf(world, name)).ino;
          await using client = await openStreamable(url);
          expect(await callTool(client, 1, 'echo', { message: 'hello' })).toBe('hello');
          await waitFor(
            () => toldIn(world, name),
            (count) => count === 1,
            { what: 'it is told' },
          );
          expect(lstatSync(journalOf(world, name)).ino).toBe(before);
        },
        60_000,
      );
    });
  });
}
