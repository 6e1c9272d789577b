import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { echoFolder } from './echo-folder.ts';
import { listenersAt } from './host-facts.ts';

const DEDICATED = { TOOLHIVE_WORKLOAD_HOST: 'dedicated' };

interface Served {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  /** The sockets it listens with. */
  readonly listeners: readonly string[];
}

/** Sockets of it that are still open; its port may be somebody else's by now. */
const openSocketsOf = ({ port, listeners }: Served) =>
  listenersAt(port).filter((socket) => listeners.includes(socket));

const MOST = 'status file and document are lost';
/** What may be lost of a workload that is being served. */
const LOSSES: readonly (readonly [string, (world: World, served: Served) => Promise<void>])[] = [
  ['the status file is lost', (world, { name }) => rm(statusPath(world, name))],
  ['the status file is garbage', (world, { name }) => writeFile(statusPath(world, name), '{"status":')],
  ['the status file is empty', (world, { name }) => writeFile(statusPath(world, name), '')],
  [
    'the status file names a process of somebody else',
    (world, { name }) => editStatus(world, name, { process_id: process.pid }),
  ],
  [
    'the status file names a process that is gone',
    (world, { name }) => editStatus(world, name, { process_id: 4_194_301 }),
  ],
  ['the document is lost', (world, { name }) => rm(documentPath(world, name))],
  [
    MOST,
    async (world, { name }) => {
      await rm(statusPath(world, name));
      await rm(documentPath(world, name));
    },
  ],
  [
    'status file and claim are lost',
    async (world, { name }) => {
      await rm(statusPath(world, name));
      await rm(join(world.state, 'host', 'serving'), { recursive: true, force: true });
    },
  ],
];

const statusPath = (world: World, name: string) => join(world.data, 'statuses', `${name}.json`);
const documentPath = (world: World, name: string) => join(world.state, 'runconfigs', `${name}.json`);

async function editStatus(world: World, name: string, change: Record<string, unknown>): Promise<void> {
  const record = await Bun.file(statusPath(world, name)).json();
  await writeFile(statusPath(world, name), JSON.stringify({ ...record, ...change }));
}

async function supervisorOf(world: World, name: string): Promise<number> {
  const found = (await world.processes()).find(({ command }) =>
    command.includes(` start ${name} --foreground`),
  );
  if (found === undefined) throw new Error(`${name} has no process of its own`);
  return found.pid;
}

/** Removes a workload for the next test: the world is shared, and without an engine nobody knows a name that is gone. */
async function forget(world: World, name: string): Promise<void> {
  await world.thv(['rm', name]);
  expect(await world.processes()).toEqual([]);
}

const untilEnded = (world: World) =>
  waitFor(
    () => world.processes(),
    (left) => left.length === 0,
    { what: 'no process of the world is left', deadlineMs: 15_000 },
  );

