import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { cp, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { openWorld, type World } from '../harness/world.ts';
import { fullBase, HAS_GO, smallBase } from './base-images.ts';
import { callTool, runIn } from './built-server.ts';

/** The CA by which package hosts are reached from here; public ones everywhere else. */
const CA = process.env['SSL_CERT_FILE'] ?? '/etc/ssl/certs/ca-certificates.crt';
const PROJECT = join(import.meta.dir, '..', 'fixtures', 'go-server');
/** The first time a base image is made as well, which takes minutes on a slow machine. */
const LIMIT_MS = 600_000;

onEachEngine((address) => {
  describe('packages of the public registries, built and run', () => {
    let engine: Engine;
    let world: World;
    const made: string[] = [];
    beforeAll(async () => {
      engine = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: address.socket } });
      world = await openWorld(address);
    }, LIMIT_MS);
    afterAll(async () => {
      for (const image of made) await engine.images.remove(image, { force: true });
      await world[Symbol.asyncDispose]();
    }, LIMIT_MS);

    /** The image that `thv build` made. */
    async function build(
      args: readonly string[],
      cwd?: string,
    ): Promise<{ readonly image: string; readonly output: string }> {
      const output = await world.ok(['build', ...args], { timeoutMs: LIMIT_MS, ...(cwd ? { cwd } : {}) });
      const image = output.trim().split('\n').at(-1) ?? '';
      made.push(image);
      return { image, output };
    }

    test(
      'npm: @modelcontextprotocol/server-everything',
      async () => {
        // Podman's is also without any package manager, and without programs that add users.
        const base = await (address.kind === 'docker' ? fullBase : smallBase)(engine);
        const args = [
          'npx://@modelcontextprotocol/server-everything@2025.8.18',
          ...['--runtime-image', base, '--ca-cert', CA],
        ];
        const { image, output } = await build(args);
        expect(image).toMatch(/^toolhivelocal\/npx-modelcontextprotocol-server-everything-2025-8-18:\d{14}$/);
        expect(output).toContain('Successfully built');
        expect(await callTool(engine, image, 'echo', { message: 'offline' })).toBe('Echo: offline');

        const again = await build(args);
        expect(again.image).toBe(image);
        expect(again.output).not.toContain('npm install');
        expect(again.output).toContain('Successfully built');
      },
      LIMIT_MS,
    );

    test(
      'what cannot be installed is an error with the words of the installer',
      async () => {
        const base = await smallBase(engine);
        const name = 'npx://@modelcontextprotocol/server-everything@0.0.404';
        const { exitCode, stdout, stderr } = await world.thv(
          ['build', name, '--runtime-image', base, '--ca-cert', CA],
          { timeoutMs: LIMIT_MS },
        );
        expect(stdout).toMatch(/npm error code ETARGET/);
        expect(stderr).toStartWith(
          `Error: failed to build container for ${name}: failed to build Docker image: failed to process build output: build error: `,
        );
        expect(exitCode).toBe(1);

        // A run says what else would do where it is the base image that cannot be had, and only there.
        const run = async (image: string) =>
          (await world.thv(['run', name, '--runtime-image', image, '--ca-cert', CA], { timeoutMs: LIMIT_MS }))
            .stderr;
        expect(await run(base)).not.toContain('Hint');
        expect(await run('127.0.0.1:1/nothing:1')).toContain('. Hint: where the base image cannot be had');
      },
      LIMIT_MS,
    );

    if (address.kind === 'podman') return;

    test(
      'PyPI: mcp-server-time, on an image of the default name, with a further requirement',
      async () => {
        // A machine that has the real one keeps it.
        const usual = 'python:3.14-slim';
        if ((await engine.images.find(usual)) === undefined) {
          await engine.images.tag(await fullBase(engine), usual);
          made.push(usual);
        }
        const { image } = await build([
          'uvx://mcp-server-time@2025.8.4',
          ...['--build-with', 'mcp<2', '--ca-cert', CA, '--', '--local-timezone', 'Asia/Tokyo'],
        ]);
        const answer = await callTool(engine, image, 'convert_time', {
          source_timezone: 'UTC',
          time: '12:00',
          target_timezone: 'Asia/Tokyo',
        });
        expect(JSON.parse(answer).target.datetime).toContain('T21:00:00+09:00');
      },
      LIMIT_MS,
    );

    test.skipIf(!HAS_GO)(
      'Go: an example of the official SDK',
      async () => {
        const base = await fullBase(engine);
        await writeConfig(world, base);
        const { image } = await build([
          'go://github.com/modelcontextprotocol/go-sdk/examples/server/hello@v1.4.1',
          ...['--runtime-image', base, '--ca-cert', CA],
        ]);
        expect(await callTool(engine, image, 'greet', { name: 'gopher' })).toBe('Hi gopher');
      },
      LIMIT_MS,
    );

    test.skipIf(!HAS_GO)(
      'Go: a project of this machine, whose folder stays as it is and whose secrets stay here (B15)',
      async () => {
        const base = await fullBase(engine);
        await writeConfig(world, base);
        const project = join(world.work, 'project');
        await cp(PROJECT, project, { recursive: true });
        const files = {
          Dockerfile: 'FROM nowhere',
          '.netrc': 'machine x login y password z',
          '.env': 'TOKEN=1',
          'notes.key': 'private',
          'big.log': 'log',
          '.dockerignore': '*.log\n',
          '.thvignore': '*.key\n',
          'kept.txt': 'data',
          '.git/config': '[core]',
        };
        for (const [name, content] of Object.entries(files)) await Bun.write(join(project, name), content);
        await symlink('/nowhere', join(project, 'dangling'));
        await Bun.$`mkfifo ${join(project, 'pipe')}`;
        const before = (await readdir(project)).sort();

        const outside = join(world.work, 'elsewhere');
        await Bun.write(join(outside, 'x'), '');
        const behind = ['--runtime-image', base, '--', 'a "b"', '$HOME'];
        const { image } = await build(['go://../project/cmd/clock', ...behind], outside);
        expect(await callTool(engine, image, 'greet', { name: 'Ada' })).toBe(
          'Hello, Ada, from Go [a "b" $HOME]',
        );
        expect((await readdir(project)).sort()).toEqual(before);
        expect(await readFile(join(project, 'Dockerfile'), 'utf8')).toBe('FROM nowhere');
        const inside = (await runIn(engine, image, 'cd /app && ls -A')).trim().split('\n').sort();
        expect(inside).toEqual([
          '.thvignore',
          'Dockerfile',
          'cmd',
          'dangling',
          'go.mod',
          'greeting',
          'kept.txt',
          'mcp-server',
        ]);

        // The same sources make the same image; a change of one makes another.
        expect((await build([`go://${project}/cmd/clock`, ...behind])).output).not.toContain(', used again');
        expect((await build([`go://${project}/cmd/clock`, ...behind])).output).toContain(', used again');
        await Bun.write(join(project, 'kept.txt'), 'other');
        expect((await build([`go://${project}/cmd/clock`, ...behind])).output).not.toContain(', used again');
      },
      LIMIT_MS,
    );
  });
});

/** Alpine, on which Go servers run, cannot be had where tests run. */
async function writeConfig(world: World, base: string): Promise<void> {
  const path = join(world.folder, 'config', 'toolhive', 'config.yaml');
  await Bun.write(path, `runtime_configs:\n    go:\n        final_image: ${base}\n`);
}
