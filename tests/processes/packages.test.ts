import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { hasCode } from '../../src/errors/index.ts';
import { silentLogger } from '../../src/platform/index.ts';
import { findSandbox, installPackage, noSandbox, type Sandbox } from '../../src/processes/index.ts';
import { SANDBOXES } from './runner.ts';

const BINARY = process.env['THV_BINARY'] ?? join(import.meta.dir, '..', '..', 'dist', 'thv');
const TOKEN = 'a-token-of-the-user';

interface Published {
  readonly archive: Uint8Array;
  /** `none`: the registry gives no digest. */
  readonly digest?: 'right' | 'wrong' | 'none';
}

/** A package registry of the tests' own, which wants the user's token. */
async function openRegistry(folder: string) {
  const packages = new Map<string, Map<string, Published>>();
  let requests = 0;
  const server: Bun.Server<undefined> = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch(request): Response {
      requests++;
      if (request.headers.get('authorization') !== `Bearer ${TOKEN}`)
        return new Response('', { status: 401 });
      const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
      const [, name = '', version = ''] = /^(.+)\/-\/(.+)\.tgz$/.exec(path) ?? [];
      const archive = packages.get(name)?.get(version)?.archive;
      if (archive !== undefined) return new Response(archive);
      const versions = packages.get(path);
      if (versions === undefined) return Response.json({ error: 'not found' }, { status: 404 });
      const described = [...versions].map(([each, { archive: bytes, digest = 'right' }]) => {
        const hash = createHash('sha512')
          .update(digest === 'wrong' ? 'other' : bytes)
          .digest('base64');
        const dist = {
          tarball: `${server.url}${path}/-/${each}.tgz`,
          ...(digest === 'none' ? {} : { integrity: `sha512-${hash}` }),
        };
        return [each, { name: path, version: each, bin: 'main.js', hasInstallScript: true, dist }] as const;
      });
      return Response.json({
        name: path,
        'dist-tags': { latest: [...versions.keys()].at(-1) },
        versions: Object.fromEntries(described),
      });
    },
  });
  return {
    url: server.url.href,
    requests: () => requests,
    stop: () => server.stop(true),
    async publish(
      name: string,
      version: string,
      digest?: Published['digest'],
      postinstall = 'touch installed-by-script',
    ) {
      const source = join(folder, 'sources', `${name}-${version}`);
      await mkdir(source, { recursive: true });
      const scripts = { postinstall };
      await writeFile(
        join(source, 'package.json'),
        JSON.stringify({ name, version, bin: 'main.js', scripts }),
      );
      await writeFile(join(source, 'main.js'), `console.log('${name} ${version}')\n`);
      await Bun.$`${BINARY} pm pack --quiet --destination ${source}`
        .cwd(source)
        .env({ ...process.env, BUN_BE_BUN: '1' })
        .quiet();
      const archive = await readFile(join(source, `${name}-${version}.tgz`));
      const versions = packages.get(name) ?? new Map<string, Published>();
      packages.set(name, versions.set(version, { archive, ...(digest === undefined ? {} : { digest }) }));
    },
  };
}

