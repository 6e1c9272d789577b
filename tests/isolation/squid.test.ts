import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { Engine as OwnEngine } from '../../src/engine/index.ts';
import { networkPolicyOf, type PermissionProfile } from '../../src/records/index.ts';
import { squidEgressConfig } from '../../src/sandbox/index.ts';
import type { Engine } from '../harness/engine.ts';
import { EVERYTHING_IMAGE } from '../harness/images.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { onEachEngine, onOneEngine } from '../harness/on-each-engine.ts';
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
import { dnsmasqImage, HAS_APT, squidImage } from './images.ts';
import { attempt, runIn } from './inside.ts';

setDefaultTimeout(120_000);

/** A world whose isolated workloads get the reference's containers. */
async function openSquidWorld(engine: Engine, own: OwnEngine): Promise<World> {
  return openWorld(engine, {
    env: {
      TOOLHIVE_NETWORK_PROXY: 'squid',
      TOOLHIVE_EGRESS_IMAGE: await squidImage(own),
      TOOLHIVE_DNS_IMAGE: await dnsmasqImage(own),
    },
  });
}

const partsOf = async (engine: Engine, name: string) =>
  (await engine.named(name))
    .map(({ Names, State }) => `${Names[0]?.replace(`/${name}`, '')} ${State}`)
    .sort();

const ALL = (state: string) => ['-dns', '-egress', '-ingress', ''].map((part) => `${part} ${state}`).sort();

describe.skipIf(!HAS_APT)('isolated by Squid', () => {
  onEachEngine((engine) => {
    let own: OwnEngine;
    let host: TestHost;
    beforeAll(async () => {
      own = await openOwn(engine);
      await squidImage(own);
      await dnsmasqImage(own);
      host = await openTestHost(own, engine, `thv-test-host-${process.pid}-${engine.kind}`);
    });
    afterAll(() => host?.[Symbol.asyncDispose]());

    test('a server reaches what its profile lists and nothing else, through its whole life', async () => {
      await using world = await openSquidWorld(engine, own);
      using machine = openMachineService();
      const name = world.name();
      const network = `toolhive-${name}-internal`;
      // All Podmans of a machine share one name service, and so its mistakes.
      const [granted, other] =
        engine.kind === 'docker' ? [host.name, host.address] : [host.address, host.name];
      await Bun.write(
        join(world.work, 'profile.json'),
        JSON.stringify({ network: { outbound: { allow_host: [granted], allow_port: [80] } } }),
      );
      const flags = [
        '--isolate-network',
        '--permission-profile',
        'profile.json',
        '--transport',
        'streamable-http',
      ];
      await world.ok(['run', '--name', name, ...flags, EVERYTHING_IMAGE, '--wait']);
      const { url } = await world.reached(name);
      expect(await partsOf(engine, name)).toEqual(ALL('running'));
      await expectHeld();
      expect(await echo(url)).toContain('hello');

      // What stands beside it is not taken for it.
      const listed = JSON.parse(await world.ok(['list', '--all', '--format', 'json'])) as { name: string }[];
      expect(listed.filter((each) => each.name.startsWith(name)).map((each) => each.name)).toEqual([name]);
      const config = await runIn(engine, `${name}-egress`, ['/usr/sbin/squid', '-v']).then(() =>
        readdirSync(join(world.state, 'isolation', name)),
      );
      expect(config.map((file) => file.replace(/-.*/, '')).sort()).toEqual(['dns', 'egress', 'ingress']);

      const before = await engine.inspect(name);
      await world.ok(['stop', name]);
      expect(await partsOf(engine, name)).toEqual(ALL('exited'));
      await world.ok(['start', name]);
      await world.reached(name);
      expect((await engine.inspect(name))?.Id).toBe(before?.Id ?? '');
      expect(await echo(url)).toContain('hello');

      await engine.kill(name);
      await waitFor(
        async () => (await echo(url).catch(String)).includes('hello'),
        (isServed) => isServed,
        { what: 'the server is served again' },
      );
      await expectHeld();

      await world.ok(['rm', name]);
      expect(await partsOf(engine, name)).toEqual([]);
      expect(await networksNamed(engine, network)).toEqual([]);
      expect(readdirSync(join(world.state, 'isolation'))).toEqual([]);

      async function expectHeld() {
        const outcomes = await attempt(engine, name, [
          { via: 'proxy', url: `http://${granted}/` },
          { via: 'proxy', url: `${granted}:80`, method: 'CONNECT' },
          { via: 'proxy', url: `http://${granted}:8080/` },
          { via: 'proxy', url: `http://${other}/` },
          { via: 'proxy', url: `http://host.docker.internal:${machine.port}/` },
        ]);
        expect(outcomes).toEqual([200, 200, 403, 403, 403]);
        const attempts = forbidden(host, machine.port);
        expect(successes(attempts, await attempt(engine, name, attempts))).toEqual([]);
      }
    });

    test('the same attempts succeed from a container that is not isolated', async () => {
      using machine = openMachineService();
      const attempts = forbidden(host, machine.port);
      const seen = successes(attempts, await attempt(engine, host.name, attempts));
      expect(seen.map(([tried]) => tried?.via)).toEqual(expect.arrayContaining(['tcp', 'udp']));
    });

    test('what a failed start made is removed', async () => {
      await using world = await openSquidWorld(engine, own);
      const name = world.name();
      const { exitCode } = await world.thv(
        [
          'run',
          '--name',
          name,
          '--isolate-network',
          '--transport',
          'stdio',
          EVERYTHING_IMAGE,
          '--wait',
          '--wait-timeout',
          '20s',
        ],
        { env: { TOOLHIVE_EGRESS_IMAGE: '127.0.0.1:1/nothing:1' } },
      );
      expect(exitCode).not.toBe(0);
      expect(await partsOf(engine, name)).toEqual([]);
      expect(await networksNamed(engine, `toolhive-${name}-internal`)).toEqual([]);
    });
  });

  onOneEngine((engine) => {
    const TABLE: readonly (readonly [
      what: string,
      profile: PermissionProfile,
      outcomes: readonly number[],
    ])[] = [
      ['no network object', {}, [200, 200, 200]],
      [
        'everything',
        { network: { outbound: { insecure_allow_all: true, allow_port: [1] } } },
        [200, 200, 200],
      ],
      ['hosts', { network: { outbound: { allow_host: ['GOOD'] } } }, [200, 200, 403]],
      ['ports', { network: { outbound: { allow_port: [80] } } }, [200, 403, 200]],
      [
        'hosts and ports',
        { network: { outbound: { allow_host: ['GOOD'], allow_port: [80] } } },
        [200, 403, 403],
      ],
      ['nothing listed', { network: { outbound: {} } }, [403, 403, 403]],
      ['no outbound', { network: {} }, [403, 403, 403]],
    ];

    test('a real Squid holds each row of the truth table', async () => {
      const own = await openOwn(engine);
      const image = await squidImage(own);
      await using good = await openTestHost(own, engine, `thv-test-good-${process.pid}`);
      await using bad = await openTestHost(own, engine, `thv-test-bad-${process.pid}`);
      await using world = await openWorld(engine);
      const urls = [`http://${good.name}/`, `http://${good.name}:8080/`, `http://${bad.name}/`];
      const seen = await Promise.all(
        TABLE.map(async ([what, profile], index) => {
          const text = JSON.stringify(profile).replace('GOOD', good.name);
          const port = await startSquid(own, world, `squid${index}`, image, JSON.parse(text));
          return { what, outcomes: await Promise.all(urls.map((url) => statusThrough(port, url))) };
        }),
      );
      expect(seen).toEqual(TABLE.map(([what, , outcomes]) => ({ what, outcomes: [...outcomes] })));
    });
  });
});

