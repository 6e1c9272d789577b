import { expect, test } from 'bun:test';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce, callTool, openSse, openStreamable, post, type RawClient } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const WORKLOADS = 10;
/** Podman closes a container's stdin with the attachment, so the server ends there and Podman starts it again. */
const outlivesItsHost = (engine: Engine) => engine.kind === 'docker';
/** Two seconds for us; starting ten containers again, which Podman makes necessary, comes on top. */
const backWithinMs = (engine: Engine) => (outlivesItsHost(engine) ? 2000 : 5000);

onEachEngine((engine) => {
  test('kill -9 of the workload host under load: all workloads answer again in time, same URLs, same sessions', async () => {
    await using world = await openWorld(engine);
    const names = await runFixtures(world, WORKLOADS);
    const before = await Promise.all(names.map((name) => world.reached(name)));
    await using clients = new AsyncDisposableStack();
    const opened = await Promise.all(
      before.map(async ({ url }) => clients.use(await openStreamable(new URL('/mcp', url).href))),
    );
    const births = await Promise.all(opened.map((client) => callTool(client, 1, 'birth')));
    const loads = opened.map((client) => clients.use(keepCalling(client)));
    await waitFor(
      () => loads.map(({ answers }) => answers),
      (counts) => counts.every((count) => count > 20),
      {
        what: 'every client is served',
      },
    );

    const host = await hostOf(world);
    const killedAt = performance.now();
    process.kill(host, 'SIGKILL');
    await waitFor(
      () => loads.map(({ lastAskedAt }) => lastAskedAt),
      (times) => times.every((at) => at > killedAt),
      {
        what: 'every client is served again',
        deadlineMs: 30_000,
      },
    );
    const gaps = loads.map(({ firstAnswerAfter }) => Math.round(firstAnswerAfter(killedAt) - killedAt));
    expect(gaps.filter((gap) => gap > backWithinMs(engine))).toEqual([]);
    // While nobody listens a call may fail; no session may be forgotten.
    expect(
      loads.flatMap(({ refusals }) => refusals).filter((status) => status !== 502 && status !== 503),
    ).toEqual([]);

    expect(await hostOf(world)).not.toBe(host);
    const after = await Promise.all(names.map((name) => world.reached(name)));
    expect(after.map(({ url }) => url)).toEqual(before.map(({ url }) => url));
    const birthsAfter = await Promise.all(opened.map((client) => callTool(client, 2, 'birth')));
    if (outlivesItsHost(engine)) expect(birthsAfter).toEqual(births);
  }, 120_000);

  test('kill -9 of the workload host ends open event streams; a new one works, the old session is unknown', async () => {
    await using world = await openWorld(engine);
    const [name = ''] = await runFixtures(world, 1);
    const { url } = await world.reached(name);
    const old = await openSse(new URL('/sse', url).href);
    const endpoint = old.messagesUrl;
    expect(await callTool(old, 1, 'echo', { message: 'before' })).toBe('before');
    process.kill(await hostOf(world), 'SIGKILL');
    await old.ended;

    const again = await waitFor(
      () => openSse(new URL('/sse', url).href),
      () => true,
      { what: 'a new stream opens' },
    );
    expect(await callTool(again, 1, 'echo', { message: 'after' })).toBe('after');
    expect((await post(endpoint, '{"jsonrpc":"2.0","id":2,"method":"ping"}')).status).toBe(404);
    await again[Symbol.asyncDispose]();
  });

  test('SIGTERM ends the workload host and leaves the containers; start takes them up at their URLs', async () => {
    await using world = await openWorld(engine);
    const [name = ''] = await runFixtures(world, 1);
    const { url } = await world.reached(name);
    const birth = await callOnce(url, 'birth');
    process.kill(await hostOf(world), 'SIGTERM');
    await waitFor(
      () => world.processes(),
      (left) => left.length === 0,
      { what: 'host and guard ended', deadlineMs: 15_000 },
    );
    if (outlivesItsHost(engine)) expect((await engine.inspect(name))?.State.Running).toBe(true);

    await world.ok(['start', name]);
    expect((await world.reached(name)).url).toBe(url);
    const birthAfter = await callOnce(url, 'birth');
    if (outlivesItsHost(engine)) expect(birthAfter).toBe(birth);
  });

  test('dedicated mode: kill -9 of one supervisor shows that workload unhealthy, the others serve on, start recovers', async () => {
    await using world = await openWorld(engine, { env: { TOOLHIVE_WORKLOAD_HOST: 'dedicated' } });
    const [victim = '', other = ''] = await runFixtures(world, 2);
    const { url } = await world.reached(victim);
    const neighbour = await world.reached(other);
    await using client = await openStreamable(new URL('/mcp', neighbour.url).href);

    const supervisors = await world.processes();
    expect(supervisors.map(({ command }) => command.replace(/^\S+/, 'thv')).sort()).toEqual(
      [victim, other].map((name) => `thv start ${name} --foreground`).sort(),
    );
    process.kill(supervisors.find(({ command }) => command.includes(victim))?.pid ?? 0, 'SIGKILL');
    const unhealthy = await world.reached(victim, 'unhealthy');
    expect(unhealthy.url).toBe(url);
    if (outlivesItsHost(engine)) {
      expect(unhealthy.status_context).toBe(
        `proxy process not running: workload shows running but proxy process for ${victim} is not active`,
      );
    }
    expect(await callTool(client, 1, 'echo', { message: 'still here' })).toBe('still here');

    await world.ok(['start', victim]);
    expect((await world.reached(victim)).url).toBe(url);
    expect(await callOnce(url, 'echo', { message: 'back' })).toBe('back');
    expect((await world.processes()).length).toBe(2);
  });
});

/** Names of so many answering stdio servers. */
async function runFixtures(world: World, count: number): Promise<readonly string[]> {
  const names = Array.from({ length: count }, (_, index) => world.name(`w${index}`));
  await Promise.all(
    names.map((name) => world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio'])),
  );
  return names;
}

/** Process id of the workload host, not of its guard. */
async function hostOf(world: World): Promise<number> {
  const processes = await world.processes();
  const hosts = processes.filter(({ command }) => / host$/.test(command) && !command.startsWith('sh '));
  if (hosts.length !== 1 || hosts[0] === undefined)
    throw new Error(`not one host: ${JSON.stringify(processes)}`);
  return hosts[0].pid;
}

/** Calls one after another until disposed of. */
function keepCalling(client: RawClient) {
  const spans: { readonly askedAt: number; readonly answeredAt: number }[] = [];
  const refusals: number[] = [];
  let stopped = false;
  const loop = (async () => {
    for (let id = 1000; !stopped; id++) {
      const askedAt = performance.now();
      try {
        await callTool(client, id, 'echo', { message: `${id}` });
        spans.push({ askedAt, answeredAt: performance.now() });
      } catch (error) {
        const status = /^tools\/call: (\d+)/.exec(String((error as Error).message))?.[1];
        if (status !== undefined) refusals.push(Number(status));
        await Bun.sleep(10);
      }
    }
  })();
  return {
    refusals,
    get answers() {
      return spans.length;
    },
    /** When the last answered call was begun. */
    get lastAskedAt() {
      return spans.at(-1)?.askedAt ?? 0;
    },
    /** When the first call begun after `at` was answered. */
    firstAnswerAfter: (at: number) =>
      spans.find(({ askedAt }) => askedAt > at)?.answeredAt ?? Number.POSITIVE_INFINITY,
    async [Symbol.asyncDispose]() {
      stopped = true;
      await loop;
    },
  };
}
