import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { startApi } from '../api/server.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { findUv } from '../processes/find-uv.ts';
import { SANDBOXES } from '../processes/runner.ts';

const FIXTURES = join(import.meta.dir, '..', 'fixtures');

/** Registry settings of this machine, for a world with a home of its own. */
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && /^(?:npm_config_|uv_|ssl_)/i.test(entry[0]),
  ),
);

/** A server without dependencies that lets some time pass before it ends as asked, and then leaves a file. */
const SLOW_END = `
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
console.error('server starts');
process.on('SIGTERM', () => {
  console.error('server is asked to end');
  setTimeout(() => {
    writeFileSync('/mine/ended', 'by itself');
    console.error('last words');
    process.exit(0);
  }, Number(process.argv[2]));
});
setInterval(() => undefined, 1000);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined || method !== 'initialize') continue;
  const result = { protocolVersion: params.protocolVersion, capabilities: {}, serverInfo: { name: 's', version: '1' } };
  process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
}
`;

const STDIO = ['--transport', 'stdio', '--proxy-mode', 'streamable-http', '--permission-profile', 'none'];

async function folderWith(world: World, name: string, files: Readonly<Record<string, string>>) {
  const folder = join(world.work, name);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
  return folder;
}

async function copyOfFixture(world: World, kind: string): Promise<string> {
  const folder = join(world.work, kind);
  await cp(join(FIXTURES, 'folders', kind), folder, { recursive: true });
  return folder;
}

async function factsOf(world: World, name: string): Promise<Record<string, unknown>> {
  await using mcp = await openMcpClient((await world.reached(name)).url);
  return JSON.parse(await mcp.call('facts'));
}

