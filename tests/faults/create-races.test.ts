import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { hostAndGuard } from './host-facts.ts';
import { openSlowEngine, type SlowEngine } from './slow-engine.ts';

const CREATE = /^POST \/v[\d.]+\/containers\/create/;
const START = /^POST \/v[\d.]+\/containers\/[^/]+\/start/;

/** Where an engine may be when somebody wants to be rid of the workload. */
const MOMENTS = [
  ['has not taken up the create', CREATE, 'before'],
  ['has created the container and not said so', CREATE, 'after'],
  ['has not taken up the start', START, 'before'],
  ['has started the container and not said so', START, 'after'],
] as const;

interface Scene extends AsyncDisposable {
  readonly world: World;
  readonly slow: SlowEngine;
  readonly name: string;
  readonly run: readonly string[];
}

async function openScene(engine: Engine, env: Readonly<Record<string, string>> = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const ground = stack.use(await openWorld(engine));
  const slow = stack.use(await openSlowEngine(engine, ground.folder));
  const world = stack.use(await openWorld(slow.engine, { env }));
  const name = world.name();
  const owned = stack.move();
  return {
    world,
    slow,
    name,
    run: ['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--proxy-mode', 'streamable-http'],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Files of the workload; its lock files are everybody's. */
function filesOf(world: World, name: string): readonly string[] {
  return [world.data, world.state].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.includes(name) && !path.endsWith('.lock'),
    ),
  );
}

/** What a process has not written to its end when it is killed goes after five minutes (`removeLeftovers`). */
const UNFINISHED = /\.tmp-[0-9a-f-]{36}$/;

async function expectNothingLeft(
  { world, slow, name }: Scene,
  { wasKilled = false }: { readonly wasKilled?: boolean } = {},
): Promise<void> {
  expect(await slow.engine.named(name)).toEqual([]);
  expect(filesOf(world, name).filter((path) => !(wasKilled && UNFINISHED.test(path)))).toEqual([]);
  expect(await world.find(name)).toBeUndefined();
}

async function statusOnDisk(world: World, name: string): Promise<string> {
  try {
    return JSON.parse(await readFile(join(world.data, 'statuses', `${name}.json`), 'utf8')).status;
  } catch {
    return 'none'; // not there, or just being replaced
  }
}

const untilFiled = (world: World, name: string, status: string) =>
  waitFor(
    () => statusOnDisk(world, name),
    (seen) => seen === status,
    { what: `the status file says ${status}` },
  );

