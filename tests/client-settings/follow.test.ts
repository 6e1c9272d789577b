import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { engineRequest } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onOneEngine } from '../harness/on-each-engine.ts';
import { callOnce } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

const BEFORE = '{\n  // mine\n  "mcpServers": {\n    "mine": { "command": "x" } // kept\n  }\n}\n';

function cursor(world: World): string {
  return join(world.home, '.cursor', 'mcp.json');
}

async function writeSettings(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

const textOf = (path: string) => (existsSync(path) ? readFile(path, 'utf8') : '');

function entryReads(path: string, wanted: string) {
  return waitFor(
    () => textOf(path),
    (text) => text.includes(wanted),
    { what: `${path} holds ${wanted}` },
  );
}

async function run(world: World, transport: string, more: readonly string[] = []): Promise<string> {
  const name = world.name(more.at(-1)?.replace(/\W/g, '') ?? 'a');
  const server = transport === 'stdio' ? 'echo' : 'http';
  await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', transport, ...more, '--', server]);
  return name;
}

// Settings of clients are written from the names and ports of workloads, which no engine has a say in: one engine will do.
onOneEngine((engine) => {
  describe.each([
    ['stdio', 'sse', 'http'],
    ['stdio', 'streamable-http', 'http'],
    ['streamable-http', '', 'http'],
  ])('a %s server (%s)', (transport, mode, type) => {
    test('its entry comes with run, goes with stop, comes back with start, and goes with rm', async () => {
      await using world = await openWorld(engine);
      await writeSettings(cursor(world), BEFORE);
      await world.ok(['client', 'register', 'cursor']);
      const name = await run(world, transport, mode === '' ? [] : ['--proxy-mode', mode]);
      const { port } = await world.reached(name);
      const url = `http://localhost:${port}/${type === 'sse' ? `sse#${name}` : 'mcp'}`;
      const served = JSON.parse((await readFile(cursor(world), 'utf8')).replaceAll(/\/\/ \w+/g, ''));
      expect(served.mcpServers).toEqual({ mine: { command: 'x' }, [name]: { url, type } });

      await world.ok(['stop', name]);
      expect(await readFile(cursor(world), 'utf8')).toBe(BEFORE);
      await world.ok(['start', name]);
      await world.reached(name);
      expect(await readFile(cursor(world), 'utf8')).toContain(url);
      await world.ok(['rm', name]);
      expect(await readFile(cursor(world), 'utf8')).toBe(BEFORE);
    });
  });

  test('a crash of the server leaves its entry alone', async () => {
    await using world = await openWorld(engine);
    await writeSettings(cursor(world), BEFORE);
    await world.ok(['client', 'register', 'cursor']);
    const name = await run(world, 'stdio');
    const { url } = await world.reached(name);
    await writeSettings(cursor(world), BEFORE); // so that a second writing would show
    const birth = await callOnce(url, 'birth');
    await callOnce(url, 'crash').catch(() => 'no answer, as it should be');
    await waitFor(
      () => callOnce(url, 'birth').catch(() => birth),
      (seen) => seen !== birth,
      { what: 'another process answers', deadlineMs: 30_000 },
    );
    await world.reached(name);
    expect(await readFile(cursor(world), 'utf8')).toBe(BEFORE);
  });

  test('another port replaces the entry', async () => {
    await using world = await openWorld(engine);
    await world.ok(['client', 'register', 'cursor']);
    const name = await run(world, 'stdio');
    const { port } = await world.reached(name);
    await entryReads(cursor(world), `http://localhost:${port}/`);
    await world.ok(['stop', name]);
    const document = join(world.state, 'runconfigs', `${name}.json`);
    const free = Bun.serve({ port: 0, fetch: () => new Response() });
    const other = free.port ?? 0;
    await free.stop(true);
    await writeFile(document, (await readFile(document, 'utf8')).replaceAll(`${port}`, `${other}`));
    await world.ok(['start', name]);
    await world.reached(name);
    const text = await readFile(cursor(world), 'utf8');
    expect(text).toContain(`http://localhost:${other}/`);
    expect(text).not.toContain(`http://localhost:${port}/`);
  });

  test('registering and removing a client while servers run', async () => {
    await using world = await openWorld(engine);
    const name = await run(world, 'stdio');
    const { port } = await world.reached(name);
    expect(await world.thv(['client', 'register', 'cursor'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `cursor had no settings file; it was created at ${cursor(world)}\n`,
    });
    expect(await readFile(cursor(world), 'utf8')).toContain(`http://localhost:${port}/mcp`);
    await world.ok(['client', 'remove', 'cursor']);
    expect(await readFile(cursor(world), 'utf8')).toBe('{}\n');
  });

  test('a client that cannot be written is a warning in the log, and the server runs', async () => {
    await using world = await openWorld(engine);
    await writeSettings(cursor(world), '{ broken');
    await writeSettings(join(world.home, '.codex', 'config.toml'), 'model = "x"\n');
    await world.ok(['client', 'register', 'cursor']);
    await world.ok(['client', 'register', 'codex']);
    const name = await run(world, 'stdio');
    await world.reached(name);
    expect(await readFile(cursor(world), 'utf8')).toBe('{ broken');
    expect(await readFile(join(world.home, '.codex', 'config.toml'), 'utf8')).toContain(
      `[mcp_servers.${name}]`,
    );
    expect(await world.ok(['logs', name, '--proxy'])).toContain('failed to change the settings of a client');
    await world.ok(['rm', name]);
    expect(await readFile(join(world.home, '.codex', 'config.toml'), 'utf8')).toBe('model = "x"\n');
  });

  test('a group’s clients see its servers only, and group rm moves them', async () => {
    await using world = await openWorld(engine);
    await world.ok(['group', 'create', 'web']);
    await world.ok(['client', 'register', 'cursor', '--group', 'web']);
    await world.ok(['client', 'register', 'kiro']);
    const kiro = join(world.home, '.kiro', 'settings', 'mcp.json');
    const inWeb = await run(world, 'stdio', ['--group', 'web']);
    const inDefault = await run(world, 'stdio');
    expect(await world.reached(inWeb)).toMatchObject({ group: 'web' });
    await world.reached(inDefault);
    expect(Object.keys(JSON.parse(await readFile(cursor(world), 'utf8')).mcpServers)).toEqual([inWeb]);
    expect(Object.keys(JSON.parse(await readFile(kiro, 'utf8')).mcpServers)).toEqual([inDefault]);
    const listed = await world.ok(['list', '--group', 'web', '--format', 'json']);
    expect(JSON.parse(listed).map(({ name }: { name: string }) => name)).toEqual([inWeb]);

    await world.ok(['group', 'rm', 'web', '--yes']);
    expect(await readFile(cursor(world), 'utf8')).toBe('{}\n');
    expect(Object.keys(JSON.parse(await readFile(kiro, 'utf8')).mcpServers).sort()).toEqual(
      [inWeb, inDefault].sort(),
    );
    expect(await world.find(inWeb)).toMatchObject({ group: 'default', status: 'running' });
    await world.ok(['stop', '--group', 'default']);
    expect(await readFile(kiro, 'utf8')).toBe('{}\n');
  });

  test('group rm --with-workloads deletes the group’s servers and no others', async () => {
    await using world = await openWorld(engine);
    await world.ok(['group', 'create', 'web']);
    const inWeb = await run(world, 'stdio', ['--group', 'web']);
    const inDefault = await run(world, 'stdio');
    await world.reached(inWeb);
    await world.reached(inDefault);
    await world.ok(['group', 'rm', 'web', '--with-workloads', '--yes']);
    expect(await world.find(inWeb)).toBeUndefined();
    expect(await engine.inspect(inWeb)).toBeUndefined();
    expect(await world.find(inDefault)).toMatchObject({ status: 'running' });
    expect(await world.ok(['group', 'list'])).toBe('NAME\ndefault\n');
  });

  test('a server without a group is seen by the clients of config.yaml', async () => {
    await using world = await openWorld(engine);
    await world.ok(['client', 'register', 'cursor', '--group', '']);
    const name = await run(world, 'stdio', ['--group', '']);
    expect((await world.reached(name)).group).toBeUndefined();
    expect(Object.keys(JSON.parse(await readFile(cursor(world), 'utf8')).mcpServers)).toEqual([name]);
  });

  test('run into a group that is not there leaves nothing behind', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    expect(await world.thv(['run', FIXTURE_IMAGE, '--name', name, '--group', 'nope'])).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: "Error: group 'nope' does not exist\n",
    });
    expect(await world.find(name)).toBeUndefined();
  });

  test('a run in the foreground takes its entry with it', async () => {
    await using world = await openWorld(engine);
    await world.ok(['client', 'register', 'cursor']);
    const name = world.name();
    const running = world.start([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '-f',
      '--',
      'echo',
    ]);
    await entryReads(cursor(world), name);
    running.signal('SIGINT');
    expect((await running.finished()).exitCode).toBe(0);
    expect(await readFile(cursor(world), 'utf8')).toBe('{}\n');
  });

  test('a server of a client’s settings becomes a workload, its secret goes to the store', async () => {
    await using world = await openWorld(engine, { env: { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' } });
    await world.ok(['secret', 'provider', 'encrypted']);
    const name = world.name();
    const volume = world.name('volume');
    await using _ = {
      [Symbol.asyncDispose]: async () =>
        void (await engineRequest(engine, 'DELETE', `/volumes/${volume}?force=1`)),
    };
    await mkdir(join(world.home, 'folder'));
    await mkdir(join(world.work, volume)); // not meant by the name of a volume
    const entry = {
      command: 'docker',
      args: [
        ...['run', '-i', '--rm', '-e', 'API_TOKEN', '-e', 'MODE=x', '-v', `${volume}:/data:rw`],
        ...['-v', '~/folder:/folder:ro', FIXTURE_IMAGE, 'echo'],
      ],
      env: { API_TOKEN: 'planted-value' },
    };
    await writeSettings(cursor(world), JSON.stringify({ mcpServers: { [name]: entry } }));
    await world.ok(['client', 'import', 'cursor', name, '--yes']);
    await world.reached(name);
    const document = await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8');
    expect(document).not.toContain('planted-value');
    expect(JSON.parse(document)).toMatchObject({
      image: FIXTURE_IMAGE,
      cmd_args: ['echo'],
      secrets: [`${name}-API_TOKEN,target=API_TOKEN`],
      env_vars: { MODE: 'x' },
    });
    expect(await world.ok(['secret', 'get', `${name}-API_TOKEN`])).toBe('planted-value\n');
    const details = await engine.inspect(name);
    expect(details?.Config.Env).toContain('API_TOKEN=planted-value');
    expect(details?.Mounts.toSorted((a, b) => (a.Destination < b.Destination ? -1 : 1))).toMatchObject([
      { Type: 'volume', Name: volume, Destination: '/data', RW: true },
      { Type: 'bind', Source: join(world.home, 'folder'), Destination: '/folder', RW: false },
    ]);
    await world.ok(['rm', name]);
  });
});
