import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { readdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { CASES, gone, standsForAll } from '../runner.ts';
import { type AttackedUser, openAttackedUser } from './attacked-user.ts';
import { IDLE, openRegistry, type Registry } from './npm-registry.ts';

const MEGABYTE = 1024 ** 2;

const bombs = new Map<string, Promise<Uint8Array>>();

/** An archive of a few hundred KB that holds much more. Packing one takes a second, so all cases share it. */
function bomb(name: string, files: number, bytesEach: number): Promise<Uint8Array> {
  const key = `${name} ${files} ${bytesEach}`;
  const made = bombs.get(key) ?? makeBomb(name, files, bytesEach);
  bombs.set(key, made);
  return made;
}

async function makeBomb(name: string, files: number, bytesEach: number): Promise<Uint8Array> {
  const tar = pack();
  const zipped = tar.pipe(createGzip());
  const zeros = Buffer.alloc(bytesEach);
  const manifest = JSON.stringify({ name, version: '1.0.0', bin: 'main.js' });
  const fill = async () => {
    const add = (path: string, content: Buffer) =>
      new Promise<void>((resolve, reject) =>
        tar.entry({ name: `package/${path}`, mode: 0o644 }, content, (error) =>
          error ? reject(error) : resolve(),
        ),
      );
    await add('package.json', Buffer.from(manifest));
    await add('main.js', Buffer.from(IDLE));
    for (let file = 0; file < files; file++) await add(`f${file}`, zeros);
    tar.finalize();
  };
  const filled = fill();
  const chunks: Uint8Array[] = [];
  for await (const chunk of zipped) chunks.push(chunk as Uint8Array);
  await filled;
  return Buffer.concat(chunks);
}

/** Attack: a package or folder that takes all of the disk, the memory or the time there is. */
describe.each(CASES)('what is installed has limits, $sandbox, user $user', ({ sandbox, user }) => {
  let attacked: AttackedUser;
  let registry: Registry;
  beforeAll(async () => {
    attacked = await openAttackedUser(sandbox, user);
    registry = openRegistry();
    await writeFile(join(attacked.world.home, '.npmrc'), `registry=${registry.url}\n`);
    await registry.publish('other', '1.0.0', {});
  });
  afterAll(async () => {
    await attacked[Symbol.asyncDispose]();
    await registry[Symbol.asyncDispose]();
  });

  let packages = 0;
  test('a program that an install script makes a FIFO or a link to a device is refused at once', async () => {
    for (const [name, script] of [
      ['made-fifo', 'rm main.js; mkfifo main.js'],
      ['made-link', 'ln -sf /dev/zero main.js'],
      ['made-manifest', 'rm package.json; mkfifo package.json'],
    ] as const) {
      await registry.publish(name, '1.0.0', { bin: 'main.js', scripts: { postinstall: script } });
      expect(await attacked.run(`npx://${name}`, ['--allow-install-scripts'])).toMatchObject({ exitCode: 1 });
    }
  });

  test.each([
    [
      'one large file',
      1,
      96 * MEGABYTE,
      { TOOLHIVE_INSTALL_MAX_SIZE: '20m' },
      'more than 20 MB, the limit of one installation. Hint: if that is what it needs, raise the limit with TOOLHIVE_INSTALL_MAX_SIZE',
    ],
    [
      'many files that are large together',
      60,
      8 * MEGABYTE,
      { TOOLHIVE_INSTALL_MAX_SIZE: '20m' },
      'more than 20 MB',
    ],
    [
      'very many files',
      20_000,
      1,
      { TOOLHIVE_INSTALL_MAX_FILES: '500' },
      'more than 500 files, the limit of one installation',
    ],
  ] as const)(
    '%s: stopped, and nothing of it stays',
    async (_, files, bytes, limit, error) => {
      const name = `bomb${++packages}`;
      registry.publishArchive(name, '1.0.0', { bin: 'main.js' }, await bomb(name, files, bytes));
      const { exitCode, said } = await attacked.run(`npx://${name}`, [], limit);
      expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining(error) });
      const left = await readdir(join(attacked.world.data, 'packages', 'npm'));
      expect(left.filter((each) => each.startsWith('.new-'))).toEqual([]);
      const cached = await readdir(join(attacked.world.folder, 'cache', 'toolhive', 'npm'));
      expect(cached.filter((each) => each.startsWith('bomb'))).toEqual([]);
    },
    60_000,
  );

  test('a limit that is raised lets the same package in', async () => {
    registry.publishArchive('allowed', '1.0.0', { bin: 'main.js' }, await bomb('allowed', 1, 30 * MEGABYTE));
    expect(await attacked.run('npx://allowed', [], { TOOLHIVE_INSTALL_MAX_SIZE: '40m' })).toMatchObject({
      exitCode: 0,
    });
    const { said } = await attacked.run('npx://other@1.0.0', [], { TOOLHIVE_INSTALL_MAX_SIZE: 'much' });
    expect(said).toContain('TOOLHIVE_INSTALL_MAX_SIZE is "much", which is not a size such as 500m or 8g');
  });

  test('an install script that writes without end is stopped', async () => {
    const mark = `big-${crypto.randomUUID()}`;
    const postinstall = `i=0; while :; do i=$((i+1)); head -c 4000000 /dev/zero > ${mark}-$i || exit 1; done`;
    await registry.publish('writer', '1.0.0', { bin: 'main.js', scripts: { postinstall } });
    const { exitCode, said } = await attacked.run('npx://writer', ['--allow-install-scripts'], {
      TOOLHIVE_INSTALL_MAX_SIZE: '60m',
    });
    expect({ exitCode, said }).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining('more than 60 MB'),
    });
    await gone(mark);
  }, 60_000);

  // These are refused by what reads the package or the folder, outside of any sandbox.
  if (!standsForAll({ sandbox, user })) return;

  test.each([
    ['a device', { bin: '/dev/zero' }, {}, 'is missing'],
    ['a way up to a device', { bin: '../../../../../../../../dev/zero' }, {}, 'leads out of the package'],
    [
      'a file of the system',
      { bin: { NAME: '../../../../../../../../etc/passwd' } },
      {},
      'leads out of the package',
    ],
    ['a folder', { bin: 'lib' }, { 'lib/a.js': '' }, 'is not a regular file'],
    ['the package itself', { bin: '.' }, {}, 'leads out of the package'],
    [
      'the manifest of another package',
      { bin: '../other/package.json', dependencies: { other: '1.0.0' } },
      {},
      'leads out of the package',
    ],
    ['a FIFO', { bin: 'pipe' }, { pipe: { type: 'fifo' } }, 'is missing'],
    ['a link to a device', { bin: 'zero' }, { zero: { type: 'symlink', linkname: '/dev/zero' } }, ''],
    [
      'several programs, none by its name',
      { bin: { a: 'main.js', b: 'main.js' } },
      {},
      'it brings several programs',
    ],
  ] as const)('a program that is %s is refused at once', async (_, manifest, entries, error) => {
    const name = `bin${++packages}`;
    const described = JSON.parse(JSON.stringify(manifest).replace('NAME', name));
    await registry.publish(name, '1.0.0', described, { 'main.js': IDLE, ...entries });
    const before = performance.now();
    const { exitCode, said } = await attacked.run(`npx://${name}`);
    expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining(error) });
    expect(performance.now() - before).toBeLessThan(15_000);
  });

  test.each([
    ['a URL', 'https://evil.example/x.tgz'],
    ['an archive beside it', 'file:./x.tgz'],
    ['a repository', 'github:owner/name'],
  ])('a dependency by %s is not among what the registry has digests of', async (label, location) => {
    const name = `by-${label.replace(/[^a-z]/gi, '-').toLowerCase()}`;
    await registry.publish(name, '1.0.0', { bin: 'main.js', dependencies: { x: location } });
    expect(await attacked.run(`npx://${name}`)).toMatchObject({ exitCode: 1 });
  });

  test('a dependency by the URL of the very registry is not among them either', async () => {
    await registry.publish('x', '1.0.0', {});
    await registry.publish('by-own-url', '1.0.0', {
      bin: 'main.js',
      dependencies: { x: `${registry.url}x/-/1.0.0.tgz` },
    });
    const { exitCode, said } = await attacked.run('npx://by-own-url');
    expect({ exitCode, said }).toMatchObject({
      exitCode: 1,
      said: expect.stringContaining(
        `a dependency, x, is not from a registry but from ${registry.url}x/-/1.0.0.tgz`,
      ),
    });
  });

  test.each([
    ['package.json', /package\.json/],
    ['.dockerignore', undefined],
    ['.thvignore', undefined],
    ['package-lock.json', undefined],
    ['.npmrc', undefined],
    ['data', undefined],
  ] as const)('a FIFO called %s in a folder is not waited for', async (file, error) => {
    const name = `fifo-${file.replace(/\W/g, '-')}`;
    await attacked.folder(name, {
      'package.json': JSON.stringify({ name: 'n', main: 'main.mjs' }),
      'main.mjs': IDLE,
    });
    const path = join(attacked.world.work, name, file);
    await Bun.$`rm -f ${path} && mkfifo ${path}`.quiet();
    const { exitCode, said } = await attacked.run(`./${name}`);
    expect(exitCode).toBe(error === undefined ? 0 : 1);
    if (error !== undefined) expect(said).toMatch(error);
  });

  test('a folder that is larger than an installation may be is named, and read no further', async () => {
    await attacked.folder('huge', {
      'package.json': JSON.stringify({ name: 'n', main: 'main.mjs' }),
      'main.mjs': IDLE,
      'model.bin': async (path) => {
        await writeFile(path, '');
        await truncate(path, 100 * 1024 ** 3);
      },
    });
    const before = performance.now();
    const { exitCode, said } = await attacked.run('./huge');
    expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining('model.bin') });
    expect(said).toContain('TOOLHIVE_INSTALL_MAX_SIZE');
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});

describe.each(CASES)(
  'an installation ends when it is asked to, $sandbox, user $user',
  ({ sandbox, user }) => {
    test.each(['SIGTERM', 'SIGINT'] as const)('%s, with a registry that never answers', async (signal) => {
      await using attacked = await openAttackedUser(sandbox, user);
      await using registry = openRegistry();
      await writeFile(join(attacked.world.home, '.npmrc'), `registry=${registry.url}\n`);
      const asked = registry.hang();
      const started = attacked.run('npx://never@1.0.0');
      await asked;
      const commands = (await attacked.world.processes()).filter(({ command }) =>
        command.includes(' run npx://never'),
      );
      const before = performance.now();
      for (const { pid } of commands) process.kill(pid, signal);
      expect((await started).exitCode).not.toBe(0);
      expect(performance.now() - before).toBeLessThan(5000);
      await gone(join(attacked.world.data, 'packages'));
      expect(existsSync(join(attacked.world.folder, 'cache', 'toolhive', 'installing'))).toBe(true);
      expect(await readdir(join(attacked.world.folder, 'cache', 'toolhive', 'installing'))).toEqual([]);
    });
  },
);
