import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmod, copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { SANDBOXES } from '../processes/runner.ts';

/** Its program imports the default of a file that is marked `__esModule`, which means two things to two runtimes. */
const MONGODB = 'npx://mongodb-mcp-server@3.0.4';
const MEMORY = 'npx://@modelcontextprotocol/server-memory';
const STDIO = ['--transport', 'stdio'];
const NODE = Bun.which('node');
const REGISTRY = Object.fromEntries(
  Object.entries(process.env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && /^npm_config_/i.test(entry[0]),
  ),
);

/** Says what runs it, and what runs its children, one of them without any of its environment. */
const REPORTER = `
const { execFileSync } = require('node:child_process');
const name = (versions) => (versions.bun ? 'bun' : 'node');
const ask = (program, env) => execFileSync(program, ['-p', 'process.versions.bun ? "bun" : "node"'], { env }).toString().trim();
console.error('REPORT ' + JSON.stringify({
  self: name(process.versions),
  byName: ask('node', process.env),
  byPath: ask(process.execPath, process.env),
  bare: ask('node', { PATH: process.env.PATH }),
  version: execFileSync('node', ['--version']).toString().trim(),
}));
process.stdin.resume();
`;

async function writeProject(world: World, name: string, files: Readonly<Record<string, string>>) {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(world.work, name, path, '..'), { recursive: true });
    await writeFile(join(world.work, name, path), text);
  }
}

async function reportOf(world: World, name: string): Promise<Record<string, string>> {
  const said = await waitFor(
    async () => (await world.thv(['logs', name])).stdout,
    (text) => text.includes('REPORT '),
    { what: `${name} has said what runs it`, deadlineMs: 20_000, intervalMs: 200 },
  );
  return JSON.parse(/REPORT (.*)/.exec(said)?.[1] ?? '');
}

