import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { gone, processesWith, SANDBOXES } from '../processes/runner.ts';

const EVERYTHING = 'npx://@modelcontextprotocol/server-everything';
const MEMORY = 'npx://@modelcontextprotocol/server-memory';

/** Registry settings of this machine, for a world with a home of its own. */
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^npm_config_/i.test(entry[0]),
  ),
);

describe.each([...SANDBOXES])('without a container engine, in %s', (sandbox) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: { ...REGISTRY, TOOLHIVE_SANDBOX: sandbox } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const supervisorOf = async () => {
    const host = (await world.processes()).find(
      ({ command }) => / host$/.test(command) && !/^sh /.test(command),
    );
    if (host === undefined) throw new Error('no workload host');
    return host.pid;
  };
  const folderOf = (name: string) => join(world.data, 'processes', name);
  /** By the path of what they run, which is seen from outside of every sandbox. */
  const servers = () => processesWith(join(world.data, 'packages'));
  const serversGone = () => gone(join(world.data, 'packages'));

  test('an npm package runs, is listed, stopped, started and removed like any other', async () => {
    const name = world.name('life');
    const { exitCode, stdout, stderr } = await world.thv([
      'run',
      EVERYTHING,
      '--name',
      name,
      '--transport',
      'stdio',
      '--proxy-mode',
      'streamable-http',
    ]);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringMatching(
        /^Successfully installed npx:\/\/@modelcontextprotocol\/server-everything@\d+\.\d+\.\d+\n$/,
      ),
    });
    expect(stderr).toContain('no container engine answers: the package runs as a process');
    const listed = await world.reached(name);
    expect(listed).toMatchObject({
      package: expect.stringMatching(/^npx:\/\/@modelcontextprotocol\/server-everything@\d+\.\d+\.\d+$/),
      runtime: 'process',
      confined: true,
    });
    const mcp = await openMcpClient(listed.url);
    expect(await mcp.call('echo', { message: 'hello' })).toBe('Echo: hello');
    expect(JSON.parse(await mcp.call('get-env'))).toMatchObject({ HOME: '/work', MCP_TRANSPORT: 'stdio' });
    expect(await world.ok(['logs', name])).toContain('Starting default (STDIO) server');
    expect(await world.ok(['status', name])).toMatch(/^Runtime: +process$/m);

    await world.ok(['stop', name]);
    expect(await world.find(name)).toMatchObject({ status: 'stopped' });
    await serversGone();
    await world.ok(['start', name]);
    await world.reached(name);
    expect(await mcp.call('echo', { message: 'again' })).toBe('Echo: again');
    await mcp[Symbol.asyncDispose]();

    await world.ok(['rm', name]);
    // Whose engine was named, and does not answer, is told so as soon as no process is left.
    const all = await world.ok(['list', '--all'], { env: { TOOLHIVE_RUNTIME: 'process' } });
    expect(all).not.toContain(name);
    expect(existsSync(folderOf(name))).toBe(false);
    await serversGone();
  });

  test('sessions outlive the server, and the workload host killed with -9', async () => {
    const name = world.name('crash');
    await world.ok([
      'run',
      EVERYTHING,
      '--name',
      name,
      '--transport',
      'stdio',
      '--proxy-mode',
      'streamable-http',
    ]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    expect(await mcp.call('echo', { message: 'before' })).toBe('Echo: before');
    const session = mcp.sessionId;

    const [server] = await servers();
    if (server === undefined) throw new Error('no server');
    process.kill(Number(server.split(' ')[0]), 'SIGKILL');
    await waitFor(
      () => mcp.call('echo', { message: 'between' }).catch(String),
      (text) => text === 'Echo: between',
      {
        what: 'the server answers after its end',
        deadlineMs: 20_000,
      },
    );

    const before = await supervisorOf();
    const old = await servers();
    process.kill(before, 'SIGKILL');
    await waitFor(supervisorOf, (pid) => pid !== before, { what: 'the guard has started another host' });
    await waitFor(
      () => mcp.call('echo', { message: 'after' }).catch(String),
      (text) => text === 'Echo: after',
      {
        what: 'the server answers after the end of its host',
        deadlineMs: 20_000,
      },
    );
    expect(mcp.sessionId).toBe(session);
    // None of the old ones is left beside the new.
    expect((await servers()).filter((line) => old.includes(line))).toEqual([]);
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  });

  test('an HTTP server without a network is reached through its proxy only', async () => {
    const name = world.name('http');
    const flags = ['--transport', 'streamable-http', '--permission-profile', 'none'];
    const port = ['--target-port', '3128', '-e', 'PORT=3128'];
    await world.ok(['run', EVERYTHING, '--name', name, ...flags, ...port, '--', 'streamableHttp']);
    const { url } = await world.reached(name);
    const mcp = await openMcpClient(url);
    expect(await mcp.call('get-sum', { a: 2, b: 40 })).toBe('The sum of 2 and 40 is 42.');
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  });

  test('volumes and the profile’s files are all it sees of this machine', async () => {
    const name = world.name('files');
    const folder = join(world.work, 'notes');
    await mkdir(folder);
    await writeFile(join(folder, 'a.txt'), 'from this machine');
    await writeFile(join(world.home, 'secret'), 'not for you');
    const profile = join(world.work, 'profile.json');
    await writeFile(profile, JSON.stringify({ read: [`${folder}:/notes`], network: { outbound: {} } }));
    await world.ok([
      ...['run', 'npx://@modelcontextprotocol/server-filesystem', '--name', name, '--transport', 'stdio'],
      ...['--proxy-mode', 'streamable-http', '--permission-profile', profile, '-v', `${folder}:/mine`],
      ...['--', '/notes', '/mine', '/'],
    ]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    expect(await mcp.call('read_text_file', { path: '/notes/a.txt' })).toBe('from this machine');
    await mcp.call('write_file', { path: '/mine/b.txt', content: 'by the server' });
    expect(await readFile(join(folder, 'b.txt'), 'utf8')).toBe('by the server');
    expect(await mcp.call('write_file', { path: '/notes/c.txt', content: 'x' })).toContain('EROFS');
    expect(await mcp.call('read_text_file', { path: join(world.home, 'secret') })).toContain('ENOENT');
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  });

  test('what the profile does not grant is refused, and told in the log of the workload', async () => {
    const name = world.name('egress');
    const profile = join(world.work, 'egress.json');
    const outbound = { allow_host: ['granted.example'] };
    await writeFile(profile, JSON.stringify({ network: { outbound } }));
    const flags = [
      '--transport',
      'stdio',
      '--proxy-mode',
      'streamable-http',
      '--permission-profile',
      profile,
    ];
    await world.ok(['run', EVERYTHING, '--name', name, ...flags]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    const { HTTP_PROXY: proxy } = JSON.parse(await mcp.call('get-env'));
    expect(proxy).toBe('http://127.0.0.1:3128');
    // A tool of the server that fetches what it is told to.
    const fetched = (url: string) =>
      mcp.call('gzip-file-as-resource', { name: 'a.gz', data: url, outputType: 'resource' });
    await fetched('http://denied.example/').catch(() => undefined);
    await waitFor(
      () => world.ok(['logs', name, '--proxy']),
      (log) => log.includes('"host":"denied.example","port":80'),
      { what: 'the denied connection is in the log' },
    );
    const [line = ''] = (await world.ok(['logs', name, '--network', '--format', 'json'])).split('\n');
    const denied = {
      verdict: 'refused',
      protocol: 'http',
      host: 'denied.example',
      port: 80,
      rule: 'not granted by the permission profile',
      remedy: 'outbound.allow_host: ["denied.example"]',
      count: 1,
    };
    expect(JSON.parse(line)).toEqual({ at: expect.any(String), ...denied });
    expect(await world.ok(['logs', name, '--network'])).toMatch(
      /^[\d-]{10} [\d:]{8} refused http denied\.example:80: not granted by the permission profile; outbound\.allow_host: \["denied\.example"\] would allow it\n$/,
    );
    expect(await world.ok(['status', name])).toContain(
      `1 refused connection, the last to denied.example:80 ('thv logs ${name} --network' shows it)`,
    );
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
    expect(existsSync(join(world.data, 'network', `${name}.log`))).toBe(false);
  });

  test('what a server used of the network becomes a profile with which it can do the same, and nothing else', async () => {
    const name = world.name('learn');
    const learned = join(world.work, `learned-${sandbox}.json`);
    const address = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (address === undefined) throw new Error('this machine has no address to serve on');
    using used = Bun.serve({ hostname: address, port: 0, fetch: () => new Response('granted') });
    using other = Bun.serve({ hostname: address, port: 0, fetch: () => new Response('denied') });
    const run = (flags: readonly string[]) =>
      world.ok(['run', EVERYTHING, '--name', name, '--proxy-mode', 'streamable-http', ...flags]);
    const fetched = async (
      { client }: Awaited<ReturnType<typeof openMcpClient>>,
      port: number | undefined,
    ) => {
      const data = `http://${address}:${port}/`;
      const call = {
        name: 'gzip-file-as-resource',
        arguments: { name: 'a.gz', data, outputType: 'resource' },
      };
      return (await client.callTool(call)).isError !== true;
    };

    await run(['--learn-permissions', learned]);
    {
      await using mcp = await openMcpClient((await world.reached(name)).url);
      expect(await fetched(mcp, used.port)).toBe(true);
    }
    const stopped = await world.thv(['stop', name]);
    expect(stopped.stderr).toContain(`wrote what ${name} used of the network to ${learned}: 1 host.`);
    expect(stopped.stderr).toContain('It does not cover files');
    expect(JSON.parse(await readFile(learned, 'utf8'))).toEqual({
      network: { outbound: { allow_host: [address], allow_port: [used.port] } },
    });
    await world.ok(['rm', name]);

    expect(
      (await world.thv(['run', EVERYTHING, '--name', name, '--learn-permissions', learned])).stderr,
    ).toContain(`--learn-permissions ${learned}: the file exists. Hint: name a file that does not exist yet`);
    await run(['--permission-profile', learned]);
    {
      await using mcp = await openMcpClient((await world.reached(name)).url);
      expect(await fetched(mcp, used.port)).toBe(true);
      await fetched(mcp, other.port);
    }
    const refused = (await world.ok(['logs', name, '--network'])).trimEnd().split('\n');
    expect(refused).toEqual([expect.stringContaining(` refused http ${address}:${other.port}: `)]);
    await world.ok(['rm', name]);
  });

  test('a message of many megabytes passes both ways', async () => {
    const name = world.name('large');
    const flags = ['--transport', 'stdio', '--proxy-mode', 'streamable-http'];
    await world.ok(['run', EVERYTHING, '--name', name, ...flags]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    const message = 'ä'.repeat(1_500_000);
    expect(await mcp.call('echo', { message })).toBe(`Echo: ${message}`);
    const many = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        mcp.call('echo', { message: `${index} ${message.slice(0, 100_000)}` }),
      ),
    );
    expect(many.every((text, index) => text.startsWith(`Echo: ${index} `))).toBe(true);
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  });

  test('in the foreground, and in a process of its own, it ends with the one that serves it', async () => {
    const name = world.name('front');
    const front = world.start(['run', MEMORY, '--name', name, '--transport', 'stdio', '--foreground']);
    await world.reached(name);
    expect(await servers()).not.toEqual([]);
    front.signal('SIGINT');
    await front.finished();
    await serversGone();
    const dedicated = { env: { TOOLHIVE_WORKLOAD_HOST: 'dedicated' } };
    await world.ok(['run', MEMORY, '--name', name, '--transport', 'stdio'], dedicated);
    await world.reached(name);
    await world.ok(['stop', name], dedicated);
    await serversGone();
    await world.ok(['rm', name], dedicated);
  });

  test('what is installed is started without a network, also by another workload', async () => {
    const offline = {
      env: { npm_config_registry: 'http://127.0.0.1:9/', NPM_CONFIG_REGISTRY: 'http://127.0.0.1:9/' },
    };
    const [one, other] = [world.name('warm1'), world.name('warm2')];
    const flags = ['--transport', 'stdio', '--permission-profile', 'none', '--runtime', 'process'];
    await world.ok(['run', MEMORY, '--name', one, ...flags]);
    const { package: reference } = await world.reached(one);
    expect(await world.ok(['run', reference, '--name', other, ...flags], offline)).toBe('');
    await world.reached(other);
    await world.ok(['rm', one, other]);
  });

  test('without confinement it says so on every start, and is marked', async () => {
    const name = world.name('free');
    const { stderr } = await world.thv([
      'run',
      MEMORY,
      '--name',
      name,
      '--transport',
      'stdio',
      '--no-sandbox',
    ]);
    expect(stderr).toContain('NOT CONFINED');
    await world.reached(name);
    expect(await world.ok(['list'])).toMatch(/server-memory@\S+ \(NOT CONFINED\)/);
    expect(await world.ok(['status', name])).toMatch(/^Sandbox: +none, it has all rights of its user$/m);
    await world.ok(['stop', name]);
    expect((await world.thv(['start', name])).stderr).toContain('NOT CONFINED');
    await world.reached(name);
    await world.ok(['rm', name]);
    await serversGone();
  });
});

