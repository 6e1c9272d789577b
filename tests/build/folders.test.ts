import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { openMcpClient } from '../harness/mcp.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { openWorld, type World } from '../harness/world.ts';
import { fullBase, HAS_GO, smallBase } from './base-images.ts';

/** The CA by which package hosts are reached from here; public ones everywhere else. */
const CA = process.env['SSL_CERT_FILE'] ?? '/etc/ssl/certs/ca-certificates.crt';
const FIXTURES = join(import.meta.dir, '..', 'fixtures');
/** The first time a base image is made as well, which takes minutes on a slow machine. */
const LIMIT_MS = 600_000;

onEachEngine((address) => {
  describe('folders as servers', () => {
    let engine: Engine;
    let world: World;
    const made = new Set<string>();
    beforeAll(async () => {
      engine = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: address.socket } });
      world = await openWorld(address);
    }, LIMIT_MS);
    afterAll(async () => {
      await world[Symbol.asyncDispose]();
      for (const image of made) await engine.images.remove(image, { force: true });
    }, LIMIT_MS);

    /** A folder of the world with what a fixture has, and more: what is built from it is no other world's image. */
    async function folderOf(
      fixture: string,
      name: string,
      more: Readonly<Record<string, string>> = {},
    ): Promise<string> {
      const folder = join(world.work, name);
      await cp(join(FIXTURES, fixture), folder, { recursive: true });
      await Bun.write(join(folder, 'world.txt'), world.folder);
      for (const [file, content] of Object.entries(more)) await Bun.write(join(folder, file), content);
      return folder;
    }

    /** Runs the word given for a folder without any network, and gives what its tool answers. */
    async function answerOf(
      source: string,
      options: readonly string[],
      {
        cwd,
        tool = 'facts',
        args = {},
      }: { cwd?: string; tool?: string; args?: Record<string, unknown> } = {},
    ): Promise<string> {
      const name = world.name(source.replace(/\W+/g, '') || 'here');
      const flags = ['--name', name, '--transport', 'stdio', '--permission-profile', 'none', ...options];
      await world.ok(['run', source, ...flags, '--', 'one', 'two words'], {
        timeoutMs: LIMIT_MS,
        ...(cwd === undefined ? {} : { cwd }),
      });
      const { url, package: image } = await world.reached(name);
      made.add(image);
      await using client = await openMcpClient(url);
      return await client.call(tool, args);
    }

    test(
      'a package.json: built, installed by its lock file, without what only the building needed',
      async () => {
        const folder = await folderOf('folders/node', 'node', {
          '.env': 'TOKEN=1',
          'node_modules/stale/package.json': '{}',
          'notes.txt': 'kept',
          'big.log': 'left out',
          '.dockerignore': '*.log\n',
        });
        const before = (await readdir(folder)).sort();
        // Podman's base has neither a package manager nor programs that add users.
        const base = await (address.kind === 'docker' ? fullBase : smallBase)(engine);
        const answer = await answerOf('.', ['--runtime-image', base, '--ca-cert', CA], { cwd: folder });
        expect(JSON.parse(answer)).toEqual({
          greeting: 'A&B',
          dependency: '2.1.1',
          modules: ['ms'],
          files: [
            'build.js',
            'dist',
            'node_modules',
            'notes.txt',
            'package-lock.json',
            'package.json',
            'server.js',
            'world.txt',
          ],
          isRoot: false,
          words: ['one', 'two words'],
        });
        expect((await readdir(folder)).sort()).toEqual(before);
      },
      LIMIT_MS,
    );

    test(
      'a Dockerfile of its own, with nothing added',
      async () => {
        const base = await smallBase(engine);
        const folder = await folderOf('folders/node', 'own', {
          Dockerfile: `FROM ${base}\nWORKDIR /srv\nCOPY . .\nCOPY ms node_modules/ms\nENTRYPOINT ["node", "server.js"]\n`,
          'ms/package.json': '{"version":"0","type":"module","exports":"./index.js"}',
          'ms/index.js': 'export default 0;',
          '.dockerignore': '*\n!server.js\n!package.json\n!ms\n!world.txt\n',
        });
        expect(JSON.parse(await answerOf('./own', []))).toEqual({
          greeting: 'GREETING',
          dependency: '0',
          modules: ['ms'],
          files: expect.arrayContaining(['ms', 'node_modules', 'package.json', 'server.js']),
          isRoot: true,
          words: ['one', 'two words'],
        });
        // Once image and container are gone, it is built again.
        const [name = ''] = (await namesOf(world)).filter((other) => other.endsWith('own'));
        const { package: image } = await world.reached(name);
        await world.ok(['stop', name]);
        await engine.containers.remove(name, { force: true });
        await engine.images.remove(image, { force: true });
        await world.ok(['start', name], { timeoutMs: LIMIT_MS });
        await using client = await openMcpClient((await world.reached(name)).url);
        expect(JSON.parse(await client.call('facts', {}))).toMatchObject({ words: ['one', 'two words'] });
        expect(await engine.images.find(image)).toBeDefined();

        const refused = await world.thv([
          'run',
          folder,
          '--name',
          world.name('refused'),
          '--runtime-image',
          base,
        ]);
        expect(refused.stderr).toContain(
          'the folder has a Dockerfile of its own, to which these do not apply: an image to build on',
        );
        expect(refused.exitCode).toBe(1);
      },
      LIMIT_MS,
    );

    test('a folder that is no server is refused, and nothing is left of it', async () => {
      await Bun.write(join(world.work, 'empty', 'README.md'), '');
      const { exitCode, stdout, stderr } = await world.thv(['run', './empty']);
      expect([exitCode, stdout]).toEqual([1, '']);
      expect(stderr).toBe(
        'Error: failed to find or create the MCP server ./empty: folder ./empty cannot be run as a server: it has no Dockerfile, package.json, pyproject.toml or go.mod. Hint: a Dockerfile in the folder says how to build and start the server, whatever it is written in\n',
      );
      expect(await world.find('empty')).toBeUndefined();
    });

    if (address.kind === 'podman') return;

    test(
      'a pyproject.toml: installed by its lock file, its program started',
      async () => {
        const base = await fullBase(engine);
        await folderOf('folders/python', 'python', { '.venv/stale': '', '.python-version': '3.99\n' });
        expect(JSON.parse(await answerOf('./python', ['--runtime-image', base, '--ca-cert', CA]))).toEqual({
          program: '/opt/venv/bin/serve',
          packages: ['folder-server 1.0.0', 'iniconfig 2.0.0'],
          files: ['.python-version', 'pyproject.toml', 'src', 'uv.lock', 'world.txt'],
          isRoot: false,
          words: ['one', 'two words'],
        });
      },
      LIMIT_MS,
    );

    test.skipIf(!HAS_GO)(
      'a Go program below its module',
      async () => {
        const base = await fullBase(engine);
        const config = `runtime_configs:\n    go:\n        final_image: ${base}\n`;
        await Bun.write(join(world.folder, 'config', 'toolhive', 'config.yaml'), config);
        await folderOf('go-server', 'go');
        const call = { tool: 'greet', args: { name: 'Ada' } };
        expect(await answerOf('./go/cmd/clock', ['--runtime-image', base], call)).toBe(
          'Hello, Ada, from Go [one two words]',
        );
      },
      LIMIT_MS,
    );
  });
});

async function namesOf(world: World): Promise<readonly string[]> {
  const listed: readonly { readonly name: string }[] = JSON.parse(
    await world.ok(['list', '--all', '--format', 'json']),
  );
  return listed.map(({ name }) => name);
}