describe.each([...SANDBOXES])('what runs JavaScript, in %s', (sandbox) => {
  let world: World;
  beforeAll(async () => {
    const env = { ...REGISTRY, TOOLHIVE_SANDBOX: sandbox, TOOLHIVE_RUNTIME: 'process' };
    world = await openWorld(undefined, { env });
    const manifest = (more: object) => JSON.stringify({ name: 'reporter', main: 'server.js', ...more });
    await writeProject(world, 'reporter', { 'package.json': manifest({}), 'server.js': REPORTER });
    await writeProject(world, 'future', {
      'package.json': manifest({ engines: { node: '>=99' } }),
      'server.js': 'process.exit(3)',
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const statusOf = async (name: string) => JSON.parse(await world.ok(['status', name, '--format', 'json']));

  test.skipIf(NODE === null).each(['node', 'bun'])(
    '--js-runtime %s is what a server and its children get',
    async (runtime) => {
      const name = world.name(`reporter-${runtime}`);
      await world.ok(['run', './reporter', '--name', name, ...STDIO, '--js-runtime', runtime]);
      expect(await reportOf(world, name)).toEqual({
        self: runtime,
        byName: runtime,
        byPath: runtime,
        bare: runtime,
        version: expect.stringMatching(/^v\d+\.\d+\.\d+$/),
      });
      expect((await statusOf(name)).js_runtime.name).toBe(runtime);
      await world.ok(['export', name, join(world.work, 'exported.json')]);
      expect(await Bun.file(join(world.work, 'exported.json')).json()).toMatchObject({ js_runtime: runtime });
      await world.ok(['rm', name]);
    },
  );

  test.skipIf(NODE === null)(
    'a Node of nvm in the home folder is used, and nothing else of the home is seen',
    async () => {
      const version = (await Bun.$`${NODE} --version`.text()).trim();
      const folder = join(world.home, '.nvm', 'versions', 'node', version);
      await mkdir(join(folder, 'bin'), { recursive: true });
      await copyFile(await realpath(NODE ?? ''), join(folder, 'bin', 'node'));
      await chmod(join(folder, 'bin', 'node'), 0o755);
      await writeFile(join(world.home, '.nvm', 'secret'), 'x');
      await writeProject(world, 'nvm', {
        'package.json': '{"name":"nvm","main":"server.js"}',
        'server.js': `
        const seen = (path) => require('node:fs').existsSync(path);
        console.error('REPORT ' + JSON.stringify({
          path: process.execPath,
          secret: String(seen(${JSON.stringify(join(world.home, '.nvm', 'secret'))})),
        }));
        process.stdin.resume();`,
      });
      const name = world.name('nvm');
      // A PATH with what a sandbox needs, and without Node.
      const path = await mkdtemp('/tmp/thv-programs-');
      await chmod(path, 0o755);
      for (const program of ['unshare', 'bwrap', 'sh', 'pasta']) {
        const found = Bun.which(program);
        if (found !== null) await Bun.$`ln -s ${found} ${join(path, program)}`;
      }
      await using other = await openWorld(undefined, {
        env: {
          ...REGISTRY,
          TOOLHIVE_SANDBOX: sandbox,
          TOOLHIVE_RUNTIME: 'process',
          PATH: path,
          NVM_DIR: join(world.home, '.nvm'),
        },
      });
      await other.ok(['run', join(world.work, 'nvm'), '--name', name, ...STDIO]);
      expect(await reportOf(other, name)).toEqual({ path: join(folder, 'bin', 'node'), secret: 'false' });
      await other.ok(['rm', name]);
      await rm(path, { recursive: true });
    },
  );

  test('install scripts are run of packages that Bun trusts as well, or named when they are not', async () => {
    await writeProject(world, 'builder', {
      'package.json': JSON.stringify({
        name: 'builder',
        main: 'server.js',
        dependencies: { esbuild: '0.25.0' },
      }),
      'server.js': `
        const { size } = require('node:fs').statSync(require.resolve('esbuild/bin/esbuild'));
        console.error('REPORT ' + JSON.stringify({ isBuilt: String(size > 1000000) }));
        process.exit(4);`,
    });
    const [with_, without] = [world.name('with'), world.name('without')];
    const held = await world.thv(['run', './builder', '--name', without, ...STDIO]);
    expect(held.stderr).toContain('install scripts were not run');
    expect(held.stderr).toContain('esbuild@0.25.0');
    expect(await reportOf(world, without)).toEqual({ isBuilt: 'false' });
    const shown = await waitFor(
      () => statusOf(without),
      ({ health = '' }) => health.includes('exited'),
      { what: 'its end is shown', deadlineMs: 20_000, intervalMs: 50 },
    );
    expect(shown).toMatchObject({
      held_back: ['esbuild@0.25.0'],
      health: expect.stringContaining(
        'install scripts of esbuild@0.25.0 were not run: --allow-install-scripts runs them',
      ),
    });
    const ran = await world.thv(['run', './builder', '--name', with_, ...STDIO, '--allow-install-scripts']);
    expect(ran.stderr).toContain('esbuild@0.25.0 (postinstall)');
    expect(await reportOf(world, with_)).toEqual({ isBuilt: 'true' });
    await world.ok(['rm', with_, without]);
  });

  // Which runtime a package gets, and what is told of it, does not depend on the sandbox: one will do.
  if (sandbox !== SANDBOXES[0]) return;

  test.skipIf(NODE === null)(
    'a package that Bun cannot run runs under the Node of this machine',
    async () => {
      const name = world.name('mongodb');
      await world.ok(['run', MONGODB, '--name', name, ...STDIO], { timeoutMs: 180_000 });
      const { url } = await world.reached(name);
      expect(await world.ok(['mcp', 'list', 'tools', '--server', url])).toContain('list-databases');
      expect((await statusOf(name)).js_runtime).toMatchObject({
        name: 'node',
        path: await realpath(NODE ?? ''),
        reason: 'it is on this machine and fits the package',
      });
      expect(await world.ok(['status', name])).toMatch(/^JavaScript: +Node\.js \d+\.\d+\.\d+ \(\//m);
    },
    240_000,
  );

  test('a variable and config.yaml decide where no flag does, in this order', async () => {
    const [byVariable, byFile] = [world.name('variable'), world.name('file')];
    await mkdir(join(world.folder, 'config', 'toolhive'), { recursive: true });
    await writeFile(join(world.folder, 'config', 'toolhive', 'config.yaml'), 'js_runtime: bun\n');
    await world.ok(['run', './reporter', '--name', byFile, ...STDIO]);
    expect((await reportOf(world, byFile))['self']).toBe('bun');
    if (NODE !== null) {
      await world.ok(['run', './reporter', '--name', byVariable, ...STDIO], {
        env: { TOOLHIVE_JS_RUNTIME: 'node' },
      });
      expect((await reportOf(world, byVariable))['self']).toBe('node');
    }
    const { exitCode, stderr } = await world.thv(
      ['run', './reporter', '--name', world.name('wrong'), ...STDIO],
      {
        env: { TOOLHIVE_JS_RUNTIME: 'deno' },
      },
    );
    expect([exitCode, stderr]).toEqual([
      1,
      expect.stringContaining('TOOLHIVE_JS_RUNTIME is "deno": it must be auto, node or bun'),
    ]);
    await writeFile(join(world.folder, 'config', 'toolhive', 'config.yaml'), '');
  });

  test('a server that died under Bun is told what would give it Node', async () => {
    const name = world.name('future');
    await world.ok(['run', './future', '--name', name, ...STDIO]);
    const shown = await waitFor(
      () => statusOf(name),
      ({ health = '' }) => health.includes('exited'),
      { what: 'its end is shown', deadlineMs: 20_000, intervalMs: 50 },
    );
    expect(shown.health).toContain(
      'it ran under the built-in Bun, which not every package does: install Node.js (>=99, at least 20) to run it under Node.js',
    );
    await world.ok(['rm', name]);
  });

  test.skipIf(NODE === null)('one that died under a Node that does not fit is told so', async () => {
    const name = world.name('unfit');
    await world.ok(['run', './future', '--name', name, ...STDIO, '--js-runtime', 'node']);
    const shown = await waitFor(
      () => statusOf(name),
      ({ health = '' }) => health.includes('exited'),
      { what: 'its end is shown', deadlineMs: 20_000, intervalMs: 50 },
    );
    expect(shown.health).toMatch(
      /the package asks for Node\.js >=99, and this machine has \d+\.\d+\.\d+: install one that fits, or use --js-runtime bun/,
    );
    await world.ok(['rm', name]);
  });

  test('a package of the registry with an install script of its own is built', async () => {
    const name = world.name('esbuild');
    const { stderr } = await world.thv([
      'run',
      'npx://esbuild@0.25.0',
      '--name',
      name,
      ...STDIO,
      '--allow-install-scripts',
    ]);
    expect(stderr).toContain('install scripts were run');
    expect(stderr).toContain('esbuild@0.25.0 (postinstall)');
    const none = await world.thv([
      'run',
      MEMORY,
      '--name',
      world.name('none'),
      ...STDIO,
      '--allow-install-scripts',
    ]);
    expect(none.stderr).toContain('no package has install scripts');
    await world.ok(['rm', name]);
  });
});
