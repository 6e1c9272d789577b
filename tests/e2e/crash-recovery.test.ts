import { expect, test } from 'bun:test';
import type { Engine } from '../harness/engine.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable, type RawClient } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld } from '../harness/world.ts';
import { hostOf, outlivesItsHost, runFixtures } from './hosts.ts';

const WORKLOADS = 10;
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
});

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