onEachEngine((engine) => {
  test('beside containers, processes are asked for, and listed with them', async () => {
    await using world = await openWorld(engine, { env: REGISTRY });
    const [inside, outside] = [world.name('container'), world.name('process')];
    await world.ok(['run', FIXTURE_IMAGE, '--name', inside, '--transport', 'stdio', '--', 'echo']);
    await world.ok(['run', MEMORY, '--name', outside, '--transport', 'stdio', '--runtime', 'process']);
    await world.reached(outside);
    expect(await world.reached(inside)).not.toHaveProperty('runtime');
    expect(await world.reached(outside)).toMatchObject({ runtime: 'process', confined: true });
    const taken = await world.thv(['run', MEMORY, '--name', inside, '--runtime', 'process']);
    expect(taken.stderr).toContain(`workload with name '${inside}' already exists`);
    const useless = await world.thv(['run', MEMORY, '--no-sandbox']);
    expect(useless.stderr).toBe(
      'Error: --no-sandbox does not apply to containers. Hint: add --runtime process to run the package as a process\n',
    );
    await world.ok(['stop', inside, outside]);
    expect(await world.find(outside)).toMatchObject({ status: 'stopped' });
    await world.ok(['rm', inside, outside]);
  });
});

describe('refused', () => {
  const ROWS: readonly (readonly [what: string, args: readonly string[], stderr: string | RegExp])[] = [
    [
      'an image as a process',
      ['alpine:3', '--runtime', 'process'],
      'Error: alpine:3 cannot be run as a process: it is no npx://, uvx:// or go:// package, and no local folder. Hint: give a package or the path of a folder, or use --runtime auto\n',
    ],
    [
      'an unknown runtime',
      [MEMORY, '--runtime', 'vm'],
      'Error: runtime "vm" not found. Available runtimes: auto, docker, podman, process\n',
    ],
    [
      'published ports of a process',
      [MEMORY, '--runtime', 'process', '--transport', 'sse', '-p', '8080'],
      /--publish does not apply to processes\. Hint: leave out --publish, or add --runtime docker to run it in a container\n$/,
    ],
    [
      'a network of an engine for a process',
      [MEMORY, '--runtime', 'process', '--network', 'my-net'],
      /a process cannot be connected to network "my-net": only none and host apply to processes\n$/,
    ],
    [
      'a named volume for a process',
      [MEMORY, '--runtime', 'process', '-v', 'thv-test-data:/data'],
      /the named volume thv-test-data does not apply to processes: it belongs to a container engine\. Hint: give a folder: -v \.\/thv-test-data:\/data\n$/,
    ],
    [
      'a package, when an engine is asked for',
      [MEMORY, '--runtime', 'docker'],
      /failed to create container runtime/,
    ],
    [
      'a package that does not exist',
      ['npx://@thv-test/there-is-no-such-package', '--runtime', 'process'],
      /package @thv-test\/there-is-no-such-package@latest not found: /,
    ],
  ];

  test.each(ROWS)('%s', async (_, args, expected) => {
    await using world = await openWorld(undefined, { env: REGISTRY });
    const { exitCode, stdout, stderr } = await world.thv(['run', ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    if (typeof expected === 'string') expect(stderr).toBe(expected);
    else expect(stderr).toMatch(expected);
    expect(await world.ok(['list', '--all'], { env: { TOOLHIVE_RUNTIME: 'process' } })).toBe(
      'No MCP servers found\n',
    );
  });

  test('a sandbox that there is not is told as that', async () => {
    await using world = await openWorld(undefined, { env: { ...REGISTRY, TOOLHIVE_SANDBOX: 'chroot' } });
    const { exitCode, stderr } = await world.thv(['run', MEMORY]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'TOOLHIVE_SANDBOX names chroot; there are bubblewrap and namespaces. Hint: unset it to use the one that works here',
    );
  });
});