describe.each([...SANDBOXES])('a local folder as a process, in %s', (sandbox) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(undefined, { env: { ...REGISTRY, TOOLHIVE_SANDBOX: sandbox } });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  test('what a package.json names runs from a copy, with dependencies by the lock file, and as it is now at each start', async () => {
    const name = world.name('node');
    const folder = await copyOfFixture(world, 'node');
    const refused = await world.thv(['run', './node', '--name', name, ...STDIO]);
    expect(refused.stderr).toContain(
      'its program dist/server.js is not in the folder, or is left out by .dockerignore or .thvignore. Hint: build it first, or use --allow-install-scripts, which runs its build script',
    );
    const source = await Bun.file(join(folder, 'server.js')).text();
    await mkdir(join(folder, 'dist'));
    await writeFile(join(folder, 'dist', 'server.js'), source.replace('GREETING', 'one'));
    await writeFile(join(folder, '.env'), 'TOKEN=1');
    await writeFile(join(folder, '.npmrc'), '//registry.example/:_authToken=secret');
    await writeFile(join(folder, 'Dockerfile'), 'FROM scratch');
    await symlink(world.home, join(folder, 'home'));
    await world.ok(['run', './node', '--name', name, ...STDIO, '--', 'a word']);
    expect(await world.reached(name)).toMatchObject({ package: folder, runtime: 'process', confined: true });
    const facts = await factsOf(world, name);
    expect(facts).toMatchObject({
      greeting: 'one',
      dependency: '2.1.1',
      modules: ['ms'],
      words: ['a word'],
    });
    expect(facts['files']).toEqual(
      expect.arrayContaining(['build.js', 'dist', 'node_modules', 'package.json', 'server.js']),
    );
    for (const left of ['.env', '.npmrc', 'home']) expect(facts['files']).not.toContain(left);
    expect(existsSync(join(folder, 'node_modules'))).toBe(false);

    await world.ok(['stop', name]);
    await writeFile(join(folder, 'dist', 'server.js'), source.replace('GREETING', 'two'));
    await world.ok(['start', name]);
    expect(await factsOf(world, name)).toMatchObject({ greeting: 'two' });
    await world.ok(['rm', name]);
  });

  test('its build script is run when it is allowed to', async () => {
    const name = world.name('build');
    await rm(join(world.work, 'node'), { recursive: true, force: true });
    await copyOfFixture(world, 'node');
    await world.ok(['run', './node', '--name', name, '--allow-install-scripts', ...STDIO]);
    expect(await factsOf(world, name)).toMatchObject({ greeting: 'A&B', dependency: '2.1.1' });
    await world.ok(['rm', name]);
  });

  test('installing runs nothing of the folder', async () => {
    const name = world.name('hostile');
    const trace = join(world.work, 'trace');
    await folderWith(world, 'hostile', {
      'package.json': JSON.stringify({
        name: 'hostile',
        main: 'main.js',
        scripts: { preinstall: `touch ${trace}`, postinstall: `touch ${trace}`, prepare: `touch ${trace}` },
        dependencies: { scanner: './scanner', ms: '2.1.1' },
      }),
      'scanner/package.json': JSON.stringify({ name: 'scanner', version: '1.0.0', main: 'main.js' }),
      'scanner/main.js': `try { require('fs').writeFileSync(${JSON.stringify(trace)}, ''); } catch {} module.exports = { scanner: { version: '1', scan: () => [] } };`,
      'bunfig.toml': `preload = ["./scanner/main.js"]\n[install.security]\nscanner = "./scanner/main.js"\n`,
      'main.js': SLOW_END,
    });
    await world.ok(['run', './hostile', '--name', name, ...STDIO]);
    await world.reached(name);
    expect(existsSync(trace)).toBe(false);
    await world.ok(['rm', name]);
  });

  test('a start script runs as it stands', async () => {
    const name = world.name('start');
    await folderWith(world, 'start', {
      'package.json': JSON.stringify({ name: 's', scripts: { start: 'GREETING=1 node "src/main.mjs" 0' } }),
      'src/main.mjs': SLOW_END,
    });
    await world.ok(['run', './start', '--name', name, ...STDIO]);
    const mcp = await openMcpClient((await world.reached(name)).url);
    expect(await world.ok(['logs', name])).toContain('server starts');
    await mcp[Symbol.asyncDispose]();
    await world.ok(['rm', name]);
  });

  test('a folder that only a Dockerfile describes needs an engine', async () => {
    await folderWith(world, 'image', { Dockerfile: 'FROM scratch' });
    const { exitCode, stderr } = await world.thv(['run', './image', ...STDIO]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('it has no package.json, pyproject.toml or go.mod');
    expect(stderr).toContain('Hint: what a Dockerfile describes needs a container engine');
  });

  test('the API runs it as a process when it is asked to, whatever engine there is', async () => {
    const name = world.name('api');
    await folderWith(world, 'by-api', {
      'package.json': JSON.stringify({ name: 'by-api', main: 'main.mjs' }),
      'main.mjs': SLOW_END,
    });
    await using api = await startApi(world);
    const create = (runtime: string) =>
      api.ask('POST', '/api/v1beta/workloads', {
        body: { name, image: join(world.work, 'by-api'), runtime, cmd_arguments: ['0'] },
      });
    expect(await create('cloud')).toMatchObject({
      status: 400,
      text: expect.stringContaining(
        'runtime "cloud" not found. Available runtimes: auto, docker, podman, process',
      ),
    });
    expect(await create('process')).toMatchObject({ status: 201 });
    expect(await world.reached(name)).toMatchObject({ runtime: 'process', confined: true });
    await world.ok(['rm', name]);
  });

  // At once, because both wait for a server that takes its time.
  for (const mode of ['shared', 'dedicated'] as const) {
    test.concurrent(`a stop gives it the time asked for, no more and no less, with a ${mode} host`, async () => {
      const name = world.name(`stop-${mode}`);
      const mine = join(world.work, `mine-${mode}`);
      await mkdir(mine);
      const folder = `slow-${mode}`;
      await folderWith(world, folder, {
        'package.json': JSON.stringify({ name: folder, main: 'main.mjs' }),
        'main.mjs': SLOW_END,
      });
      const options = { env: mode === 'shared' ? {} : { TOOLHIVE_WORKLOAD_HOST: 'dedicated' } };
      // Longer than what it gets where nobody asks, and than an HTTP server lets a request be silent.
      const server = ['-v', `${mine}:/mine`, '--', '13500'];
      await world.ok(['run', `./${folder}`, '--name', name, ...STDIO, ...server], options);
      await world.reached(name);
      await world.ok(['stop', name, '--timeout', '20'], options);
      expect(existsSync(join(mine, 'ended'))).toBe(true);
      await rm(join(mine, 'ended'));
      await world.ok(['start', name], options);
      await world.reached(name);
      const before = performance.now();
      await world.ok(['stop', name, '--timeout', '0'], options);
      expect(performance.now() - before).toBeLessThan(5000);
      expect(existsSync(join(mine, 'ended'))).toBe(false);
      await world.ok(['rm', name], options);
    }, 60_000);
  }

  test('following its log ends with it, its last words included', async () => {
    const name = world.name('follow');
    const mine = join(world.work, 'mine-follow');
    await mkdir(mine);
    await folderWith(world, 'talker', {
      'package.json': JSON.stringify({ name: 'talker', main: 'main.mjs' }),
      'main.mjs': SLOW_END,
    });
    await world.ok(['run', './talker', '--name', name, ...STDIO, '-v', `${mine}:/mine`, '--', '300']);
    await world.reached(name);
    const following = async () => {
      const logs = world.start(['logs', name, '--follow']);
      await waitFor(
        () => logs.stdout,
        (text) => text.includes('server starts'),
        { what: 'the log is followed' },
      );
      return logs;
    };
    const stopped = await following();
    await world.ok(['stop', name]);
    const { exitCode, stdout } = await stopped.finished(10_000);
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'server starts\nserver is asked to end\nlast words\n',
    });
    await world.ok(['start', name]);
    await world.reached(name);
    const removed = await following();
    await world.ok(['rm', name]);
    expect((await removed.finished(10_000)).exitCode).toBe(0);
  });
});

const uv = await findUv();
describe.skipIf(uv === undefined)('a Python folder as a process', () => {
  test('its program runs without being built, with dependencies by the lock file', async () => {
    const path = `${dirname(uv ?? '')}:${process.env['PATH']}`;
    await using world = await openWorld(undefined, { env: { ...REGISTRY, PATH: path } });
    const name = world.name('python');
    await copyOfFixture(world, 'python');
    await world.ok(['run', './python', '--name', name, ...STDIO, '--', 'one'], { timeoutMs: 120_000 });
    expect(await factsOf(world, name)).toMatchObject({
      program: 'serve',
      packages: [expect.stringMatching(/^iniconfig /)],
      words: ['one'],
    });
  }, 180_000);
});
