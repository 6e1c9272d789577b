import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { echoFolder } from './echo-folder.ts';
import { childrenOf, descriptorsOf, hostAndGuard, residentMegabytesOf } from './host-facts.ts';

/** Enough for a leak of one descriptor in ten rounds. 500 take five minutes: `THV_TEST_CYCLES=500 scripts/test tests/faults/leaks`. */
const CYCLES = Number(process.env['THV_TEST_CYCLES'] ?? 40);
/** Until then caches and code are loaded, and the memory of the first runs is not given back yet. */
const WARM_UP = Math.ceil(CYCLES / 5);
const GROWTH_MEGABYTES = 24;
/** How long descriptors may take to be closed. */
const DESCRIPTORS_MS = 5000;

interface Facts {
  /** What each of the host's descriptors is open on; numbers of sockets and pipes are left out. */
  readonly descriptors: readonly string[];
  readonly children: number;
  readonly processes: readonly string[];
  /** Paths in all folders of the world. */
  readonly files: readonly string[];
}

async function factsOf(world: World, host: number): Promise<Facts> {
  return {
    descriptors: descriptorsOf(host)
      .map((target) => target.replace(/:\[\d+\]$/, ''))
      .sort(),
    children: childrenOf(host).length,
    processes: (await world.processes()).map(({ command }) => command).sort(),
    files: readdirSync(world.folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => !path.startsWith('work/'))
      .sort(),
  };
}

/**
 * Repeats `round`, and compares what there is after it with what there was after the first of them. A thread that the runtime
 * starts late brings a few descriptors, once; a leak grows with the rounds. So when there are more, as many rounds follow, and then
 * it must not have grown again.
 */
async function expectFlat(
  world: World,
  rounds: number,
  warmUp: number,
  round: () => Promise<void>,
): Promise<void> {
  const { host } = await hostAndGuard(world);
  for (let count = 0; count < warmUp; count++) await round();
  const before = await factsOf(world, host);
  const memory = residentMegabytesOf(host);
  for (let count = warmUp; count < rounds; count++) await round();
  let descriptors = await settled(world, host, before);
  expect(residentMegabytesOf(host) - memory).toBeLessThan(GROWTH_MEGABYTES);
  if (descriptors.length <= before.descriptors.length) return;
  const more = descriptors;
  for (let count = warmUp; count < rounds; count++) await round();
  descriptors = await settled(world, host, { ...before, descriptors: more });
  if (descriptors.length > more.length)
    throw new Error(
      `descriptors grow with the rounds: ${JSON.stringify([before.descriptors, more, descriptors])}`,
    );
}

/**
 * Waits until nothing but descriptors is more than `before`, because what a command has asked for may still be on its way out; the
 * same goes for descriptors, as long as they are given to go. Gives those that are open in the end.
 */
async function settled(world: World, host: number, before: Facts): Promise<readonly string[]> {
  const isAsBefore = ({ children, processes, files }: Facts) =>
    // What was on its way out when the first was looked at is no leak when it is gone.
    children <= before.children &&
    JSON.stringify([processes, files]) === JSON.stringify([before.processes, before.files]);
  const startedAt = performance.now();
  const { descriptors } = await waitFor(
    () => factsOf(world, host),
    (after) =>
      isAsBefore(after) &&
      (after.descriptors.length <= before.descriptors.length ||
        performance.now() - startedAt > DESCRIPTORS_MS),
    { what: `nothing is more than at the beginning: ${JSON.stringify(before)}`, deadlineMs: 15_000 },
  );
  return descriptors;
}

const STDIO = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];

