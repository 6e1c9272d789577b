import { expect, test } from 'bun:test';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce, callTool, openSse, openStreamable, post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld } from '../harness/world.ts';
import { hostOf, outlivesItsHost, runFixtures } from './hosts.ts';

onEachEngine((engine) => {
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
