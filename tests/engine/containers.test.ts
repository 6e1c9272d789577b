import { expect, test } from 'bun:test';
import { isSameImageId, type OutputChunk } from '../../src/engine/index.ts';
import { describeEngines } from './harness/engines.ts';
import { rejection } from './harness/rejection.ts';
import { tarOf } from './harness/tar.ts';
import { until } from './harness/until.ts';

const GONE = 'thv-engine-test-gone';

function textOf(chunks: readonly OutputChunk[], stream: OutputChunk['stream']): string {
  return Buffer.concat(
    chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes),
  ).toString();
}

describeEngines('containers', (under) => {
  test('the engine says who it is', async () => {
    expect(under.engine.kind).toBe(under.name);
    expect(under.engine.address).toBe(under.socket);
    expect(under.engine.apiVersion).toMatch(/^1\.\d+$/);
    await under.engine.ping();
  });

  test('create, start, inspect, list', async () => {
    const { containers } = under.engine;
    const name = await under.create('/bin/cat');
    expect((await containers.find(name))?.State.Status).toBe('created');
    await containers.start(name);
    await containers.start(name);
    const details = await containers.find(name);
    expect(details?.State.Running).toBe(true);
    expect(details?.Config.Labels['toolhive']).toBe('true');

    const ids = async (query: Parameters<typeof containers.list>[0]) =>
      (await containers.list(query)).map((summary) => summary.Id);
    const id = details?.Id ?? '';
    expect(await ids({ labels: ['toolhive=true', `thv-engine-test=${name}`] })).toEqual([id]);
    expect(await ids({ labels: [`thv-engine-test=${name}`, 'toolhive=false'] })).toEqual([]);
    expect(await ids({ labels: ['thv-engine-test'], name })).toEqual([id]);
    expect(await ids({ name: `${name}-longer` })).toEqual([]);

    await containers.kill(name);
    await containers.wait(name);
    expect(await ids({ name })).toEqual([]);
    expect(await ids({ all: true, name })).toEqual([id]);
  });

  test('wait tells the exit code of what ends and of what has ended, and holds up nobody for what was never started', async () => {
    const { containers } = under.engine;
    const never = await under.create('/bin/true');
    expect(await containers.wait(never)).toEqual({ exitCode: 0 });
    const name = await under.start('/bin/sh', '-c', 'read line; exit 7');
    const waiting = containers.wait(name);
    await containers.kill(name);
    expect(await waiting).toEqual({ exitCode: 137 });
    expect(await containers.wait(name)).toEqual({ exitCode: 137 });
    const [code] = await rejection(containers.wait(under.uniqueName()));
    expect(code).toBe('ERR_CONTAINER_NOT_FOUND');
  });

  test('a name in use is refused with the words of the engine, once', async () => {
    const name = await under.create('/bin/cat');
    const again = under.engine.containers.create(name, { Image: under.image, Cmd: ['/bin/cat'] });
    const [code, message] = await rejection(again);
    expect(code).toBe('ERR_ENGINE_REQUEST');
    expect(message).toMatch(/^[^{]*name "?\/?[\w-]+"? is already in use[^{]*$/);
  });

  test('the start of a container whose network is gone is refused, and does not say that the container is', async () => {
    const network = under.uniqueName();
    await under.engine.networks.ensure(network, { labels: {} });
    const { id } = await under.engine.containers.create(under.uniqueName(), {
      Image: under.image,
      Cmd: ['/bin/cat'],
      NetworkingConfig: { EndpointsConfig: { [network]: { NetworkID: network } } },
    });
    try {
      await under.engine.networks.remove(network).catch(() => undefined);
      if ((await under.engine.networks.list({ name: network })).length > 0) {
        // Podman holds on to a network that a container was made with.
        await under.engine.containers.start(id);
        return;
      }
      const [code, message] = await rejection(under.engine.containers.start(id));
      expect(code).toBe('ERR_ENGINE_REQUEST');
      expect(message).toContain(network);
    } finally {
      await under.engine.containers.remove(id, { force: true });
      await under.engine.networks.remove(network);
    }
  });

  test('an image that is not there is refused', async () => {
    const create = under.engine.containers.create(under.uniqueName(), { Image: 'localhost/thv-none:1' });
    const [code, message] = await rejection(create);
    expect(code).toBe('ERR_ENGINE_REQUEST');
    expect(message).toMatch(/no such image: .*localhost\/thv-none:1/i);
  });

  test('a container is made of the image asked for by id, whatever its name means by then', async () => {
    const { containers, images } = under.engine;
    const image = `localhost/${under.uniqueName()}:1`;
    const other = `localhost/${under.uniqueName()}:1`;
    const idOf = async (name: string) => (await images.find(name))?.Id ?? '';
    const dockerfile = `FROM ${under.image}\nLABEL colour=green\n`;
    const order = { tag: other, dockerfile: 'Dockerfile', baseImages: [], labels: {}, buildArguments: {} };
    await images.build(tarOf({ Dockerfile: dockerfile }), order);
    await images.tag(under.image, image);
    const imageId = await idOf(image);
    const spec = { Image: image, Cmd: ['/bin/cat'] };
    /** Whether a container made for `imageId` has that image, and whether it shows the image's name. */
    const made = async () => {
      const { id } = await containers.create(under.uniqueName(), spec, { imageId });
      const details = await containers.find(id);
      await containers.remove(id, { force: true });
      return [isSameImageId(details?.Image ?? '', imageId), details?.Config.Image === image];
    };
    try {
      expect(await made()).toEqual([true, true]);
      await images.tag(other, image);
      expect(isSameImageId(await idOf(image), imageId)).toBe(false);
      expect((await made())[0]).toBe(true);
      await images.remove(image);
      expect((await made())[0]).toBe(true);
      const gone = containers.create(under.uniqueName(), spec, { imageId: `sha256:${'0'.repeat(64)}` });
      expect((await rejection(gone))[1]).toContain(image);
    } finally {
      for (const name of [image, other]) await images.remove(name, { force: true });
    }
  });

  test('what is not there is not found', async () => {
    const { containers } = under.engine;
    const notFound = ['ERR_CONTAINER_NOT_FOUND', `container not found (container: ${GONE})`] as const;
    const receiver = { onStdout() {}, onEnd() {} };
    expect(await containers.find(GONE)).toBeUndefined();
    expect(await rejection(containers.start(GONE))).toEqual(notFound);
    expect(await rejection(containers.stop(GONE, { graceSeconds: 1 }))).toEqual(notFound);
    expect(await rejection(containers.kill(GONE))).toEqual(notFound);
    expect(await rejection(containers.wait(GONE))).toEqual(notFound);
    expect(await rejection(containers.attach(GONE, receiver))).toEqual(notFound);
    expect(await rejection(Array.fromAsync(containers.logs(GONE)))).toEqual(notFound);
    await containers.remove(GONE);
  });

  test('wait gives the exit code, of the running and of the ended', async () => {
    const { containers } = under.engine;
    const name = await under.create('/bin/sh', '-c', 'read line; exit 7');
    await containers.start(name);
    const waiting = containers.wait(name);
    const stdio = await containers.attach(name, { onStdout() {}, onEnd() {} });
    stdio.write('go\n');
    expect(await waiting).toEqual({ exitCode: 7 });
    expect(await containers.wait(name)).toEqual({ exitCode: 7 });
  });

  test('waiting can be given up', async () => {
    const name = await under.start('/bin/cat');
    const [code] = await rejection(under.engine.containers.wait(name, { signal: AbortSignal.timeout(100) }));
    expect(code).toBe('ERR_TIMEOUT');
    const [cancelled] = await rejection(under.engine.containers.wait(name, { signal: AbortSignal.abort() }));
    expect(cancelled).toBe('ERR_CANCELLED');
  });

  test('stop lets the process end by itself within the grace period', async () => {
    const { containers } = under.engine;
    const name = await under.start(
      '/bin/sh',
      '-c',
      'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.1; done',
    );
    await until(
      async () => textOf(await Array.fromAsync(containers.logs(name)), 'stdout'),
      (text) => text === 'ready\n',
    );
    const started = performance.now();
    await containers.stop(name, { graceSeconds: 20 });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await containers.wait(name)).toEqual({ exitCode: 3 });
    await containers.stop(name, { graceSeconds: 20 });
  });

  test('stop kills when the grace period is over, not before', async () => {
    const { containers } = under.engine;
    const name = await under.start('/bin/sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done');
    await until(
      async () => textOf(await Array.fromAsync(containers.logs(name)), 'stdout'),
      (text) => text === 'ready\n',
    );
    const started = performance.now();
    await containers.stop(name, { graceSeconds: 2 });
    expect(performance.now() - started).toBeGreaterThan(1900);
    expect(await containers.wait(name)).toEqual({ exitCode: 137 });
  });

  test('stop does not wait for a first process that SIGTERM cannot reach', async () => {
    const { containers } = under.engine;
    const name = await under.start('/bin/sh', '-c', 'echo ready; while :; do sleep 0.1; done');
    const started = performance.now();
    await containers.stop(name, { graceSeconds: 20 });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await containers.wait(name)).toEqual({ exitCode: 137 });
  });

  test('stop tells a program again that was not listening yet', async () => {
    const { containers } = under.engine;
    const name = await under.start(
      '/bin/sh',
      '-c',
      'sleep 0.15; trap "exit 3" TERM; while :; do sleep 0.1; done',
    );
    const started = performance.now();
    await containers.stop(name, { graceSeconds: 20 });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect([3, 137]).toContain((await containers.wait(name)).exitCode);
  });

  test('kill sends the signal asked for; the ended cannot be killed', async () => {
    const { containers } = under.engine;
    const name = await under.start(
      '/bin/sh',
      '-c',
      'trap "exit 5" USR1; echo ready; while :; do sleep 0.1; done',
    );
    await until(
      async () => textOf(await Array.fromAsync(containers.logs(name)), 'stdout'),
      (text) => text === 'ready\n',
    );
    await containers.kill(name, { processSignal: 'SIGUSR1' });
    expect(await containers.wait(name)).toEqual({ exitCode: 5 });
    const [code] = await rejection(containers.kill(name));
    expect(code).toBe('ERR_CONTAINER_NOT_RUNNING');
  });

  test('remove: the running only with force, the gone always', async () => {
    const { containers } = under.engine;
    const name = await under.start('/bin/cat');
    const [code] = await rejection(containers.remove(name));
    expect(code).toBe('ERR_ENGINE_REQUEST');
    expect((await containers.find(name))?.State.Running).toBe(true);
    await containers.remove(name, { force: true });
    await containers.remove(name, { force: true });
    expect(await containers.find(name)).toBeUndefined();
  });

  test('logs: both streams, whole or the last lines', async () => {
    const { containers } = under.engine;
    const both = await under.start('/bin/sh', '-c', 'echo one; echo bad >&2; echo two');
    const chunks = await until(
      () => Array.fromAsync(containers.logs(both)),
      (seen) => textOf(seen, 'stdout').endsWith('two\n') && textOf(seen, 'stderr') !== '',
    );
    expect([textOf(chunks, 'stdout'), textOf(chunks, 'stderr')]).toEqual(['one\ntwo\n', 'bad\n']);

    const name = await under.start('/bin/sh', '-c', 'echo one; echo two; echo three');
    await containers.wait(name);
    const text = async (tail: number | 'all') =>
      textOf(await Array.fromAsync(containers.logs(name, { tail })), 'stdout');
    await until(
      () => text('all'),
      (seen) => seen === 'one\ntwo\nthree\n',
    );
    expect([await text(2), await text(1), await text(0)]).toEqual(['two\nthree\n', 'three\n', '']);
  });

  test('followed logs end with the container', async () => {
    const { containers } = under.engine;
    const name = await under.start('/bin/sh', '-c', 'echo one; sleep 0.5; echo two');
    const chunks = await Array.fromAsync(containers.logs(name, { follow: true }));
    expect(textOf(chunks, 'stdout')).toBe('one\ntwo\n');
  });

  test('followed logs end quietly when given up, or left', async () => {
    const { containers } = under.engine;
    const name = await under.start('/bin/sh', '-c', 'while :; do echo tick; sleep 0.1; done');
    const stop = new AbortController();
    let seen = '';
    for await (const { bytes } of containers.logs(name, { follow: true, signal: stop.signal })) {
      seen += Buffer.from(bytes).toString();
      if (seen.length > 10) stop.abort();
    }
    expect(seen).toStartWith('tick\ntick\n');
    for await (const _chunk of containers.logs(name, { follow: true })) break;
    expect(
      await Array.fromAsync(containers.logs(name, { follow: true, signal: AbortSignal.abort() })),
    ).toEqual([]);
  });
});
