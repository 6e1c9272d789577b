import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { join } from 'node:path';
import type { Engine as OwnEngine } from '../../src/engine/index.ts';
import { EVERYTHING_IMAGE, FIXTURE_IMAGE } from '../harness/images.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import {
  forbidden,
  networksNamed,
  openMachineService,
  openOwn,
  openTestHost,
  successes,
  type TestHost,
} from './ground.ts';
import { type Attempt, attempt } from './inside.ts';

setDefaultTimeout(180_000);

async function echo(url: string): Promise<string> {
  await using client = await openMcpClient(url);
  return await client.call('echo', { message: 'hello' });
}

const served = (url: string) =>
  waitFor(
    async () => (await echo(url).catch(String)).includes('hello'),
    (isServed) => isServed,
    { what: 'the server is served', deadlineMs: 60_000 },
  );

const networkOf = (name: string) => `toolhive-${name}-internal`;

describe('isolated by what is built in', () => {
  onEachEngine((engine) => {
    let own: OwnEngine;
    let host: TestHost;
    beforeAll(async () => {
      own = await openOwn(engine);
      host = await openTestHost(own, engine, `thv-test-host-${process.pid}-${engine.kind}`);
    });
    afterAll(() => host?.[Symbol.asyncDispose]());

    const addressOf = async (name: string) =>
      (await engine.inspect(name))?.NetworkSettings.Networks[networkOf(name)]?.IPAddress ?? '';
    /** Containers of the sidecar of a world. */
    const sidecarsOf = async (world: World) =>
      (await own.containers.list({ all: true, labels: [`toolhive-egress-state=${world.state}`] })).map(
        ({ Names, Id }) => ({ name: (Names[0] ?? '').replace(/^\//, ''), id: Id }),
      );

    test('a server reaches what its profile lists and nothing else, through its whole life', async () => {
      await using world = await openWorld(engine);
      using machine = openMachineService();
      const [name, neighbour] = [world.name('a'), world.name('b')];
      // All Podmans of a machine share one name service, and so its mistakes.
      const [granted, other] =
        engine.kind === 'docker' ? [host.name, host.address] : [host.address, host.name];
      const profile = (file: string, network: object) =>
        Bun.write(join(world.work, file), JSON.stringify({ network }));
      await profile('one.json', { outbound: { allow_host: [granted], allow_port: [80] } });
      await profile('all.json', { outbound: { insecure_allow_all: true } });
      const isolated = ['run', '--isolate-network', '--permission-profile'];
      await world.ok([
        ...isolated,
        'one.json',
        '--name',
        name,
        '--transport',
        'streamable-http',
        EVERYTHING_IMAGE,
        '--wait',
      ]);
      await world.ok([...isolated, 'all.json', '--name', neighbour, '--transport', 'stdio', FIXTURE_IMAGE]);
      const { url } = await world.reached(name);
      await world.reached(neighbour);
      await expectHeld();

      // All of them share one, and nobody takes it for a workload.
      expect(await sidecarsOf(world)).toHaveLength(1);
      const listed = JSON.parse(await world.ok(['list', '--all', '--format', 'json'])) as { name: string }[];
      const [sidecar] = await sidecarsOf(world);
      expect(listed.map((each) => each.name)).not.toContain(sidecar?.name);

      const before = await engine.inspect(name);
      await engine.kill(name);
      await served(url);
      await engine.kill(sidecar?.name ?? '');
      await served(url);
      await expectHeld();

      const [supervisor] = (await world.processes()).filter(({ command }) => command.includes(' host'));
      process.kill(supervisor?.pid ?? 0, 'SIGKILL');
      await served(url);
      expect((await engine.inspect(name))?.Id).toBe(before?.Id ?? '');
      await expectHeld();

      await world.ok(['stop', name]);
      expect((await engine.inspect(name))?.State.Running).toBe(false);
      await world.ok(['start', name]);
      await served(url);
      expect((await engine.inspect(name))?.Id).toBe(before?.Id ?? '');

      await world.ok(['rm', name]);
      expect(await networksNamed(engine, networkOf(name))).toEqual([]);
      expect(await sidecarsOf(world)).toHaveLength(1);
      await world.ok(['rm', neighbour]);
      expect(await networksNamed(engine, networkOf(neighbour))).toEqual([]);
      expect(await sidecarsOf(world)).toEqual([]);

      async function expectHeld() {
        expect(
          await attempt(engine, name, [
            { via: 'proxy', url: `http://${granted}/` },
            { via: 'proxy', url: `${granted}:80`, method: 'CONNECT' },
            { via: 'proxy', url: `http://${granted}:8080/` },
            { via: 'proxy', url: `http://${other}/` },
          ]),
        ).toEqual([200, 200, 403, 403]);
        const [ownAddress, neighbours] = [await addressOf(name), await addressOf(neighbour)];
        const gate = (await engine.inspect(name))?.HostConfig.Dns?.[0] ?? '';
        const never: readonly Attempt[] = [
          ...forbidden(host, machine.port),
          { via: 'tcp', host: neighbours, port: 80 },
          { via: 'proxy', url: `http://${neighbours}/` },
          { via: 'proxy', url: `http://${ownAddress}:3129/` },
          // What the sidecar is told by, and what it lets others in by.
          { via: 'tcp', host: gate, port: 3129 },
          { via: 'proxy', url: `http://${gate}:3129/` },
          { via: 'proxy', url: 'http://127.0.0.1:3129/' },
          { via: 'proxy', url: `http://host.docker.internal:${machine.port}/` },
        ];
        expect(successes(never, await attempt(engine, name, never))).toEqual([]);
        // A profile that allows everything does not allow the machine.
        const all: readonly Attempt[] = [
          { via: 'proxy', url: `http://172.17.0.1:${machine.port}/` },
          { via: 'proxy', url: `http://host.docker.internal:${machine.port}/` },
          { via: 'proxy', url: 'http://169.254.169.254/' },
          { via: 'proxy', url: `http://${ownAddress}:8080/` },
          ...forbidden(host, machine.port).filter(({ via }) => via !== 'dns'),
        ];
        expect(successes(all, await attempt(engine, neighbour, all))).toEqual([]);
      }
    });

    test('what a container used of the network becomes a profile, and what it was refused is told', async () => {
      await using world = await openWorld(engine);
      const name = world.name();
      const learned = join(world.work, 'learned.json');
      const run = ['run', '--name', name, '--transport', 'stdio', FIXTURE_IMAGE];
      const used: Attempt = { via: 'proxy', url: `http://${host.address}/` };
      const other: Attempt = { via: 'proxy', url: `http://${host.address}:8080/` };

      await world.ok([...run, '--learn-permissions', learned]);
      await world.reached(name);
      expect(await attempt(engine, name, [used])).toEqual([200]);
      const removed = await world.thv(['rm', name]);
      expect(removed.stderr).toContain(`wrote what ${name} used of the network to ${learned}: 1 host.`);
      expect(await Bun.file(learned).json()).toEqual({
        network: { outbound: { allow_host: [host.address], allow_port: [80] } },
      });

      await world.ok([...run, '--isolate-network', '--permission-profile', learned]);
      await world.reached(name);
      expect(await attempt(engine, name, [used, other])).toEqual([200, 403]);
      expect(await world.ok(['logs', name, '--network'])).toMatch(
        /^\S+ \S+ refused http \S+:8080: not granted by the permission profile; outbound\.allow_port: \[8080\] would allow it\n$/,
      );
      expect(await world.ok(['status', name])).toContain('1 refused connection');
    });

    test('with --allow-docker-gateway the machine is reached, and nothing else more', async () => {
      await using world = await openWorld(engine);
      using machine = openMachineService();
      const name = world.name();
      await world.ok([
        ...['run', '--isolate-network', '--allow-docker-gateway', '--permission-profile', 'none'],
        ...['--name', name, '--transport', 'stdio', FIXTURE_IMAGE],
      ]);
      await world.reached(name);
      const attempts: readonly Attempt[] = [
        { via: 'proxy', url: `http://host.docker.internal:${machine.port}/` },
        { via: 'proxy', url: `http://${host.address}/` },
        { via: 'tcp', host: '172.17.0.1', port: machine.port },
      ];
      const [gateway, ...others] = await attempt(engine, name, attempts);
      expect(gateway).toBe(200);
      expect(successes(attempts.slice(1), others)).toEqual([]);
    });
  });
});
