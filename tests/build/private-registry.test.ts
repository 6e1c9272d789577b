import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type BuildImageOptions,
  buildPackageImage,
  type PackageReference,
  parsePackageReference,
  removeStaleImage,
} from '../../src/build/index.ts';
import { createConfigStore } from '../../src/config/index.ts';
import { type Engine, openEngine } from '../../src/engine/index.ts';
import { ThvError } from '../../src/errors/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import type { SecretsStore } from '../../src/secrets/index.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { smallBase } from './base-images.ts';
import { callTool, runIn } from './built-server.ts';
import { PACKAGE, startNpmRegistry } from './npm-registry.ts';

const TOKEN = 'npm-token-a8Qx';
const SOURCE = `npx://${PACKAGE}`;
const LIMIT_MS = 120_000;

onEachEngine((address) => {
  // The address of this machine on the bridge differs from engine to engine; one engine shows what is to be shown.
  if (address.kind === 'podman') return;
  describe('packages of a private registry that the machine is set up for', () => {
    let engine: Engine;
    let home: string;
    const made: string[] = [];
    const said: string[] = [];
    beforeAll(async () => {
      engine = await openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: address.socket } });
      home = await mkdtemp(join(tmpdir(), 'thv-build-'));
    }, LIMIT_MS);
    afterAll(async () => {
      for (const image of made) await engine.images.remove(image, { force: true });
      await rm(home, { recursive: true });
    });

    /** A machine whose npm is set to the registry, and nothing else told. */
    async function setUp() {
      const [bridge] = await engine.networks.list({ name: 'bridge' });
      const registry = startNpmRegistry(bridge?.IPAM?.Config?.[0]?.['Gateway'] ?? '172.17.0.1', TOKEN);
      await Bun.write(
        join(home, '.npmrc'),
        `registry=${registry.url}\n${registry.nerfDart}:_authToken=\${CORP_TOKEN}\ninit-author-name=somebody\n`,
      );
      return registry;
    }

    async function build(
      text: string,
      options: Partial<BuildImageOptions> = {},
    ): Promise<{ readonly image: string; readonly output: string }> {
      said.length = 0;
      const image = await buildPackageImage(parsePackageReference(text) as PackageReference, {
        engine,
        config: await createConfigStore({ config: join(home, 'config') }).read(),
        override: { builder_image: await smallBase(engine) },
        env: { CORP_TOKEN: TOKEN },
        home,
        workingFolder: home,
        openSecrets: () => Promise.reject(new Error('no secret is needed')),
        logger: silentLogger,
        progress: {
          line: (line) => said.push(line),
          update: () => undefined,
          output: (line) => said.push(line),
          revealOutput: () => undefined,
        },
        ...options,
      });
      made.push(image);
      return { image, output: said.join('\n') };
    }

    test(
      "npm's registry and login are used, and nothing of the login stays in the image",
      async () => {
        await using registry = await setUp();
        await registry.publish('1.0.0');
        const { image, output } = await build(`${SOURCE}@1.0.0`);
        expect(await callTool(engine, image, 'any', {})).toBe('version 1.0.0');
        expect(output).not.toContain(TOKEN);

        const history = await (
          await fetch(`http://engine/v1.41/images/${image}/history`, { unix: address.socket })
        ).text();
        expect(history).toContain('ENTRYPOINT');
        expect(history).not.toContain(TOKEN);
        expect(JSON.stringify(await engine.images.find(image))).not.toContain(TOKEN);
        // The pattern must not find its own command line.
        const found = await runIn(
          engine,
          image,
          `grep -rl 'npm-token-[a]8Qx' /app /root /home /etc /tmp /build 2>/dev/null; ls -A /root`,
        );
        expect(found.trim()).toBe('');
      },
      LIMIT_MS,
    );

    test(
      'a token that is handed in as a build variable reaches npm, and nobody reads it in the output',
      async () => {
        await using registry = await setUp();
        await registry.publish('1.2.0');
        const npmrc = `registry=${registry.url}\n${registry.nerfDart}:_authToken=\${MY_TOKEN}\n`;
        const config = await createConfigStore({ config: join(home, 'config') }).read();
        const { image, output } = await build(`${SOURCE}@1.2.0`, {
          config: {
            ...config,
            build_env_from_shell: ['MY_TOKEN'],
            build_auth_files: { npmrc: 'secret:BUILD_AUTH_FILE_npmrc' },
          },
          env: { MY_TOKEN: TOKEN },
          openSecrets: async () => ({ get: async () => npmrc }) as unknown as SecretsStore,
        });
        expect(await callTool(engine, image, 'any', {})).toBe('version 1.2.0');
        expect(output).toContain('npm install');
        expect(output).not.toContain(TOKEN);
        expect(JSON.stringify(await engine.images.find(image))).not.toContain(TOKEN);
      },
      LIMIT_MS,
    );

    test(
      'a login that changes does not make another image',
      async () => {
        await using registry = await setUp();
        await registry.publish('1.0.0');
        const first = await build(`${SOURCE}@1.0.0`);
        await Bun.write(
          join(home, '.npmrc'),
          `registry=${registry.url}\n${registry.nerfDart}:_authToken=another\n`,
        );
        const second = await build(`${SOURCE}@1.0.0`);
        await removeStaleImage(engine, first.image, { now: () => Date.now() + 61 * 60_000 });
        expect(second.image).toBe(first.image);
        expect(await engine.images.find(first.image)).toBeDefined();
        expect(second.output).toContain(', used again');
      },
      LIMIT_MS,
    );

    test(
      'latest: the image of the last hour is used again; asked for a fresh one, the new version is there',
      async () => {
        await using registry = await setUp();
        await registry.publish('1.0.0');
        const first = await build(SOURCE);
        await registry.publish('1.1.0');
        const again = await build(SOURCE);
        expect(again.image).toBe(first.image);
        // The name is made of seconds.
        const fresh = await build(SOURCE, { fresh: true, now: () => Date.now() + 2000 });
        expect(fresh.output).not.toContain(', used again');
        expect(await callTool(engine, fresh.image, 'any', {})).toBe('version 1.1.0');
        // The one it takes the place of is not kept.
        expect(await engine.images.find(first.image)).toBeUndefined();
      },
      LIMIT_MS,
    );

    test(
      'latest: an image of more than an hour is replaced, or used when the registry cannot be asked',
      async () => {
        await using registry = await setUp();
        await registry.publish('2.0.0');
        const first = await build(SOURCE);
        const later = Date.now() + 61 * 60_000;
        await registry.publish('2.1.0');
        registry.fail();
        const fallback = await build(SOURCE, { now: () => later });
        expect(fallback.image).toBe(first.image);
        expect(fallback.output).toContain(', used again');
        await expect(build(SOURCE, { now: () => later, fresh: true })).rejects.toThrow('build error: ');

        // With the workload the image goes too, once nobody would use it again (B16).
        await removeStaleImage(engine, first.image);
        expect(await engine.images.find(first.image)).toBeDefined();
        await removeStaleImage(engine, first.image, { now: () => later });
        expect(await engine.images.find(first.image)).toBeUndefined();
      },
      LIMIT_MS,
    );

    test(
      'a build is given up when asked to, and leaves no image',
      async () => {
        await using registry = await setUp();
        await registry.publish('1.0.0');
        const asked = registry.hang();
        const stop = new AbortController();
        const tag = `toolhivelocal/given-up-${crypto.randomUUID().slice(0, 8)}:1`;
        const building = build(`${SOURCE}@1.0.0`, { signal: stop.signal, tag }).catch(
          (error: unknown) => error,
        );
        await asked;
        const before = performance.now();
        stop.abort();
        const error = await building;
        expect(error).toBeInstanceOf(ThvError);
        expect(error).toMatchObject({ code: 'ERR_CANCELLED' });
        expect(performance.now() - before).toBeLessThan(5000);
        expect(await engine.images.find(tag)).toBeUndefined();
      },
      LIMIT_MS,
    );
  });
});
