import { describe, expect, test } from 'bun:test';
import { type Engine, openEngine, type PullProgress } from '../../src/engine/index.ts';
import { ThvError } from '../../src/errors/index.ts';
import { describeEngines } from './harness/engines.ts';
import { digestOf, push, startRegistry, startSilentRegistry } from './harness/registry.ts';
import { rejection } from './harness/rejection.ts';
import { tarOf } from './harness/tar.ts';

const LOGIN = { username: 'somebody', password: 'pass word:?>~' };

describeEngines('images', (under) => {
  /** The same engine, opened by somebody with this environment and an empty home. */
  const openWith = (env: Readonly<Record<string, string>>): Promise<Engine> =>
    openEngine({ wanted: '', env: { TOOLHIVE_DOCKER_SOCKET: under.socket, ...env }, home: '/nonexistent' });

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

  test.each([
    ['nobody listens at', '127.0.0.1:1/team/none:1', 'connection refused'],
    [
      'has no such host name',
      'no-such-host.invalid/team/none:1',
      '(?:no such host|server misbehaving|i/o timeout)',
    ],
  ])('a registry that %s is not told as a wrong image name', async (_, image, words) => {
    const [code, message] = await rejection(under.engine.images.pull(image));
    expect(code).toBe('ERR_IMAGE_PULL');
    expect(message).toMatch(
      new RegExp(
        `^the registry of image ${image} cannot be reached: .*${words}.*\\. Hint: check the network`,
        's',
      ),
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

  describe('build', () => {
    const options = (tag: string) => ({
      tag,
      dockerfile: 'Dockerfile',
      baseImages: [],
      labels: { owner: tag, 'with space': 'a "b" $c' },
      buildArguments: {},
    });

    test('the context is sent as it is made; the report comes back; the image is found by its labels', async () => {
      const { images } = under.engine;
      const tag = `localhost/${under.uniqueName()}:1`;
      const report: string[] = [];
      const dockerfile = `FROM ${under.image}\nARG COLOUR\nRUN echo "it is $COLOUR"\nCOPY big /big\n`;
      const content = { Dockerfile: dockerfile, big: 'x'.repeat(3_000_000) };
      await images.build(tarOf(content), {
        ...options(tag),
        buildArguments: { COLOUR: 'green' },
        onOutput: (text) => report.push(text),
      });
      expect(report.join('')).toContain('it is green');
      expect(report.join('')).toContain('Successfully built');
      const found = await images.list({ label: `owner=${tag}` });
      expect(found.map(({ RepoTags, Labels }) => [RepoTags, Labels['with space']])).toEqual([
        [[tag], 'a "b" $c'],
      ]);
      await images.remove(tag, { force: true });
      expect(await images.list({ label: `owner=${tag}` })).toEqual([]);
    });

    test.each([
      [
        'a command that fails',
        'RUN echo the-reason >&2; exit 7\n',
        /^build error: .*(?:exit status 7|code: 7)/s,
      ],
      ['what is no Dockerfile', 'NONSENSE\n', /^build error: .*NONSENSE/is],
    ])('%s is an error with its words', async (_, lines, message) => {
      const tag = `localhost/${under.uniqueName()}:1`;
      const report: string[] = [];
      const building = under.engine.images.build(tarOf({ Dockerfile: `FROM ${under.image}\n${lines}` }), {
        ...options(tag),
        onOutput: (text) => report.push(text),
      });
      const [code, text] = await rejection(building);
      expect(code).toBe('ERR_BUILD_FAILED');
      expect(text).toMatch(message);
      if (lines.includes('the-reason')) expect(report.join('')).toContain('the-reason');
      expect(await under.engine.images.find(tag)).toBeUndefined();
    });

    test('what goes wrong while the context is made is the error', async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield new Uint8Array(1024);
        throw new ThvError('ERR_BUILD_INPUT_INVALID', { reason: 'the file is gone' });
      }
      const [code, text] = await rejection(under.engine.images.build(broken(), options('localhost/none:1')));
      expect([code, text]).toEqual(['ERR_BUILD_INPUT_INVALID', 'the file is gone']);
    });

    test('a base image of a registry with a login', async () => {
      await using registry = await startRegistry(LOGIN);
      const base = await publish(registry.host, LOGIN);
      const tag = `localhost/${under.uniqueName()}:1`;
      const buildWith = async (env: Readonly<Record<string, string>>) =>
        (await openWith(env)).images.build(tarOf({ Dockerfile: `FROM ${base}\nRUN true\n` }), {
          ...options(tag),
          baseImages: [base],
        });
      const generic = { REGISTRY_USERNAME: LOGIN.username, REGISTRY_PASSWORD: LOGIN.password };
      expect((await rejection(buildWith(generic)))[0]).toBe('ERR_BUILD_FAILED');
      const variable = `REGISTRY_${registry.host.replace(/[.:]/g, '_')}`;
      await buildWith({
        [`${variable}_USERNAME`]: LOGIN.username,
        [`${variable}_PASSWORD`]: LOGIN.password,
      });
      expect(await under.engine.images.find(tag)).toBeDefined();
      for (const image of [tag, base]) await under.engine.images.remove(image, { force: true });
    });

    test('a build is given up', async () => {
      const tag = `localhost/${under.uniqueName()}:1`;
      const stop = new AbortController();
      const started = Promise.withResolvers<void>();
      const building = rejection(
        under.engine.images.build(tarOf({ Dockerfile: `FROM ${under.image}\nRUN echo begun; sleep 300\n` }), {
          ...options(tag),
          signal: stop.signal,
          onOutput: (text) => text.includes('begun\n') && !text.includes('RUN') && started.resolve(),
        }),
      );
      await started.promise;
      stop.abort();
      expect(await building).toEqual(['ERR_CANCELLED', 'image build was canceled']);
      expect(await under.engine.images.find(tag)).toBeUndefined();
    });
  });
});
