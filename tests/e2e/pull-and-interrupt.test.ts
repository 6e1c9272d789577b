import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

onEachEngine((engine) => {
  const registry = process.env['THV_TEST_REGISTRY'];

  describe.skipIf(registry === undefined)('from a registry', () => {
    test('an image that is not there is pulled, said on stdout, and run; the second time it is there', async () => {
      const image = `${registry}/${FIXTURE_IMAGE}`;
      await using world = await openWorld(engine);
      await engine.forget(image);
      const [first, second] = [world.name('first'), world.name('second')];
      expect(await world.ok(['run', image, '--name', first, '--transport', 'stdio'])).toBe(
        `Successfully pulled ${image}\n`,
      );
      await world.reached(first);
      expect(await world.ok(['run', image, '--name', second, '--transport', 'stdio'])).toBe('');
      await world.reached(second);
    });
  });

  test('Ctrl-C while pulling cancels it: one message, status 130, nothing left', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    using registry = serveStallingRegistry();
    const running = world.start(['run', `127.0.0.1:${registry.port}/stalling/image:1`, '--name', name]);
    await waitFor(
      () => registry.stalled,
      (count) => count > 0,
      { what: 'the layer is being pulled' },
    );
    running.signal('SIGINT');
    const { exitCode, stdout, stderr } = await running.finished(5000);
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(stderr).toContain('image pull was canceled');
    await expectNothing(world, name);
    expect(await engine.named(name)).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s while a workload starts in the foreground leaves nothing',
    async (signal) => {
      await using world = await openWorld(engine);
      const name = world.name();
      const args = [
        'run',
        FIXTURE_IMAGE,
        '--name',
        name,
        '--transport',
        'streamable-http',
        '--foreground',
        '--',
        'silent',
      ];
      const running = world.start(args);
      await waitFor(
        () => engine.inspect(name),
        (seen) => seen?.State.Running === true,
        { what: 'the container runs' },
      );
      running.signal(signal);
      await running.finished(20_000);
      await expectNothing(world, name);
      expect(await engine.inspect(name)).toBeUndefined();
    },
  );

  test('Ctrl-C of a workload that serves in the foreground stops and deletes it, with status 0', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const running = world.start([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '--foreground',
    ]);
    await waitFor(
      () => running.stderr,
      (text) => text.includes('press Ctrl+C to stop'),
      { what: 'it says that it runs' },
    );
    const { url, port } = await world.reached(name);
    expect(url).toBe(`http://127.0.0.1:${port}/sse#${name}`);
    expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(200);
    running.signal('SIGINT');
    expect(await running.finished(20_000)).toMatchObject({ exitCode: 0 });
    await expectNothing(world, name);
    expect(await engine.inspect(name)).toBeUndefined();
  });
});

async function expectNothing(world: World, name: string): Promise<void> {
  const folders = [join(world.state, 'runconfigs'), join(world.data, 'statuses')];
  const files = await Promise.all(
    folders.map(async (folder) => (existsSync(folder) ? await readdir(folder) : [])),
  );
  expect(files.flat()).toEqual([]);
  expect(await world.processes()).toEqual([]);
  expect(await world.find(name)).toBeUndefined();
}

/** A registry that knows every image and never finishes sending a layer. */
function serveStallingRegistry() {
  const layer = `sha256:${'a'.repeat(64)}`;
  const config = JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [layer] },
  });
  const configDigest = `sha256:${new Bun.CryptoHasher('sha256').update(config).digest('hex')}`;
  const type = 'application/vnd.docker.distribution.manifest.v2+json';
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: type,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      digest: configDigest,
      size: config.length,
    },
    layers: [
      { mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip', digest: layer, size: 1_000_000 },
    ],
  });
  const manifestDigest = `sha256:${new Bun.CryptoHasher('sha256').update(manifest).digest('hex')}`;
  let stalled = 0;
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    fetch({ url }) {
      if (url.includes('/manifests/')) {
        return new Response(manifest, {
          headers: { 'content-type': type, 'docker-content-digest': manifestDigest },
        });
      }
      if (url.endsWith(configDigest)) return new Response(config);
      if (!url.endsWith(layer))
        return new Response('{}', { headers: { 'docker-distribution-api-version': 'registry/2.0' } });
      stalled++;
      return new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(10)),
        }),
        { headers: { 'content-length': '1000000' } },
      );
    },
  });
  return {
    port: server.port,
    /** How many downloads of the layer were begun. */
    get stalled() {
      return stalled;
    },
    [Symbol.dispose]: () => void server.stop(true),
  };
}
