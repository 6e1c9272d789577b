import { describe, expect, test } from 'bun:test';
import { type Engine, openEngine, type PullProgress } from '../../src/engine/index.ts';
import { describeEngines } from './harness/engines.ts';
import { digestOf, push, startRegistry, startSilentRegistry } from './harness/registry.ts';
import { rejection } from './harness/rejection.ts';

const LOGIN = { username: 'somebody', password: 'pass word:?>~' };

describeEngines('images', (under) => {
  /** The same engine, opened by somebody with this environment and an empty home. */
  const openWith = (env: Readonly<Record<string, string>>): Promise<Engine> =>
    openEngine({ env: { TOOLHIVE_DOCKER_SOCKET: under.socket, ...env }, home: '/nonexistent' });

  /** The test image, pushed to `host` and gone from the engine. */
  async function publish(host: string, login?: typeof LOGIN): Promise<string> {
    const image = `${host}/team/${under.uniqueName()}:1.0`;
    await under.engine.images.tag(under.image, image);
    await push(under.engine, image, login);
    await under.engine.images.remove(image);
    expect(await under.engine.images.find(image)).toBeUndefined();
    return image;
  }

  test('find: there, not there, by id', async () => {
    const found = await under.engine.images.find(under.image);
    expect(found?.RepoTags).toContain(under.image);
    expect((await under.engine.images.find(found?.Id ?? ''))?.Id).toBe(found?.Id ?? '');
    expect(await under.engine.images.find('localhost/thv-engine-test-none:1')).toBeUndefined();
    expect(await under.engine.images.find('thv-engine-test-none')).toBeUndefined();
  });

  test('tag and remove; removing what is gone succeeds', async () => {
    const { images } = under.engine;
    const name = `localhost/${under.uniqueName()}`;
    await images.tag(under.image, `${name}:two`);
    expect((await images.find(`${name}:two`))?.Id).toBe((await images.find(under.image))?.Id ?? '');
    await images.remove(`${name}:two`);
    await images.remove(`${name}:two`);
    expect(await images.find(`${name}:two`)).toBeUndefined();
    expect(await images.find(under.image)).toBeDefined();
  });

  test('pull by tag, by digest, and by both', async () => {
    await using registry = await startRegistry();
    const image = await publish(registry.host);
    const { images } = under.engine;
    const progress: PullProgress[] = [];
    await images.pull(image, { onProgress: (record) => progress.push(record) });
    expect(await images.find(image)).toBeDefined();
    expect(progress.length).toBeGreaterThan(0);
    expect(progress.every(({ status }) => status !== '')).toBe(true);

    const digest = await digestOf(image);
    const name = image.slice(0, image.lastIndexOf(':'));
    await images.remove(image, { force: true });
    for (const reference of [`${name}@${digest}`, `${image}@${digest}`]) {
      await images.pull(reference);
      expect((await images.find(reference))?.RepoDigests).toContain(`${name}@${digest}`);
      await images.remove(reference, { force: true });
    }
  });

  test('what the registry does not have is reported with its words', async () => {
    await using registry = await startRegistry();
    const image = `${registry.host}/team/none:1`;
    const [code, message] = await rejection(under.engine.images.pull(image));
    expect(code).toBe('ERR_IMAGE_NOT_FOUND');
    expect(message).toStartWith(
      `image not found in registry, please check the image name or tag: ${image}: `,
    );
    expect(message).toMatch(/manifest unknown|name unknown/);
  });

  test('a registry that is not there is reported with its words', async () => {
    const [code, message] = await rejection(under.engine.images.pull('127.0.0.1:1/team/none:1'));
    expect(code).toBe('ERR_IMAGE_NOT_FOUND');
    expect(message).toMatch(
      /^image not found in registry, .*: 127\.0\.0\.1:1\/team\/none:1: .*connection refused/s,
    );
  });

  test('a reference that is none is refused without asking the engine', async () => {
    const [code] = await rejection(under.engine.images.pull('Not An Image'));
    expect(code).toBe('ERR_IMAGE_REFERENCE_INVALID');
  });

  describe('with a login', () => {
    const variable = (host: string) => `REGISTRY_${host.replace(/[.:]/g, '_')}`;

    test('without credentials the cause is said; with those of the host it works', async () => {
      await using registry = await startRegistry(LOGIN);
      const image = await publish(registry.host, LOGIN);
      const nobody = await openWith({});
      const [code, message] = await rejection(nobody.images.pull(image));
      expect(code).toBe('ERR_IMAGE_NOT_FOUND');
      expect(message).toMatch(/no basic auth credentials|authentication required|unauthorized/);

      const wrong = await openWith({
        [`${variable(registry.host)}_USERNAME`]: LOGIN.username,
        [`${variable(registry.host)}_PASSWORD`]: 'wrong-secret',
      });
      const [, refused] = await rejection(wrong.images.pull(image));
      expect(refused).toMatch(/unauthorized|authentication required|invalid username\/password/);
      expect(refused).not.toContain('wrong-secret');

      const somebody = await openWith({
        [`${variable(registry.host)}_USERNAME`]: LOGIN.username,
        [`${variable(registry.host)}_PASSWORD`]: LOGIN.password,
      });
      await somebody.images.pull(image);
      expect(await somebody.images.find(image)).toBeDefined();
      await somebody.images.remove(image, { force: true });
    });

    test("the general pair is for the user's images, not for the program's own (B13)", async () => {
      await using registry = await startRegistry(LOGIN);
      const image = await publish(registry.host, LOGIN);
      const engine = await openWith({ REGISTRY_USERNAME: LOGIN.username, REGISTRY_PASSWORD: LOGIN.password });
      const [code] = await rejection(engine.images.pull(image, { owner: 'program' }));
      expect(code).toBe('ERR_IMAGE_NOT_FOUND');
      await engine.images.pull(image);
      expect(await engine.images.find(image)).toBeDefined();
      await engine.images.remove(image, { force: true });
    });
  });

  test.each([
    ['by hand', 'ERR_CANCELLED', 'image pull was canceled'],
    [
      'by time',
      'ERR_TIMEOUT',
      'image pull timed out - the image may be too large or the connection too slow',
    ],
  ])('a pull is ended %s', async (how, code, message) => {
    await using registry = startSilentRegistry();
    const stop = new AbortController();
    const pull = rejection(under.engine.images.pull(`${registry.host}/team/slow:1`, { signal: stop.signal }));
    await registry.asked;
    stop.abort(how === 'by time' ? new DOMException('over', 'TimeoutError') : undefined);
    expect(await pull).toEqual([code, message]);
  });
});