describe('a process that serves one package', () => {
  let world: World;
  let folder: string;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: DEDICATED });
    folder = await echoFolder(world);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function serve(env: Readonly<Record<string, string>> = {}): Promise<Served> {
    const name = world.name(`n${Math.random().toString(36).slice(2, 8)}`);
    const profile = ['--permission-profile', 'none', '--proxy-mode', 'streamable-http'];
    await world.ok(['run', folder, '--name', name, '--transport', 'stdio', ...profile], { env });
    const { url, port } = await world.reached(name);
    return {
      name,
      url,
      port,
      listeners: listenersAt(port),
      pid: env['TOOLHIVE_WORKLOAD_HOST'] === 'shared' ? 0 : await supervisorOf(world, name),
    };
  }

  describe.each([...LOSSES])('%s', (_, lose) => {
    test.each(['rm', 'stop'])('%s ends it and frees its port', async (verb) => {
      const served = await serve();
      await lose(world, served);
      await world.ok([verb, served.name]);
      await untilEnded(world);
      expect(openSocketsOf(served)).toEqual([]);
      await forget(world, served.name);
    });
  });

  test.each([LOSSES[0], LOSSES[1], LOSSES[5], LOSSES[6]] as typeof LOSSES)(
    'in the shared host: %s, and rm ends it and frees its port',
    async (_, lose) => {
      const served = await serve({ TOOLHIVE_WORKLOAD_HOST: 'shared' });
      await lose(world, served);
      await world.ok(['rm', served.name]);
      expect(openSocketsOf(served)).toEqual([]);
      for (const { pid } of await world.processes()) process.kill(pid, 'SIGTERM');
      await untilEnded(world);
    },
  );

  test('what serves a workload of the same name for somebody else is left alone, whatever the status file says', async () => {
    await using other = await openWorld(undefined, { env: DEDICATED });
    const name = world.name('same');
    const run = async (whose: World) => {
      const args = ['--name', name, '--transport', 'stdio', '--permission-profile', 'none'];
      await whose.ok(['run', await echoFolder(whose), ...args, '--proxy-mode', 'streamable-http']);
      return await whose.reached(name);
    };
    const [, theirs] = [await run(world), await run(other)];
    const ours = await supervisorOf(world, name);
    await editStatus(world, name, { process_id: await supervisorOf(other, name) });
    await world.ok(['rm', name]);
    await waitFor(
      () => world.processes(),
      (left) => left.every(({ pid }) => pid !== ours),
      { what: 'ours has ended' },
    );
    expect(await callOnce(theirs.url, 'echo', { message: 'still here' })).toBe('still here');
    await other.ok(['rm', name]);
  });

  test('a pid that a run in the foreground of another workload has now is left alone', async () => {
    const front = world.start([
      'run',
      folder,
      '--name',
      world.name('front'),
      '--transport',
      'stdio',
      '--foreground',
    ]);
    const { port } = await world.reached(world.name('front'));
    const listeners = listenersAt(port);
    const served = await serve();
    process.kill(served.pid, 'SIGKILL');
    await editStatus(world, served.name, { process_id: front.pid });
    await world.ok(['rm', served.name]);
    expect(listeners).not.toEqual([]);
    expect(listenersAt(port)).toEqual(listeners);
    front.signal('SIGINT');
    expect((await front.finished()).exitCode).toBe(0);
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGKILL'] as const)(
    '%s to it makes the workload unhealthy, and a start serves again',
    async (signal) => {
      const served = await serve();
      const { name, pid } = served;
      process.kill(pid, signal);
      await untilEnded(world);
      // The kernel takes the environment of a process that is killed, by which we know it, before its sockets.
      await waitFor(
        () => openSocketsOf(served),
        (open) => open.length === 0,
        { what: 'its port is free' },
      );
      expect(await world.find(name)).toMatchObject({ status: 'unhealthy' });
      await world.ok(['start', name]);
      await world.reached(name);
      await world.ok(['rm', name]);
    },
  );
});

onEachEngine((engine, standsForAll) => {
  describe('a process that serves one container', () => {
    // What is lost are files, whatever the engine; that the container goes is shown on each, with the most that can be lost.
    const losses = standsForAll ? LOSSES : LOSSES.filter(([what]) => what === MOST);
    async function serve(world: World): Promise<Served> {
      const name = world.name();
      await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio']);
      const { url, port } = await world.reached(name);
      return { name, url, port, listeners: listenersAt(port), pid: await supervisorOf(world, name) };
    }

    const isUp = async (name: string) => (await (engine as Engine).inspect(name))?.State.Running ?? false;

    test.each(losses)('%s: rm ends it, frees its port and removes the container', async (_, lose) => {
      await using world = await openWorld(engine, { env: DEDICATED });
      const served = await serve(world);
      await lose(world, served);
      await world.ok(['rm', served.name]);
      await untilEnded(world);
      expect(openSocketsOf(served)).toEqual([]);
      expect(await engine.named(served.name)).toEqual([]);
    });

    test.each(losses)('%s: stop ends it and stops the container', async (_, lose) => {
      await using world = await openWorld(engine, { env: DEDICATED });
      const served = await serve(world);
      await lose(world, served);
      await world.ok(['stop', '--timeout', '1', served.name]);
      await untilEnded(world);
      expect(await isUp(served.name)).toBe(false);
    });

    test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
      '%s to it stops the container and makes the workload unhealthy; a start serves again at the same URL',
      async (signal) => {
        await using world = await openWorld(engine, { env: DEDICATED });
        const { name, pid, url } = await serve(world);
        process.kill(pid, signal);
        await untilEnded(world);
        expect(await isUp(name)).toBe(false);
        expect(await world.find(name)).toMatchObject({ status: 'unhealthy' });
        await world.ok(['start', name]);
        expect((await world.reached(name)).url).toBe(url);
      },
    );
  });
});