describe('npm packages', () => {
  let folder: string;
  let registry: Awaited<ReturnType<typeof openRegistry>>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thv-packages-'));
    registry = await openRegistry(folder);
    await mkdir(join(folder, 'home'));
    const host = new URL(registry.url).host;
    await writeFile(
      join(folder, 'home', '.npmrc'),
      `registry=${registry.url}\n//${host}/:_authToken=${TOKEN}\n`,
    );
    await registry.publish('good', '1.0.0');
    await registry.publish('good', '1.1.0');
    await registry.publish('tampered', '1.0.0', 'wrong');
    await registry.publish('unchecked', '1.0.0', 'none');
  });
  afterAll(async () => {
    await registry.stop();
    await rm(folder, { recursive: true });
  });

  let stores = 0;
  /** Each test has a store of its own, and says what it shares. */
  const newStore = () => join(folder, `store-${++stores}`);

  const install = (
    store: string,
    name: string,
    options: {
      readonly sandbox?: Sandbox;
      readonly signal?: AbortSignal;
      readonly say?: (line: string) => void;
    } = {},
  ) =>
    installPackage(
      { scheme: 'npx', package: name },
      {
        folder: store,
        cacheFolder: join(store, 'downloads'),
        env: { PATH: process.env['PATH'], HOME: join(folder, 'home') },
        self: [BINARY],
        sandbox: options.sandbox ?? noSandbox([BINARY]),
        allowScripts: options.sandbox !== undefined,
        progress: options.say ?? (() => undefined),
        logger: silentLogger,
        signal: options.signal ?? new AbortController().signal,
      },
    );

  const failure = async (action: Promise<unknown>) => {
    try {
      await action;
    } catch (error) {
      return error;
    }
    throw new Error('it did not fail');
  };

  test.each([
    ['no version is the latest', 'good', '1.1.0'],
    ['a tag', 'good@latest', '1.1.0'],
    ['a range', 'good@^1.0.0', '1.1.0'],
    ['an exact version', 'good@1.0.0', '1.0.0'],
  ])('%s', async (_, request, version) => {
    const installed = await install(newStore(), request);
    expect(installed).toMatchObject({ reference: `npx://good@${version}`, version });
    const run = Bun.spawnSync([BINARY, installed.command.at(-1) ?? ''], { env: { BUN_BE_BUN: '1' } });
    expect(run.stdout.toString()).toBe(`good ${version}\n`);
  });

  test('an exact version that is there needs no network, and says nothing', async () => {
    const store = newStore();
    const said: string[] = [];
    const first = await install(store, 'good@1.0.0', { say: (line) => said.push(line) });
    const before = registry.requests();
    expect(await install(store, 'good@1.0.0', { say: (line) => said.push(line) })).toEqual(first);
    expect(registry.requests()).toBe(before);
    expect(said).toEqual(['Installing good@1.0.0']);
  });

  test('without a registry no version means that of the last time', async () => {
    const store = newStore();
    const other = await openRegistry(join(folder, 'other'));
    await other.publish('good', '1.0.0');
    const npmrc = join(folder, 'home', '.npmrc');
    const kept = await readFile(npmrc, 'utf8');
    try {
      await writeFile(npmrc, `registry=${other.url}\n//${new URL(other.url).host}/:_authToken=${TOKEN}\n`);
      await install(store, 'good');
      await other.stop();
      expect(await install(store, 'good')).toMatchObject({ version: '1.0.0' });
      // Nobody said that there is none.
      expect(await failure(install(store, 'tampered'))).toMatchObject({ code: 'ERR_PACKAGE_INSTALL' });
    } finally {
      await writeFile(npmrc, kept);
    }
  });

  test('many installers at once install it once', async () => {
    const store = newStore();
    const said: string[] = [];
    const all = await Promise.all(
      Array.from({ length: 6 }, () => install(store, 'good@1.1.0', { say: (line) => said.push(line) })),
    );
    expect(new Set(all.map(({ command }) => command.at(-1))).size).toBe(1);
    expect(said).toEqual(['Installing good@1.1.0']);
    const folders = (await readdir(join(store, 'npm'))).filter((name) => /^[0-9a-f]{40}$/.test(name));
    expect(folders).toHaveLength(1);
  });

  test.each([...SANDBOXES])(
    'its programs are run in %s, where they get at the package alone',
    async (kind) => {
      const store = newStore();
      const sandbox = await findSandbox({
        env: { ...process.env, TOOLHIVE_SANDBOX: kind },
        self: [BINARY],
        cacheFolder: join(store, 'cache'),
        logger: silentLogger,
        signal: new AbortController().signal,
      });
      const bait = join(folder, 'home', 'bait');
      await writeFile(bait, 'not for you');
      await registry.publish(
        'nosy',
        '1.0.0',
        'right',
        `cat ${bait} > seen; touch ${bait}-taken; touch installed-by-script`,
      );
      const { command } = await install(store, 'nosy@1.0.0', { sandbox });
      const root = dirname(command.at(-1) ?? '');
      expect(existsSync(join(root, 'installed-by-script'))).toBe(true);
      expect(await readFile(join(root, 'seen'), 'utf8')).toBe('');
      expect(existsSync(`${bait}-taken`)).toBe(false);
    },
  );

  test('its programs are run on installation only where that is allowed, and that is another copy', async () => {
    const store = newStore();
    const trace = (command: readonly string[]) => join(dirname(command.at(-1) ?? ''), 'installed-by-script');
    const without = await install(store, 'good@1.0.0');
    expect(existsSync(trace(without.command))).toBe(false);
    const allowed = await install(store, 'good@1.0.0', { sandbox: noSandbox([BINARY]) });
    expect(existsSync(trace(allowed.command))).toBe(true);
    expect(existsSync(trace((await install(store, 'good@1.0.0')).command))).toBe(false);
  });

  test('what does not match the digest of the registry, or has none, is not installed', async () => {
    const store = newStore();
    expect(await failure(install(store, 'tampered@1.0.0'))).toMatchObject({
      code: 'ERR_PACKAGE_INSTALL',
      message: expect.stringMatching(/integrity/i),
    });
    expect(await failure(install(store, 'unchecked@1.0.0'))).toMatchObject({
      code: 'ERR_PACKAGE_INSTALL',
      message: expect.stringContaining('has no digest to check it against'),
    });
    expect((await readdir(join(store, 'npm'))).filter((name) => name !== 'index')).toEqual([]);
  });

  test('a copy whose list of contents was changed is installed again', async () => {
    const store = newStore();
    const said: string[] = [];
    const { readOnlyPaths } = await install(store, 'good@1.0.0', { say: (line) => said.push(line) });
    await writeFile(join(readOnlyPaths[0] ?? '', 'bun.lock'), '{}');
    for (let start = 1; start <= 2; start++) {
      await install(store, 'good@1.0.0', { say: (line) => said.push(line) });
      expect(said).toEqual(['Installing good@1.0.0', 'Installing good@1.0.0']);
    }
  });

  test('a copy that lost its package is installed again', async () => {
    const store = newStore();
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    const { command, readOnlyPaths } = await install(store, 'good@1.0.0', { say });
    await rm(join(readOnlyPaths[0] ?? '', 'node_modules'), { recursive: true });
    expect((await install(store, 'good@1.0.0', { say })).command).toEqual(command);
    expect(existsSync(command.at(-1) ?? '')).toBe(true);
    expect(said).toHaveLength(2);
  });

  test('what a killed installation left behind goes with a later one', async () => {
    const store = newStore();
    const [old, fresh] = ['.new-old', '.new-fresh'].map((name) => join(store, 'npm', name));
    for (const path of [old, fresh]) await mkdir(join(path ?? '', 'node_modules'), { recursive: true });
    const before = new Date(Date.now() - 2 * 60 * 60_000);
    await utimes(old ?? '', before, before);
    await install(store, 'good@1.0.0');
    expect([old, fresh].map((path) => existsSync(path ?? ''))).toEqual([false, true]);
  });

  test.each([
    ['a package that does not exist', 'there-is-none'],
    ['a version that does not exist', 'good@9.9.9'],
    ['an option in place of a version', 'good@--registry'],
    ['a path in place of a name', '../good'],
    ['no name at all', '@'],
  ])('%s is told by its name', async (_, request) => {
    const error = await failure(install(newStore(), request));
    expect(hasCode(error, 'ERR_PACKAGE_NOT_FOUND')).toBe(true);
    expect(String(error)).toContain(request.replace(/^\.\./, ''));
  });

  test('cancelled, it leaves nothing behind', async () => {
    const store = newStore();
    const signal = AbortSignal.abort();
    expect(await failure(install(store, 'good@1.0.0', { signal }))).toMatchObject({ code: 'ERR_CANCELLED' });
    expect(await readdir(join(store, 'npm'))).toEqual([]);
  });
});