/** Gives the port of this machine that leads to it. */
async function startSquid(
  own: OwnEngine,
  world: World,
  label: string,
  image: string,
  profile: PermissionProfile,
): Promise<number> {
  const name = world.name(label);
  const file = join(world.work, `${label}.conf`);
  const policy = networkPolicyOf(profile);
  await Bun.write(file, squidEgressConfig({ name, policy, gateway: '192.0.2.1', allowGateway: false }));
  await Bun.$`chmod -R a+rX ${world.folder}`.quiet();
  const { id } = await own.containers.create(name, {
    Image: image,
    ExposedPorts: { '3128/tcp': {} },
    HostConfig: {
      Mounts: [{ Type: 'bind', Source: file, Target: '/etc/squid/squid.conf', ReadOnly: true }],
      PortBindings: { '3128/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    },
    NetworkingConfig: { EndpointsConfig: { 'toolhive-external': {} } },
  });
  await own.containers.start(id);
  const ports = (await own.containers.find(id))?.NetworkSettings.Ports['3128/tcp'];
  return Number(ports?.[0]?.HostPort);
}

async function echo(url: string): Promise<string> {
  await using client = await openMcpClient(url);
  return await client.call('echo', { message: 'hello' });
}

/** Waits until the proxy listens. */
async function statusThrough(port: number, url: string): Promise<number | string> {
  return await waitFor(
    () =>
      new Promise<number | string>((resolve) => {
        const sent = request({ host: '127.0.0.1', port, path: url, agent: false }, (answer) => {
          answer.resume();
          resolve(answer.statusCode ?? 0);
        });
        sent.on('error', (error) => resolve(String(error)));
        sent.end();
      }),
    (status) => typeof status === 'number',
    { what: `a proxy answers on port ${port}` },
  );
}
