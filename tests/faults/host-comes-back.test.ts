import { describe, expect, test } from 'bun:test';
import { existsSync, mkdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { BINARY, openWorld, type World } from '../harness/world.ts';
import { hostOf, runFixture } from './small-world.ts';

const served = (url: string) =>
  waitFor(
    () => callOnce(url, 'echo', { message: 'back' }),
    (text) => text === 'back',
    { what: 'it is served again', deadlineMs: 40_000 },
  );

/** Waits until the guard has seen the host fail a few times. */
async function hasFailed(world: World, words: string): Promise<void> {
  await waitFor(
    async () => (await Bun.file(join(world.data, 'logs', 'thv-host.log')).text()).split(words).length,
    (count) => count > 3,
    { what: `the host log says several times: ${words}`, deadlineMs: 20_000 },
  );
}

onEachEngine((engine) => {
  describe('the guard', () => {
    test('a host that cannot start is tried again until it can', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      const { url } = await world.reached(name);
      const lock = join(world.state, 'host', 'host.lock');
      const host = await hostOf(world);
      rmSync(lock);
      mkdirSync(lock);
      process.kill(host, 'SIGKILL');
      await hasFailed(world, 'workload host failed');
      rmdirSync(lock);
      await served(url);
      expect((await world.reached(name)).url).toBe(url);
    }, 90_000);

    test('an executable that is away for a while, as during an upgrade, is started when it is back', async () => {
      await using world = await openWorld(engine);
      const executable = join(world.folder, 'thv');
      await copyFile(BINARY, executable);
      const name = world.name();
      const ways = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];
      await world.ok(['run', 'thv-test/fixture:1', '--name', name, ...ways], { executable });
      const { url } = await world.reached(name);
      const host = await hostOf(world);
      renameSync(executable, `${executable}.away`);
      process.kill(host, 'SIGKILL');
      await hasFailed(world, 'not found');
      renameSync(`${executable}.away`, executable);
      await served(url);
    }, 90_000);

    test('it ends with the host that ended by itself, and when nothing is meant to run', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world);
      await world.reached(name);
      const gone = { what: 'host and guard ended', deadlineMs: 15_000 };
      process.kill(await hostOf(world), 'SIGTERM');
      await waitFor(world.processes, (left) => left.length === 0, gone);
      await world.ok(['start', name]);
      await world.reached(name);
      await world.ok(['stop', name]);
      process.kill(await hostOf(world), 'SIGKILL');
      await waitFor(world.processes, (left) => left.length === 0, gone);
      expect(existsSync(join(world.state, 'host', 'ended', `${name}.json`))).toBe(true);
      expect((await world.find(name))?.status).toBe('stopped');
    }, 60_000);
  });
});