describe('the workload host, with one workload that stays', () => {
  async function openBusyWorld() {
    const world = await openWorld(undefined);
    const folder = await echoFolder(world);
    const name = world.name('stays');
    await world.ok(['run', folder, '--name', name, ...STDIO, '--permission-profile', 'none']);
    await world.reached(name);
    return { world, folder };
  }

  test(
    `${CYCLES} times run and rm of a process leave descriptors, memory, processes and folders as they were`,
    async () => {
      const { world, folder } = await openBusyWorld();
      await using _ = world;
      const name = world.name('comes');
      let count = 0;
      await expectFlat(world, CYCLES, WARM_UP, async () => {
        await world.ok(['run', folder, '--name', name, ...STDIO, '--permission-profile', 'none']);
        // Every second one is removed while it is still starting.
        if (count++ % 2 === 0)
          expect(await callOnce((await world.reached(name)).url, 'echo', { message: 'x' })).toBe('x');
        await world.ok(['rm', name]);
      });
    },
    CYCLES * 3000 + 60_000,
  );

  test.each([
    ['with a network of some hosts', ['--permission-profile', 'PROFILE'], 'stdio'],
    ['with all of the network', [], 'stdio'],
    ['over HTTP', ['--permission-profile', 'none'], 'http'],
    ['without a sandbox', ['--no-sandbox', '--runtime', 'process'], 'stdio'],
  ] as const)(
    'stop and start of a process %s leave everything as it was',
    async (_, flags, kind) => {
      const { world } = await openBusyWorld();
      await using _world = world;
      const profile = `${world.work}/profile.json`;
      await Bun.write(profile, '{"network":{"outbound":{"allow_host":["example.com"],"allow_port":[443]}}}');
      const name = world.name('goes');
      const transport = kind === 'stdio' ? STDIO : ['--transport', 'streamable-http'];
      const given = flags.map((flag) => (flag === 'PROFILE' ? profile : flag));
      await world.ok(['run', await echoFolder(world, kind), '--name', name, ...transport, ...given]);
      await world.reached(name);
      await expectFlat(world, 8, 3, async () => {
        await world.ok(['stop', '--timeout', '1', name]);
        await world.ok(['start', name]);
        await world.reached(name);
      });
    },
    120_000,
  );

  test('a process that crashes again and again leaves everything as it was', async () => {
    const { world } = await openBusyWorld();
    await using _ = world;
    const { host } = await hostAndGuard(world);
    await expectFlat(world, 6, 2, async () => {
      const [server] = childrenOf(host);
      process.kill(server ?? 0, 'SIGKILL');
      await waitFor(
        () => childrenOf(host),
        (children) => children.length === 1 && children[0] !== server,
        { what: 'another server runs' },
      );
      await world.reached(world.name('stays'));
    });
  }, 120_000);

  test('run and rm of a remote server that answers and of one that does not leave everything as it was', async () => {
    const { world } = await openBusyWorld();
    await using _ = world;
    using remote = Bun.serve({
      port: 0,
      async fetch(request) {
        const { id, params } = (await request.json().catch(() => ({}))) as {
          id?: number;
          params?: { protocolVersion?: string };
        };
        const result = {
          protocolVersion: params?.protocolVersion,
          capabilities: {},
          serverInfo: { name: 'r', version: '1' },
        };
        return id === undefined
          ? new Response(null, { status: 202 })
          : Response.json({ jsonrpc: '2.0', id, result });
      },
    });
    const name = world.name('remote');
    let count = 0;
    await expectFlat(world, 20, 6, async () => {
      const isThere = count++ % 2 === 0;
      await world.ok([
        'run',
        isThere ? `http://127.0.0.1:${remote.port}/mcp` : 'http://127.0.0.1:9/mcp',
        '--name',
        name,
      ]);
      if (isThere) await world.reached(name);
      await world.ok(['rm', name]);
    });
  }, 120_000);
});

onEachEngine((engine) => {
  test('run, stop, start and rm of a container leave everything as it was', async () => {
    await using world = await openWorld(engine);
    const stays = world.name('stays');
    await world.ok(['run', FIXTURE_IMAGE, '--name', stays, ...STDIO]);
    await world.reached(stays);
    const name = world.name('comes');
    await expectFlat(world, 8, 3, async () => {
      await world.ok(['run', FIXTURE_IMAGE, '--name', name, ...STDIO]);
      await world.reached(name);
      await world.ok(['stop', '--timeout', '1', name]);
      await world.ok(['start', name]);
      await world.reached(name);
      await world.ok(['rm', name]);
    });
  }, 180_000);
});