onEachEngine((engine) => {
  describe.each([...MOMENTS])('while the engine %s', (_moment, pattern, when) => {
    test('rm waits for it, and nothing is left', async () => {
      await using scene = await openScene(engine);
      const { world, slow, name, run } = scene;
      const hold = slow.hold(pattern, when);
      await world.ok(run);
      await hold.arrived();
      const removing = world.start(['rm', name]);
      await untilFiled(world, name, 'removing');
      hold.release();
      expect(await removing.finished()).toMatchObject({ exitCode: 0 });
      await expectNothingLeft(scene);
    });

    test('stop leaves nothing running, and a start serves', async () => {
      await using scene = await openScene(engine);
      const { world, slow, name, run } = scene;
      const hold = slow.hold(pattern, when);
      await world.ok(run);
      await hold.arrived();
      const stopping = world.start(['stop', '--timeout', '1', name]);
      await untilFiled(world, name, 'stopping');
      hold.release();
      expect(await stopping.finished()).toMatchObject({ exitCode: 0 });
      expect((await slow.engine.inspect(name))?.State.Running).toBe(false);
      expect(await world.find(name)).toMatchObject({ status: 'stopped' });
      await world.ok(['start', name]);
      const { url } = await world.reached(name);
      expect(await callOnce(url, 'echo', { message: 'again' })).toBe('again');
    });

    test.each(['SIGINT', 'SIGTERM'] as const)(
      '%s to a run in the foreground leaves nothing',
      async (signal) => {
        await using scene = await openScene(engine);
        const { world, slow, run } = scene;
        const hold = slow.hold(pattern, when);
        const running = world.start([...run, '--foreground']);
        await hold.arrived();
        running.signal(signal);
        hold.release();
        await running.finished();
        await expectNothingLeft(scene);
      },
    );

    test('a supervisor of its own, killed with -9: rm waits for the engine, and nothing is left', async () => {
      await using scene = await openScene(engine, { TOOLHIVE_WORKLOAD_HOST: 'dedicated' });
      const { world, slow, name, run } = scene;
      const hold = slow.hold(pattern, when);
      await world.ok(run);
      await hold.arrived();
      for (const { pid } of await world.processes()) process.kill(pid, 'SIGKILL');
      await waitFor(
        () => hold.requests.map((request) => request.isAbandoned()),
        (abandoned) => abandoned.every(Boolean),
        { what: 'nobody waits for the engine' },
      );
      expect(await world.find(name)).toMatchObject({
        status: expect.stringMatching(/^(starting|unhealthy)$/),
      });
      const removing = world.start(['rm', name]);
      await untilFiled(world, name, 'removing');
      hold.release();
      expect(await removing.finished()).toMatchObject({ exitCode: 0 });
      await expectNothingLeft(scene, { wasKilled: true });
    });

    test('a supervisor of its own, killed with -9: stop leaves nothing running', async () => {
      await using scene = await openScene(engine, { TOOLHIVE_WORKLOAD_HOST: 'dedicated' });
      const { world, slow, name, run } = scene;
      const hold = slow.hold(pattern, when);
      await world.ok(run);
      await hold.arrived();
      for (const { pid } of await world.processes()) process.kill(pid, 'SIGKILL');
      const stopping = world.start(['stop', '--timeout', '1', name]);
      await waitFor(
        () => statusOnDisk(world, name),
        (seen) => seen === 'stopping' || seen === 'stopped',
        { what: 'the stop has begun' },
      );
      hold.release();
      expect(await stopping.finished()).toMatchObject({ exitCode: 0 });
      expect((await slow.engine.inspect(name))?.State.Running).toBe(false);
      expect(await world.find(name)).toMatchObject({ status: 'stopped' });
    });

    test('the host is killed with -9: its successor serves, and rm leaves nothing', async () => {
      await using scene = await openScene(engine);
      const { world, slow, name, run } = scene;
      const hold = slow.hold(pattern, when);
      await world.ok(run);
      await hold.arrived();
      const { host } = await hostAndGuard(world);
      process.kill(host, 'SIGKILL');
      await waitFor(
        () => hostAndGuard(world),
        (now) => now.host !== host,
        { what: 'another host lives' },
      );
      hold.release();
      const { url } = await world.reached(name, 'running', 30_000);
      expect(await callOnce(url, 'echo', { message: 'here' })).toBe('here');
      expect(await slow.engine.named(name)).toHaveLength(1);
      await world.ok(['rm', name]);
      await expectNothingLeft(scene, { wasKilled: true });
    });
  });

  test('restart during a create serves in the end, with one container', async () => {
    await using scene = await openScene(engine);
    const { world, slow, name, run } = scene;
    const hold = slow.hold(CREATE);
    await world.ok(run);
    await hold.arrived();
    const restarting = world.start(['restart', name]);
    hold.release();
    expect(await restarting.finished()).toMatchObject({ exitCode: 0 });
    const { url } = await world.reached(name);
    expect(await callOnce(url, 'echo', { message: 'once' })).toBe('once');
    expect(await slow.engine.named(name)).toHaveLength(1);
  });

  test('SIGTERM to the host during a create: the next start takes the container that came of it', async () => {
    await using scene = await openScene(engine);
    const { world, slow, name, run } = scene;
    const hold = slow.hold(CREATE);
    await world.ok(run);
    await hold.arrived();
    const { host } = await hostAndGuard(world);
    process.kill(host, 'SIGTERM');
    const starting = world.start(['start', name]);
    hold.release();
    expect(await starting.finished()).toMatchObject({ exitCode: 0 });
    const { url } = await world.reached(name, 'running', 30_000);
    expect(await callOnce(url, 'echo', { message: 'next' })).toBe('next');
    await world.ok(['rm', name]);
    await expectNothingLeft(scene);
  });

  test('group rm with its workloads during a create leaves nothing', async () => {
    await using scene = await openScene(engine);
    const { world, slow, name, run } = scene;
    await world.ok(['group', 'create', 'mine']);
    const hold = slow.hold(CREATE, 'after');
    await world.ok([...run, '--group', 'mine']);
    await hold.arrived();
    const removing = world.start(['group', 'rm', 'mine', '--with-workloads'], { stdin: 'y\n' });
    await untilFiled(world, name, 'removing');
    hold.release();
    expect(await removing.finished()).toMatchObject({ exitCode: 0 });
    await expectNothingLeft(scene);
  });

  test('DELETE and stop over the API during a create leave nothing, and nothing running', async () => {
    await using scene = await openScene(engine);
    const { world, slow, name, run } = scene;
    await using api = await startApi(world);
    const hold = slow.hold(CREATE);
    await world.ok(run);
    await hold.arrived();
    const path = `/api/v1beta/workloads/${name}`;
    expect((await api.ask('POST', `${path}/stop`)).status).toBe(202);
    await untilFiled(world, name, 'stopping');
    expect((await api.ask('DELETE', path)).status).toBe(202);
    hold.release();
    await untilFiled(world, name, 'none');
    await expectNothingLeft(scene);
  });

  test('a create that fails with the network made already leaves an error, and rm takes everything away', async () => {
    await using scene = await openScene(engine);
    const { world, name, run } = scene;
    await world.ok([...run, '--volume', `${world.work}:/proc/self/fd`]);
    await world.reached(name, 'error', 30_000);
    await world.ok(['rm', name]);
    await expectNothingLeft(scene);
  });
});
