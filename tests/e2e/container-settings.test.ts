import { describe, expect, test } from 'bun:test';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { engineRequest } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { freePort } from '../harness/ports.ts';
import { openStreamable } from '../harness/raw-client.ts';
import { openWorld, type World } from '../harness/world.ts';

onEachEngine((engine) => {
  test('every container has no capabilities, no way to new privileges, and comes back with the engine', async () => {
    await using world = await openWorld(engine);
    const details = await inspectRun(world, 'stdio', []);
    expect(details.HostConfig.CapAdd ?? []).toEqual([]);
    // Podman lists the capabilities one by one.
    expect((details.HostConfig as { CapDrop: string[] }).CapDrop).toSatisfy(
      (dropped: string[]) => dropped.includes('ALL') || dropped.length > 10,
    );
    expect(
      (details.HostConfig as { SecurityOpt: string[] }).SecurityOpt.map((option) =>
        option.replace('=true', ''),
      ),
    ).toContain('no-new-privileges');
    expect(details.HostConfig).toMatchObject({
      Privileged: false,
      RestartPolicy: { Name: 'unless-stopped' },
    });
    expect(details.Config).toMatchObject({ OpenStdin: true, Tty: false });
    expect(Object.keys(details.NetworkSettings.Networks)).toEqual(['toolhive-external']);
  });

  test('labels: ours, and those of -l', async () => {
    await using world = await openWorld(engine);
    const details = await inspectRun(world, 'stdio', [
      '-l',
      'team=core',
      '--label',
      'example.com/tier=',
      '-l',
      'toolhive=no',
    ]);
    const { name, port, labels } = await world.reached(details.Name.replace(/^\//, ''));
    expect(details.Config.Labels).toMatchObject({
      toolhive: 'true',
      'toolhive-name': name,
      'toolhive-basename': name,
      'toolhive-transport': 'stdio',
      'toolhive-port': `${port}`,
      'toolhive-network-isolation': 'false',
      team: 'core',
      'example.com/tier': '',
    });
    expect(labels).toEqual({ team: 'core', 'example.com/tier': '' });
    expect(JSON.parse(await world.ok(['list', '--format', 'json', '-l', 'team=core']))).toMatchObject([
      { name },
    ]);
    expect(await world.ok(['list', '--format', 'json', '-l', 'team=other'])).toBe('[]\n');
  });

  test('environment: -e over --env-file-dir over --env-file, and what the transport needs over all', async () => {
    await using world = await openWorld(engine);
    await mkdir(join(world.work, 'env'));
    await writeFile(
      join(world.work, 'one.env'),
      '# comment\nexport FROM_FILE=file\nBOTH=file\nALL=file\nno assignment\nQUOTED="as it is"\n',
    );
    await writeFile(join(world.work, 'env', 'a.env'), 'BOTH=dir a\nALL=dir\n');
    await writeFile(join(world.work, 'env', 'b.env'), 'BOTH=dir b\n');
    await writeFile(join(world.work, 'env', '.hidden'), 'HIDDEN=1\n');
    const details = await inspectRun(world, 'streamable-http', [
      ...['--env-file', 'one.env', '--env-file-dir', 'env', '--target-port', '9123'],
      ...[
        '-e',
        'ALL=flag',
        '-e',
        'EMPTY=',
        '-e',
        'EQUALS=a=b',
        '-e',
        'MCP_TRANSPORT=mine',
        '-e',
        'MCP_PORT=1',
      ],
    ]);
    const environment = Object.fromEntries(
      details.Config.Env.map((entry) => [entry.split('=')[0], entry.replace(/^[^=]*=/, '')]),
    );
    expect(environment).toMatchObject({
      FROM_FILE: 'file',
      BOTH: 'dir b',
      ALL: 'flag',
      EMPTY: '',
      EQUALS: 'a=b',
      QUOTED: '"as it is"',
      MCP_TRANSPORT: 'streamable-http',
      MCP_PORT: '9123',
      FASTMCP_PORT: '9123',
      MCP_HOST: '127.0.0.1',
    });
    expect(environment).not.toHaveProperty('HIDDEN');
  });

  test('volumes: read-write, read-only, and relative to the working folder', async () => {
    await using world = await openWorld(engine);
    for (const folder of ['rw', 'ro']) await mkdir(join(world.work, folder));
    const details = await inspectRun(world, 'stdio', [
      '-v',
      'rw:/data/rw',
      '-v',
      `${world.work}/ro:/data/ro:ro`,
    ]);
    const mounts = details.Mounts.map(({ Type, Source, Destination, RW }) => ({
      Type,
      Source,
      Destination,
      RW,
    }));
    expect(mounts.sort((a, b) => a.Destination.localeCompare(b.Destination))).toEqual([
      { Type: 'bind', Source: join(world.work, 'ro'), Destination: '/data/ro', RW: false },
      { Type: 'bind', Source: join(world.work, 'rw'), Destination: '/data/rw', RW: true },
    ]);
  });

  test('a named volume is the engine’s, the container with it is used again, and it outlives the workload', async () => {
    await using world = await openWorld(engine);
    const volume = world.name('volume');
    await using _ = {
      [Symbol.asyncDispose]: async () =>
        void (await engineRequest(engine, 'DELETE', `/volumes/${volume}?force=1`)),
    };
    const { Id: id, Mounts, Name } = await inspectRun(world, 'stdio', ['-v', `${volume}:/data:ro`]);
    expect(Mounts).toMatchObject([{ Type: 'volume', Name: volume, Destination: '/data', RW: false }]);
    const name = Name.replace(/^\//, '');
    await world.ok(['stop', name]);
    await world.ok(['start', name, '--wait']);
    expect((await engine.inspect(name))?.Id).toBe(id);
    await world.ok(['rm', name]);
    expect((await engineRequest(engine, 'GET', `/volumes/${volume}`)).status).toBe(200);
  });

  test('a second volume for the same target is skipped with a warning', async () => {
    await using world = await openWorld(engine);
    for (const folder of ['one', 'two']) await mkdir(join(world.work, folder));
    const name = world.name();
    const { exitCode, stderr } = await world.thv([
      ...['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '-v', 'one:/data', '-v', 'two:/data'],
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Skipping duplicate mount target');
    await world.reached(name);
    expect((await engine.inspect(name))?.Mounts.map(({ Source }) => Source)).toEqual([
      join(world.work, 'one'),
    ]);
  });

  test('ports: the server’s own only on loopback, published ones as asked, two servers with one target port', async () => {
    await using world = await openWorld(engine);
    const published = freePort();
    const first = await inspectRun(
      world,
      'streamable-http',
      ['--target-port', '9123', '-p', `${published}:9123`],
      'first',
    );
    const second = await inspectRun(world, 'streamable-http', ['--target-port', '9123'], 'second');
    const bindings = first.NetworkSettings.Ports['9123/tcp'] ?? [];
    expect(bindings.map(({ HostPort }) => HostPort)).toContain(`${published}`);
    expect((await fetch(`http://127.0.0.1:${published}/nothing`)).status).toBe(404);
    for (const { HostIp } of second.NetworkSettings.Ports['9123/tcp'] ?? []) expect(HostIp).toBe('127.0.0.1');
    for (const { Name } of [first, second]) {
      const { url } = await world.reached(Name.replace(/^\//, ''));
      await using client = await openStreamable(url);
      expect(await client.request(1, 'ping')).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    }
  });

  describe('--network', () => {
    test('a network by name is joined instead of ours', async () => {
      await using world = await openWorld(engine);
      await using network = await createNetwork(engine, world.name('net'));
      const details = await inspectRun(world, 'stdio', ['--network', network.name]);
      // Podman calls every bridge network "bridge" here.
      expect(details.HostConfig.NetworkMode).toBe(engine.kind === 'podman' ? 'bridge' : network.name);
      expect(Object.keys(details.NetworkSettings.Networks)).toEqual([network.name]);
    });

    test('none: a stdio server serves without any network', async () => {
      await using world = await openWorld(engine);
      const details = await inspectRun(world, 'stdio', ['--network', 'none']);
      expect(details.HostConfig.NetworkMode).toBe('none');
      const { url } = await world.reached(details.Name.replace(/^\//, ''));
      await using client = await openStreamable(new URL('/mcp', url).href);
      expect(await client.request(1, 'ping')).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    });

    test('host: an HTTP server is reached at its own port', async () => {
      await using world = await openWorld(engine);
      const port = freePort();
      const details = await inspectRun(world, 'streamable-http', [
        '--network',
        'host',
        '--target-port',
        `${port}`,
      ]);
      expect(details.HostConfig.NetworkMode).toBe('host');
      const { url } = await world.reached(details.Name.replace(/^\//, ''));
      await using client = await openStreamable(url);
      expect(await client.request(1, 'ping')).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    });
  });

  test('arguments behind -- reach the server, later -- included', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '--',
      'echo',
      'a b',
      '--',
      '-x',
    ]);
    const { url } = await world.reached(name);
    await using client = await openStreamable(new URL('/mcp', url).href);
    const { result } = await client.request(1, 'tools/call', { name: 'args', arguments: {} });
    expect(result).toEqual({ content: [{ type: 'text', text: '["a b","--","-x"]' }] });
  });

  test('the proxy port asked for is the one announced', async () => {
    await using world = await openWorld(engine);
    const port = freePort();
    await inspectRun(world, 'stdio', ['--proxy-port', `${port}`, '--proxy-mode', 'streamable-http']);
    const listed = JSON.parse(await world.ok(['list', '--format', 'json']));
    expect(listed).toContainEqual(expect.objectContaining({ port, url: `http://127.0.0.1:${port}/mcp` }));
  });

  /** Runs an answering fixture with some flags until it serves, and looks at its container. */
  async function inspectRun(world: World, transport: string, flags: readonly string[], label?: string) {
    const name = world.name(label);
    const behaviour = transport === 'stdio' ? 'echo' : 'http';
    await world.ok([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      transport,
      ...flags,
      '--',
      behaviour,
    ]);
    await world.reached(name);
    const details = await engine.inspect(name);
    if (details === undefined) throw new Error(`no container ${name}`);
    return details;
  }
});

async function createNetwork(engine: Parameters<typeof engineRequest>[0], name: string) {
  const response = await engineRequest(
    engine,
    'POST',
    '/networks/create',
    JSON.stringify({ Name: name, Driver: 'bridge' }),
  );
  if (!response.ok) throw new Error(await response.text());
  return {
    name,
    async [Symbol.asyncDispose]() {
      await engineRequest(engine, 'DELETE', `/networks/${name}`);
    },
  };
}
