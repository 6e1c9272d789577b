import { expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { openReceiver } from './receiver.ts';

const COUNTED = { type: 'usagemetrics', parameters: {} };

// Calls are counted in the host, which sees no engine then: one will do.
onOneEngine((engine) => {
  /** A user in an installation that has an id, with these lines in `config.yaml`. */
  async function openUser(config: string): Promise<World> {
    const world = await openWorld(engine);
    const folder = join(world.folder, 'config/toolhive');
    for (const path of [folder, world.data]) await mkdir(path, { recursive: true });
    await writeFile(join(folder, 'config.yaml'), config);
    await writeFile(join(world.data, 'updates.json'), '{"instance_id":"install-1"}');
    return world;
  }

  const documentOf = async (world: World, name: string) =>
    JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));
  const fixture = (name: string) => ['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio'];

  async function endHost(world: World): Promise<void> {
    const host = (await world.processes()).find(
      ({ command }) => / host$/.test(command) && !/^sh /.test(command),
    );
    process.kill(host?.pid ?? 0, 'SIGTERM');
    await waitFor(
      () => world.processes(),
      (left) => left.length === 0,
      { what: 'the host has ended' },
    );
  }

  test('the host tells how many tools of all its workloads were called, and who said no is left out', async () => {
    await using receiver = openReceiver();
    await using world = await openUser(`usage_metrics_url: ${receiver.url}\n`);
    const [one, two, silent] = [world.name('one'), world.name('two'), world.name('silent')];
    await world.ok(fixture(one));
    await world.ok(fixture(two));
    await world.ok(fixture(silent), { env: { TOOLHIVE_USAGE_METRICS_ENABLED: 'false' } });
    const { middleware_configs } = await documentOf(world, one);
    expect(middleware_configs.map(({ type }: { type: string }) => type)).toEqual([
      'auth',
      'mcp-parser',
      'usagemetrics',
      'recovery',
    ]);
    expect((await documentOf(world, silent)).middleware_configs).not.toContainEqual(COUNTED);
    for (const name of [one, one, two, silent]) {
      const { url } = await world.reached(name);
      expect(await callOnce(url, 'echo', { message: 'x' })).toBe('x');
    }
    expect(receiver.told).toEqual([]);
    await endHost(world);
    expect(receiver.told.map(({ body, headers }) => [body.count, headers['x-anonymous-id']])).toEqual([
      [3, 'install-1'],
    ]);
    expect(receiver.told[0]?.headers['user-agent']).toMatch(/^toolhive\/local v\S+ \w+ \(linux\/\w+\)$/);
  });

  test('a document that asks to be counted starts where no endpoint is named', async () => {
    await using world = await openUser('');
    const name = world.name();
    await world.ok(fixture(name));
    await world.reached(name);
    await world.ok(['stop', name]);
    const document = await documentOf(world, name);
    expect(document.middleware_configs).not.toContainEqual(COUNTED);
    document.middleware_configs.push({ type: 'usagemetrics', parameters: null });
    await writeFile(join(world.state, 'runconfigs', `${name}.json`), JSON.stringify(document));
    await world.ok(['start', name]);
    const { url } = await world.reached(name);
    expect(await callOnce(url, 'echo', { message: 'x' })).toBe('x');
  });

  test('a workload in the foreground tells its calls when it ends', async () => {
    await using receiver = openReceiver();
    await using world = await openUser(`usage_metrics_url: ${receiver.url}\n`);
    const name = world.name();
    const running = world.start([...fixture(name), '--foreground']);
    const { url } = await world.reached(name);
    expect(await callOnce(url, 'echo', { message: 'x' })).toBe('x');
    running.signal('SIGTERM');
    await running.finished();
    expect(receiver.told.map(({ body }) => body.count)).toEqual([1]);
  });
});
