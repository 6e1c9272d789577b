import { expect, test } from 'bun:test';
import { callOnce, openStreamable } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { echoFolder } from './echo-folder.ts';
import { childrenOf, descriptorsOf, hostAndGuard } from './host-facts.ts';
import { isListening } from './unfinished-request.ts';

async function serve(world: World, label = 'a') {
  const name = world.name(label);
  const args = ['--transport', 'stdio', '--proxy-mode', 'streamable-http', '--permission-profile', 'none'];
  await world.ok(['run', await echoFolder(world), '--name', name, ...args]);
  return await world.reached(name);
}

/** The guard that has taken the place of one that is gone. */
const anotherGuard = (world: World, old: number) =>
  waitFor(
    () => hostAndGuard(world),
    ({ guard }) => guard !== old,
    { what: 'another guard stands by' },
  );

const answers = (url: string) =>
  waitFor(
    () => callOnce(url, 'echo', { message: 'here' }),
    (text) => text === 'here',
    { what: 'it answers' },
  );

test('a guard that is killed is replaced while the ports stay open, and the next crash is healed', async () => {
  await using world = await openWorld(undefined);
  const { url, port } = await serve(world);
  await using client = await openStreamable(url);
  const before = await hostAndGuard(world);
  process.kill(before.guard, 'SIGKILL');
  const after = await anotherGuard(world, before.guard);
  expect(after.host).toBe(before.host);
  expect(await isListening(port)).toBe(true);
  process.kill(after.host, 'SIGKILL');
  await answers(url);
  // The session of a client outlives it, as it does any crash.
  expect(
    await client.request(7, 'tools/call', { name: 'echo', arguments: { message: 'still' } }),
  ).toMatchObject({
    result: { content: [{ text: 'still' }] },
  });
  const healed = await hostAndGuard(world);
  expect(healed.host).not.toBe(after.host);
});

test.each(['SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGKILL'] as const)(
  '%s to the guard, twice over: another one stands by',
  async (signal) => {
    await using world = await openWorld(undefined);
    const { url } = await serve(world);
    const first = await hostAndGuard(world);
    process.kill(first.guard, signal);
    const second = await anotherGuard(world, first.guard);
    process.kill(second.guard, 'SIGKILL');
    const third = await anotherGuard(world, second.guard);
    expect(third.host).toBe(first.host);
    expect(childrenOf(third.host)).toContain(third.guard);
    process.kill(third.host, 'SIGKILL');
    await answers(url);
  },
);

test('SIGINT to the guard, then a crash of the host: it is back', async () => {
  await using world = await openWorld(undefined);
  const { url } = await serve(world);
  const { host, guard } = await hostAndGuard(world);
  process.kill(guard, 'SIGINT');
  process.kill(host, 'SIGKILL');
  await answers(url);
  expect(await hostAndGuard(world)).toMatchObject({ guard });
});

test('a host that ends as it was told takes the guard beside it along', async () => {
  await using world = await openWorld(undefined);
  await serve(world);
  const first = await hostAndGuard(world);
  process.kill(first.guard, 'SIGKILL');
  const { host } = await anotherGuard(world, first.guard);
  process.kill(host, 'SIGTERM');
  await waitFor(
    () => world.processes(),
    (left) => left.length === 0,
    { what: 'host and guard have ended' },
  );
});

test('ten guards later the host has as many descriptors and children as with its second', async () => {
  await using world = await openWorld(undefined);
  await serve(world);
  let { host, guard } = await hostAndGuard(world);
  const counts: (readonly [number, number])[] = [];
  for (let round = 0; round < 10; round++) {
    process.kill(guard, 'SIGKILL');
    ({ host, guard } = await anotherGuard(world, guard));
    counts.push([descriptorsOf(host).length, childrenOf(host).length]);
  }
  expect(counts.at(-1)).toEqual(counts[0] ?? [0, 0]);
}, 60_000);

test.each([
  ['start', ['start', 'NAME']],
  ['list', ['list']],
  ['status', ['status', 'NAME']],
] as const)(
  'guard and host killed at once: the next %s brings back all that was served',
  async (_, command) => {
    await using world = await openWorld(undefined);
    const served = [await serve(world, 'a'), await serve(world, 'b')];
    const { host, guard } = await hostAndGuard(world);
    process.kill(guard, 'SIGKILL');
    process.kill(host, 'SIGKILL');
    await world.ok(command.map((word) => (word === 'NAME' ? world.name('a') : word)));
    for (const { url } of served) await answers(url);
    await hostAndGuard(world);
  },
);

test('a host that was told to end stays away, whatever is looked at', async () => {
  await using world = await openWorld(undefined);
  await serve(world);
  process.kill((await hostAndGuard(world)).host, 'SIGTERM');
  await waitFor(
    () => world.processes(),
    (left) => left.length === 0,
    { what: 'host and guard have ended' },
  );
  await world.ok(['list']);
  expect(await world.processes()).toEqual([]);
});