describe('copies of a local folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thv-copies-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('an older one goes when a newer is made, unless a server uses it', async () => {
    const source = join(folder, 'source');
    await mkdir(source);
    await writeFile(join(source, 'package.json'), JSON.stringify({ name: 'copied', main: 'main.mjs' }));
    const installed = async (content: string) => {
      await writeFile(join(source, 'main.mjs'), content);
      return await installPackage(
        { scheme: 'folder', package: source },
        {
          folder,
          cacheFolder: join(folder, 'downloads'),
          env: process.env,
          self: [BINARY],
          sandbox: noSandbox([BINARY]),
          allowScripts: false,
          progress: () => undefined,
          logger: silentLogger,
          signal: new AbortController().signal,
        },
      );
    };
    const first = await installed('1');
    const second = await installed('2');
    expect([first, second].map(({ cwd = '' }) => existsSync(cwd))).toEqual([true, true]);
    first.use?.[Symbol.dispose]();
    const third = await installed('3');
    expect([first, second, third].map(({ cwd = '' }) => existsSync(cwd))).toEqual([false, true, true]);
    for (const { use } of [second, third]) use?.[Symbol.dispose]();
    const left = await readdir(join(folder, 'folders'));
    expect(left.filter((name) => name.endsWith('.use'))).toEqual([]);
  });
});
