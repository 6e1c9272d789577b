import { describe, expect, test } from 'bun:test';
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce, openStreamable } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';
import { holdLock, hostOf, runFixture, statusPath } from './small-world.ts';

/** Puts something else in the place of a status file. */
const SPOILED: readonly (readonly [string, (path: string) => void, string])[] = [
  ['garbage', (path) => writeFileSync(path, '{"status": 12'), 'failed to parse status file'],
  ['empty', (path) => writeFileSync(path, ''), 'status file is empty'],
  [
    'a folder',
    (path) => {
      rmSync(path);
      mkdirSync(path);
    },
    'is not a regular file',
  ],
  [
    'a pipe',
    (path) => {
      rmSync(path);
      Bun.spawnSync(['mkfifo', path]);
    },
    'is not a regular file',
  ],
];

async function endHost(world: World): Promise<void> {
  process.kill(await hostOf(world), 'SIGTERM');
  await waitFor(
    () => world.processes(),
    (left) => left.length === 0,
    { what: 'host and guard ended', deadlineMs: 15_000 },
  );
}

// What is done about a spoiled file does not depend on the engine: one will do.
onOneEngine((engine) => {
  describe('one status file among others', () => {
    test.each(SPOILED)(
      '%s: list shows both workloads, stop and rm of it work',
      async (_what, spoil, reason) => {
        await using world = await openWorld(engine);
        const [bad, good] = [await runFixture(world, 'bad'), await runFixture(world, 'good')];
        await world.reached(good);
        const { url } = await world.reached(bad);
        spoil(statusPath(world, bad));
        const served = await world.find(bad);
        expect(served).toMatchObject({ status: 'running', url });
        expect(served?.status_context).toContain(reason);
        expect((await world.find(good))?.status).toBe('running');
        expect(await callOnce(url, 'echo', { message: 'still here' })).toBe('still here');
        await endHost(world);
        expect((await world.find(bad))?.status_context).toContain(reason);
        expect((await world.find(good))?.status).toBe('unhealthy');
        await world.thv(['stop', bad]);
        expect((await engine.inspect(bad))?.State.Running).toBe(false);
        expect(await world.ok(['rm', bad])).toBe('');
        expect(await world.find(bad)).toBeUndefined();
        expect(await engine.inspect(bad)).toBeUndefined();
      },
      60_000,
    );

    test('lost: the workload is shown and served, and the file comes back', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      rmSync(statusPath(world, name));
      expect(await world.find(name)).toMatchObject({ status: 'running', url });
      const birth = await callOnce(url, 'birth');
      await engine.kill(name);
      await waitFor(
        () => callOnce(url, 'birth'),
        (seen) => seen !== birth,
        { what: 'another life of the server answers', deadlineMs: 30_000 },
      );
      await waitFor(
        async () => Bun.file(statusPath(world, name)).exists(),
        (exists) => exists,
        { what: 'the file is written again', deadlineMs: 20_000 },
      );
    }, 60_000);

    test('locked by another program: list and start work, a killed server comes back, stop stops and says so', async () => {
      await using world = await openWorld(engine);
      const [name, other] = [await runFixture(world), await runFixture(world, 'other')];
      const { url } = await world.reached(name);
      await world.reached(other);
      {
        using _ = holdLock(join(world.data, 'statuses', `${name}.lock`));
        expect((await world.find(name))?.status).toBe('running');
        expect((await world.find(other))?.status).toBe('running');
        const birth = await callOnce(url, 'birth');
        await engine.kill(name);
        await waitFor(
          () => callOnce(url, 'birth'),
          (seen) => seen !== birth,
          { what: 'another life of the server answers', deadlineMs: 30_000 },
        );
        await world.reached(name);
        await world.ok(['start', name]);
        const { exitCode, stderr } = await world.thv(['stop', name]);
        expect(exitCode).toBe(1);
        expect(stderr).toContain('could not be recorded: failed to acquire lock for workload');
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        expect((await world.find(name))?.status).toBe('stopped');
        expect((await world.find(other))?.status).toBe('running');
      }
      await waitFor(
        () => JSON.parse(readFileSync(statusPath(world, name), 'utf8')).status,
        (status) => status === 'stopped',
        { what: 'the file says stopped', deadlineMs: 30_000 },
      );
    }, 90_000);

    test('a lock folder that is gone is made again', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      rmSync(join(world.data, 'statuses'), { recursive: true });
      expect(await world.find(name)).toMatchObject({ status: 'running', url });
      await world.ok(['stop', name]);
      expect((await world.find(name))?.status).toBe('stopped');
      await world.ok(['start', name]);
      await world.reached(name);
    }, 60_000);

    test('all of them unreadable, a file in the place of their folder: list shows what the host serves, stop stops', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      const folder = join(world.data, 'statuses');
      renameSync(folder, `${folder}.away`);
      writeFileSync(folder, '');
      expect(await world.find(name)).toMatchObject({ status: 'running', url });
      const { exitCode, stderr } = await world.thv(['stop', name]);
      expect(exitCode).toBe(1);
      expect(stderr).toContain('could not be recorded');
      expect((await engine.inspect(name))?.State.Running).toBe(false);
      rmSync(folder);
      renameSync(`${folder}.away`, folder);
      await waitFor(
        () => JSON.parse(readFileSync(statusPath(world, name), 'utf8')).status,
        (status) => status === 'stopped',
        { what: 'the file says stopped', deadlineMs: 30_000 },
      );
    }, 60_000);

    test('a limit on the size of files: run fails where nothing may be written; a host under a small one serves on', async () => {
      await using world = await openWorld(engine);
      const name = world.name();
      const run = [
        'run',
        FIXTURE_IMAGE,
        '--name',
        name,
        '--transport',
        'stdio',
        '--proxy-mode',
        'streamable-http',
      ];
      const limited = (blocks: number) =>
        world.thv(['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, BINARY, ...run], { executable: '/bin/sh' });
      const refused = await limited(0);
      expect(refused.exitCode).toBe(1);
      expect(refused.stderr).toContain('EFBIG');
      expect(await engine.inspect(name)).toBeUndefined();
      expect((await limited(16)).exitCode).toBe(0);
      const { url } = await world.reached(name);
      // Beyond what its journal may hold.
      for (let count = 0; count < 120; count++) await openStreamable(url);
      expect(await callOnce(url, 'echo', { message: 'on' })).toBe('on');
      const birth = await callOnce(url, 'birth');
      await engine.kill(name);
      await waitFor(
        () => callOnce(url, 'birth'),
        (seen) => seen !== birth,
        { what: 'another life of the server answers', deadlineMs: 30_000 },
      );
    }, 90_000);

    test('a record of what is meant to run that is garbage is still meant to run', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      writeFileSync(join(world.state, 'host', 'desired', `${name}.json`), 'nonsense');
      process.kill(await hostOf(world), 'SIGKILL');
      await waitFor(
        () => callOnce(url, 'echo', { message: 'back' }),
        (text) => text === 'back',
        { what: 'it is served again', deadlineMs: 20_000 },
      );
    }, 60_000);

    test('logs that cannot be written stop nothing', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      const logs = join(world.data, 'logs');
      rmSync(logs, { recursive: true });
      writeFileSync(logs, 'no folder any more');
      chmodSync(logs, 0o400);
      process.kill(await hostOf(world), 'SIGKILL');
      await waitFor(
        () => callOnce(url, 'echo', { message: 'back' }),
        (text) => text === 'back',
        { what: 'it is served again', deadlineMs: 20_000 },
      );
      await world.ok(['stop', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      expect((await world.thv(['rm', name])).stderr).not.toContain('failed to remove');
    }, 60_000);
  });
});
