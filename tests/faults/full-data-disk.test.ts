import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { mountSmallDisk, NO_MOUNTS, type SmallDisk } from './small-disk.ts';
import { filesBelow, hostOf, recorded, runFixture, statusFile } from './small-world.ts';

/** A world whose records are on a disk of their own. */
async function openSmallWorld(
  engine: Engine,
): Promise<{ readonly world: World; readonly disk: SmallDisk } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await openWorld(engine));
  const disk = stack.use(await mountSmallDisk(join(world.folder, 'data')));
  const owned = stack.move();
  return { world, disk, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const answers = (url: string) =>
  waitFor(
    () => callOnce(url, 'birth'),
    () => true,
    { what: `${url} answers`, deadlineMs: 30_000 },
  );

if (NO_MOUNTS !== undefined) test.skip(`a full data disk: ${NO_MOUNTS}`, () => {});
else {
  // What is done about a full disk does not depend on the engine: one will do.
  onOneEngine((engine) => {
    describe('a full data disk', () => {
      test('a server killed meanwhile comes back by itself, and is recorded when there is room', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        const birth = await callOnce(url, 'birth');
        disk.fill();
        await engine.kill(name);
        const later = await waitFor(
          () => callOnce(url, 'birth'),
          (seen) => seen !== birth,
          { what: 'another life of the server answers', deadlineMs: 30_000 },
        );
        expect((await world.reached(name)).status).toBe('running');
        expect(await callOnce(url, 'birth')).toBe(later);
        disk.free();
        await recorded(world, name, 'running');
        await world.ok(['start', name]);
        expect(await callOnce(url, 'birth')).toBe(later);
      }, 90_000);

      test('the host killed meanwhile is back, serves, and start has nothing to do', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        disk.fill();
        const host = await hostOf(world);
        process.kill(host, 'SIGKILL');
        await answers(url);
        expect((await world.reached(name)).url).toBe(url);
        await world.ok(['start', name]);
        disk.free();
        const next = await hostOf(world);
        await waitFor(
          () => statusFile(world, name),
          (file) => file?.['process_id'] === next && file['status'] === 'running',
          { what: 'the file names the new host', deadlineMs: 30_000 },
        );
      }, 90_000);

      test('stop stops, says that it could not be recorded, and the host records it when there is room', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        await world.reached(name);
        disk.fill();
        const { exitCode, stderr } = await world.thv(['stop', name]);
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        expect(exitCode).toBe(1);
        expect(stderr).toContain(`workload '${name}' was stopped, but that could not be recorded: `);
        expect(stderr).toContain('ENOSPC');
        expect(stderr).toContain('the workload host goes on trying');
        expect((await world.find(name))?.status).toBe('stopped');
        disk.free();
        await recorded(world, name, 'stopped');
        await world.ok(['start', name]);
        await world.reached(name);
      }, 90_000);

      test('stop without a host stops too, and the next list records it', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        await world.reached(name);
        process.kill(await hostOf(world), 'SIGTERM');
        await waitFor(
          () => world.processes(),
          (left) => left.length === 0,
          { what: 'host and guard ended', deadlineMs: 15_000 },
        );
        disk.fill();
        const { exitCode, stderr } = await world.thv(['stop', name]);
        expect(exitCode).toBe(1);
        expect(stderr).toContain("the next 'thv list --all' tries again");
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        expect((await world.find(name))?.status).toBe('stopped');
        disk.free();
        expect((await world.find(name))?.status).toBe('stopped');
        expect((await statusFile(world, name))?.['status']).toBe('stopped');
      }, 90_000);

      test('rm removes everything: deleting takes no room', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        await world.reached(name);
        disk.fill();
        await world.ok(['rm', name]);
        expect(await engine.inspect(name)).toBeUndefined();
        disk.free();
        expect(await world.find(name)).toBeUndefined();
        expect(await filesBelow(world.data)).toEqual(['logs/thv-host.log']);
      }, 90_000);

      test('run fails, names the reason, and leaves nothing behind', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        disk.fill();
        const name = world.name();
        const { exitCode, stderr } = await world.thv([
          'run',
          FIXTURE_IMAGE,
          '--name',
          name,
          '--transport',
          'stdio',
        ]);
        expect(exitCode).toBe(1);
        expect(stderr).toContain('ENOSPC');
        expect(await engine.inspect(name)).toBeUndefined();
        disk.free();
        expect(await filesBelow(world.data)).toEqual([]);
        expect((await filesBelow(world.state)).filter((file) => file.includes(name))).toEqual([]);
        expect(await world.processes()).toEqual([]);
      }, 60_000);

      test('a disk that can hold no more files: a killed server comes back, stop stops', async () => {
        await using stack = new AsyncDisposableStack();
        const world = stack.use(await openWorld(engine));
        const data = join(world.folder, 'data');
        stack.use(await mountSmallDisk(data, { inodes: 40 }));
        const name = await runFixture(world);
        const { url } = await world.reached(name);
        const birth = await callOnce(url, 'birth');
        await useUpInodes(data);
        await engine.kill(name);
        await waitFor(
          () => callOnce(url, 'birth'),
          (seen) => seen !== birth,
          { what: 'another life of the server answers', deadlineMs: 30_000 },
        );
        const { exitCode, stderr } = await world.thv(['stop', name]);
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        expect(exitCode).toBe(1);
        expect(stderr).toContain('could not be recorded');
      }, 90_000);

      test('a read-only data disk: list, stop and rm act and say what is left', async () => {
        await using small = await openSmallWorld(engine);
        const { world, disk } = small;
        const name = await runFixture(world);
        await world.reached(name);
        process.kill(await hostOf(world), 'SIGTERM');
        await waitFor(
          () => world.processes(),
          (left) => left.length === 0,
          { what: 'host and guard ended', deadlineMs: 15_000 },
        );
        disk.readOnly(true);
        const stopped = await world.thv(['stop', name]);
        expect(stopped.exitCode).toBe(1);
        expect(stopped.stderr).toContain('EROFS');
        expect((await engine.inspect(name))?.State.Running).toBe(false);
        expect((await world.find(name))?.status).toBe('stopped');
        const removed = await world.thv(['rm', name]);
        expect(removed.exitCode).toBe(1);
        expect(removed.stderr).toContain(`workload '${name}' was removed, but left behind: `);
        expect(removed.stderr).toContain(join(world.data, 'statuses', `${name}.json`));
        expect(await engine.inspect(name)).toBeUndefined();
        disk.readOnly(false);
        await world.ok(['rm', name]);
        expect(await world.find(name)).toBeUndefined();
      }, 90_000);
    });
  });
}

async function useUpInodes(folder: string): Promise<void> {
  for (let number = 0; ; number++) {
    try {
      await Bun.write(join(folder, `file-${number}`), '');
    } catch {
      return;
    }
  }
}
