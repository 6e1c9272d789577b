import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callOnce, post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

onEachEngine((engine) => {
  describe.each(['stdio', 'streamable-http'] as const)('a %s server', (transport) => {
    test('run, list, stop, start, rm: the URL is the same for as long as the workload exists', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world, transport);
      const running = await world.reached(name);
      const mode = transport === 'stdio' ? 'sse' : 'streamable-http';
      expect(running).toMatchObject({
        name,
        package: expect.stringContaining(FIXTURE_IMAGE),
        transport_type: transport,
        proxy_mode: mode,
        group: 'default',
        url: `http://127.0.0.1:${running.port}/${mode === 'sse' ? `sse#${name}` : 'mcp'}`,
      });
      expect(await echo(running.url)).toBe('hello');

      expect(await world.thv(['stop', name])).toMatchObject({ exitCode: 0, stdout: '' });
      expect((await engine.inspect(name))?.State.Running).toBe(false);
      expect(await world.ok(['list'])).not.toContain(name);
      expect(await world.find(name)).toMatchObject({
        status: 'stopped',
        url: running.url,
        port: running.port,
      });
      await expect(fetch(running.url)).rejects.toThrow();

      expect(await world.thv(['start', name])).toMatchObject({ exitCode: 0, stdout: '' });
      expect(await world.reached(name)).toMatchObject({ url: running.url, port: running.port });
      expect(await echo(running.url)).toBe('hello');

      expect(await world.thv(['rm', name])).toMatchObject({ exitCode: 0, stdout: '' });
      expect(await engine.inspect(name)).toBeUndefined();
      expect(await world.find(name)).toBeUndefined();
      expect(leftFiles(world, name)).toEqual([]);
      await expect(fetch(running.url)).rejects.toThrow();
    });

    test('a server that crashes comes back at the same URL', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world, transport);
      const { url } = await world.reached(name);
      const birth = await callOnce(url, 'birth');
      await callOnce(url, 'crash').catch(() => 'no answer, as it should be');
      const reborn = await waitFor(
        () => callOnce(url, 'birth'),
        (seen) => seen !== birth,
        {
          what: 'another process answers',
          deadlineMs: 30_000,
        },
      );
      expect(reborn).not.toBe(birth);
      expect((await world.reached(name)).url).toBe(url);
    });

    test('a container removed behind our back is told by list, and start makes a new one', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world, transport);
      const { url } = await world.reached(name);
      await engine.remove(name);
      expect((await world.reached(name, 'unhealthy')).url).toBe(url);
      expect(await world.thv(['status', name, '--format', 'json'])).toMatchObject({ exitCode: 0 });
      expect(await world.thv(['logs', name])).toEqual({
        exitCode: 1,
        stdout: '',
        stderr: `Error: container logs for workload ${name} not found, use --proxy to get proxy logs\n`,
      });

      await world.ok(['start', name]);
      expect((await world.reached(name)).url).toBe(url);
      expect(await echo(url)).toBe('hello');
    });

    test('rm of a workload whose container vanished leaves nothing', async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world, transport);
      await world.reached(name);
      await engine.remove(name);
      expect(await world.thv(['rm', name])).toMatchObject({ exitCode: 0, stdout: '' });
      expect(await world.find(name)).toBeUndefined();
      expect(leftFiles(world, name)).toEqual([]);
      expect(await engine.inspect(name)).toBeUndefined();
    });
  });

  test('a server that ends at once is not shown as running, and its last words are in the logs', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--', 'exit']);
    await waitFor(
      () => world.ok(['logs', name]),
      (text) => text.includes('fixture: no credentials in the environment\n'),
      {
        what: 'the logs hold what the server said',
      },
    );
    expect((await world.find(name))?.status).toMatch(/^(starting|error|unhealthy)$/);
    expect(await world.thv(['list'])).toMatchObject({
      exitCode: 0,
      stdout: expect.not.stringContaining(name),
    });

    expect(await world.thv(['stop', name])).toMatchObject({ exitCode: 0 });
    expect((await world.find(name))?.status).toBe('stopped');
    expect((await engine.inspect(name))?.State.Running).toBe(false);
  });

  test('stop kills a server that does not listen to SIGTERM after --timeout seconds', async () => {
    await using world = await openWorld(engine);
    const name = await runFixture(world, 'stdio', 'stubborn');
    await world.reached(name);
    const startedAt = performance.now();
    expect(await world.thv(['stop', name, '--timeout', '1'])).toMatchObject({ exitCode: 0 });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect((await engine.inspect(name))?.State.Running).toBe(false);
  });

  // Under Podman the server's stdin ends with its supervisor, and most often it is down before anybody can interrupt.
  test.skipIf(engine.kind === 'podman')(
    'a stop that is interrupted is over when the engine is done, and says so',
    async () => {
      await using world = await openWorld(engine);
      const name = await runFixture(world, 'stdio', 'stubborn');
      await world.reached(name);
      const stopping = world.start(['stop', name, '--timeout', '4']);
      await world.reached(name, 'stopping');
      await Bun.sleep(500); // the engine has to have heard of it
      stopping.signal('SIGINT');
      expect(await stopping.finished()).toEqual({
        exitCode: 130,
        stdout: '',
        stderr: `Error: failed to stop workload ${name}: interrupted while it was ending. Hint: 'thv stop ${name}' waits for it again\n`,
      });
      expect(await world.find(name)).toMatchObject({ status: 'stopping' });
      await world.reached(name, 'stopped');
      expect((await engine.inspect(name))?.State.Running).toBe(false);
    },
  );

  test('stop, start and rm of several names act on each', async () => {
    await using world = await openWorld(engine);
    const names = await Promise.all(
      ['a', 'b', 'c'].map((label) => runFixture(world, 'stdio', 'echo', label)),
    );
    for (const name of names) await world.reached(name);
    await world.ok(['stop', ...names]);
    expect(await Promise.all(names.map((name) => world.find(name)))).toMatchObject(
      names.map(() => ({ status: 'stopped' })),
    );
    const nobody = `${names[0]}-nobody`;
    expect(await world.thv(['rm', ...names, nobody])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `workload '${nobody}' not found. Hint: use 'thv list --all' to see available workloads\n`,
    });
    expect(await Promise.all(names.map((name) => world.find(name)))).toEqual(names.map(() => undefined));
  });

  test('what is done already succeeds: stop of a stopped, start of a running, rm of a removed workload', async () => {
    await using world = await openWorld(engine);
    const name = await runFixture(world, 'stdio');
    const { url } = await world.reached(name);
    const birth = await callOnce(url, 'birth');
    expect(await world.thv(['start', name])).toMatchObject({ exitCode: 0 });
    expect(await callOnce(url, 'birth')).toBe(birth);
    for (const command of ['stop', 'stop', 'rm', 'rm']) {
      expect(await world.thv([command, name])).toMatchObject({ exitCode: 0, stdout: '' });
    }
    expect(leftFiles(world, name)).toEqual([]);
  });

  test('logs of a name that never was say where names are', async () => {
    await using world = await openWorld(engine);
    expect((await world.thv(['logs', 'nobody-there'])).stderr).toBe(
      "Error: workload not found: nobody-there. Hint: use 'thv list --all' to see available workloads\n",
    );
  });

  test('start of a name that never was is an error', async () => {
    await using world = await openWorld(engine);
    const name = world.name('never');
    expect(await world.thv(['start', name])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to restart workload ${name}: failed to load state for ${name}: run config not found: ${name}. Hint: use 'thv list --all' to see available workloads\n`,
    });
    expect(leftFiles(world, name)).toEqual([]);
  });

  test('a second run under a name in use is refused and leaves the first alone', async () => {
    await using world = await openWorld(engine);
    const name = await runFixture(world, 'stdio');
    const { url } = await world.reached(name);
    expect(await world.thv(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: workload with name '${name}' already exists\n`,
    });
    expect(await echo(url)).toBe('hello');
  });

  test('status and list show the same in text and in JSON', async () => {
    await using world = await openWorld(engine);
    const name = await runFixture(world, 'stdio');
    const listed = await world.reached(name);
    const header = (await world.ok(['list'])).split('\n')[0];
    expect(header?.split(/ {3,}/)).toEqual(['NAME', 'PACKAGE', 'STATUS', 'URL', 'PORT', 'GROUP', 'CREATED']);
    const row = (await world.ok(['list'])).split('\n').find((line) => line.startsWith(`${name} `));
    expect(row?.split(/ {3,}/).slice(0, 6)).toEqual([
      name,
      listed.package,
      'running',
      listed.url,
      `${listed.port}`,
      'default',
    ]);
    expect(JSON.parse(await world.ok(['status', name, '--format', 'json']))).toMatchObject({
      name,
      status: 'running',
      package: listed.package,
      url: listed.url,
      port: listed.port,
      transport: 'stdio',
      proxy_mode: 'sse',
      group: 'default',
    });
    const text = await world.ok(['status', name]);
    for (const line of [
      `Name: +${name}`,
      'Status: +running',
      `URL: +${listed.url}`,
      `Port: +${listed.port}`,
      'Transport: +stdio',
    ])
      expect(text).toMatch(new RegExp(`^${line}$`, 'm'));
    const servers = JSON.parse(await world.ok(['list', '--format', 'mcpservers'])).mcpServers;
    expect(servers[name]).toEqual({ type: 'sse', url: listed.url });
  });

  test('logs shows both streams of the server; --follow goes on until Ctrl-C and then exits 0', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'streamable-http', '--', 'http']);
    const { port } = await world.reached(name);
    const target = (await engine.inspect(name))?.Config.Env.find((entry) =>
      entry.startsWith('MCP_PORT='),
    )?.slice(9);
    expect(await world.ok(['logs', name])).toBe(`fixture: listening on ${target}\n`);

    const follower = world.start(['logs', name, '--follow']);
    await waitFor(
      () => follower.stderr + follower.stdout,
      (text) => text.includes('listening'),
      { what: 'the log is shown' },
    );
    await post(`http://127.0.0.1:${port}/mcp`, '{"jsonrpc":"2.0","id":1,"method":"ping"}');
    follower.signal('SIGINT');
    expect(await follower.finished()).toMatchObject({ exitCode: 0 });
  });

  test('logs --proxy shows the workload’s own log, and it goes with the workload', async () => {
    await using world = await openWorld(engine);
    const name = await runFixture(world, 'stdio');
    await world.reached(name);
    const log = join(world.data, 'logs', `${name}.log`);
    const shown = await world.ok(['logs', name, '--proxy']);
    expect(shown).toContain('"msg":"listening"');
    // More may have been written since.
    expect(await Bun.file(log).text()).toStartWith(shown);
    await world.ok(['rm', name]);
    expect(existsSync(log)).toBe(false);
  });
});

/** Runs an answering fixture and returns the workload's name. */
async function runFixture(
  world: World,
  transport: string,
  behaviour?: string,
  label?: string,
): Promise<string> {
  const name = world.name(label);
  const server = behaviour ?? (transport === 'stdio' ? 'echo' : 'http');
  await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', transport, '--', server]);
  return name;
}

function echo(url: string): Promise<string> {
  return callOnce(url, 'echo', { message: 'hello' });
}

/** Documents and status files of a workload. */
function leftFiles(world: World, name: string): readonly string[] {
  return [
    join(world.state, 'runconfigs', `${name}.json`),
    join(world.data, 'statuses', `${name}.json`),
  ].filter(existsSync);
}
