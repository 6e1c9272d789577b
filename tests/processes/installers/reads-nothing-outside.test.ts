import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { findUv } from '../find-uv.ts';
import { CASES, standsForAll } from '../runner.ts';
import { type AttackedUser, openAttackedUser } from './attacked-user.ts';
import { openRegistry, type Registry } from './npm-registry.ts';

const manifest = (more: object = {}) =>
  JSON.stringify({ name: 'n', main: 'main.mjs', dependencies: { good: '1.0.0' }, ...more }, undefined, 2);
const MAIN = { 'main.mjs': 'setInterval(() => {}, 1000)' };
const OUTSIDE = 'which is outside of the folder; a copy of it has to be in the folder';
const GIT = 'which is a git repository';

/** Attack: manifests and lock files that say a package is somewhere among the user's files. `HOME` stands for the home folder. */
const MANIFESTS: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'bun.lock: a registry package resolved to a folder',
    {
      'package.json': manifest(),
      'bun.lock': `{\n  "lockfileVersion": 1,\n  "workspaces": { "": { "name": "n", "dependencies": { "good": "1.0.0" } } },\n  "packages": {\n    "good": ["good@file:HOME/.ssh", {}],\n  }\n}\n`,
    },
    `bun.lock:5: good is to be taken from file:HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'bun.lock: a repository on this machine',
    {
      'package.json': manifest(),
      'bun.lock': `{\n "lockfileVersion": 1,\n "workspaces": {"": {"dependencies": {"good": "1.0.0"}}},\n "packages": { "good": ["good@git+file:HOME/repo#abc", {}, "abc"] }\n}\n`,
    },
    `bun.lock:4: good is to be taken from git+file:HOME/repo#abc, ${GIT}`,
  ],
  [
    'bun.lock: a workspace above the folder',
    {
      'package.json': manifest(),
      'bun.lock': `{\n "lockfileVersion": 1,\n "workspaces": {"": {}, "../../home": {"name": "good"}},\n "packages": {}\n}\n`,
    },
    `bun.lock:3: a workspace is to be taken from ../../home, ${OUTSIDE}`,
  ],
  [
    'package-lock.json: a link out of the folder',
    {
      'package.json': manifest(),
      'package-lock.json': JSON.stringify(
        {
          lockfileVersion: 3,
          packages: { '': {}, 'node_modules/good': { resolved: '../../home/.ssh', link: true } },
        },
        undefined,
        1,
      ),
    },
    `package-lock.json:6: good is to be taken from ../../home/.ssh, ${OUTSIDE}`,
  ],
  [
    'package-lock.json of version 1, below another package',
    {
      'package.json': manifest(),
      'package-lock.json': JSON.stringify(
        {
          lockfileVersion: 1,
          dependencies: { good: { version: '1.0.0', dependencies: { deep: { version: 'file:HOME' } } } },
        },
        undefined,
        1,
      ),
    },
    `package-lock.json:8: deep is to be taken from file:HOME, ${OUTSIDE}`,
  ],
  [
    'npm-shrinkwrap.json: an archive of a host that is no registry',
    {
      'package.json': manifest(),
      'npm-shrinkwrap.json': JSON.stringify(
        {
          lockfileVersion: 3,
          packages: {
            '': {},
            'node_modules/good': { version: '1.0.0', resolved: 'https://evil.example/good.tgz' },
          },
        },
        undefined,
        1,
      ),
    },
    'npm-shrinkwrap.json:7: good is to be taken from https://evil.example/good.tgz, and evil.example is not a registry in force',
  ],
  [
    'yarn.lock',
    {
      'package.json': manifest(),
      'yarn.lock':
        '# yarn lockfile v1\n\n"good@1.0.0":\n  version "1.0.0"\n  resolved "file:HOME/.ssh#abc"\n',
    },
    `yarn.lock:5: a package is to be taken from file:HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'yarn.lock of a later yarn',
    {
      'package.json': manifest(),
      'yarn.lock':
        '__metadata:\n  version: 8\n\n"good@npm:1.0.0":\n  version: 1.0.0\n  resolution: "good@portal:HOME/.ssh::locator=n"\n',
    },
    `yarn.lock:6: good is to be taken from portal:HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'pnpm-lock.yaml',
    {
      'package.json': manifest(),
      'pnpm-lock.yaml':
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      good:\n        specifier: 1.0.0\n        version: link:../../home/.ssh\n",
    },
    `pnpm-lock.yaml:7: good is to be taken from link:../../home/.ssh, ${OUTSIDE}`,
  ],
  [
    'package.json: a whole path',
    { 'package.json': manifest({ dependencies: { good: 'file:HOME/.ssh' } }) },
    `package.json:5: good is to be taken from file:HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'package.json: a path in disguise',
    { 'package.json': manifest({ dependencies: { good: 'file:./a/../../../home/.ssh' } }) },
    `package.json:5: good is to be taken from file:./a/../../../home/.ssh, ${OUTSIDE}`,
  ],
  [
    'package.json: an override',
    { 'package.json': manifest({ overrides: { good: { '.': '1.0.0', deep: 'link:HOME' } } }) },
    `is to be taken from link:HOME, ${OUTSIDE}`,
  ],
  [
    'package.json: an alias',
    { 'package.json': manifest({ dependencies: { good: 'npm:other@file:HOME' } }) },
    OUTSIDE,
  ],
  [
    'package.json: a repository by ssh',
    { 'package.json': manifest({ dependencies: { good: 'git+ssh://git@host.example/x.git' } }) },
    GIT,
  ],
  [
    'package.json: a repository by its short name',
    { 'package.json': manifest({ dependencies: { good: 'owner/name#main' } }) },
    GIT,
  ],
  [
    'package.json: an archive of any host',
    { 'package.json': manifest({ dependencies: { good: 'https://evil.example/x.tgz' } }) },
    'evil.example is not a registry in force',
  ],
  [
    'package.json: workspaces above the folder',
    { 'package.json': manifest({ workspaces: ['../*'] }) },
    `a workspace is to be taken from ../*, ${OUTSIDE}`,
  ],
  [
    'package.json of a workspace',
    {
      'package.json': manifest({ workspaces: ['packages/*'] }),
      'packages/a/package.json': '{\n"name": "a",\n"dependencies": {"b": "file:../../../x"}}',
    },
    `packages/a/package.json:3: b is to be taken from file:../../../x, ${OUTSIDE}`,
  ],
  [
    'package.json: a patch',
    { 'package.json': manifest({ patchedDependencies: { 'good@1.0.0': 'HOME/.ssh/id_key' } }) },
    OUTSIDE,
  ],
  [
    'pnpm-workspace.yaml',
    { 'package.json': manifest(), 'pnpm-workspace.yaml': 'packages:\n  - a\n  - ../../home\n' },
    `pnpm-workspace.yaml:3: a workspace is to be taken from ../../home, ${OUTSIDE}`,
  ],
  [
    'a lock file that is none',
    { 'package.json': manifest(), 'bun.lock': '{ "packages": [' },
    'bun.lock:1: it cannot be understood',
  ],
];

const PYPROJECT = '[project]\nname = "p"\nversion = "1"\nrequires-python = ">=3.9"\n';
const PYTHON: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'a path of uv',
    {
      'pyproject.toml': `${PYPROJECT}dependencies = ["good"]\n[tool.uv.sources]\ngood = { path = "HOME/.ssh" }\n`,
    },
    `pyproject.toml:7: good is to be taken from HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'a path above the folder',
    {
      'pyproject.toml': `${PYPROJECT}dependencies = ["good"]\n[tool.uv.sources]\ngood = { path = "../../home", editable = true }\n`,
    },
    `good is to be taken from ../../home, ${OUTSIDE}`,
  ],
  [
    'a requirement with a place',
    { 'pyproject.toml': `${PYPROJECT}dependencies = ["good @ file://HOME/.ssh"]\n` },
    `pyproject.toml:5: good is to be taken from file://HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'a repository',
    { 'pyproject.toml': `${PYPROJECT}dependencies = ["good @ git+https://host.example/x.git"]\n` },
    GIT,
  ],
  [
    'an archive of any host',
    { 'pyproject.toml': `${PYPROJECT}dependencies = ["good @ https://evil.example/x.whl"]\n` },
    'evil.example is not a package index in force',
  ],
  [
    'a group of dependencies',
    { 'pyproject.toml': `${PYPROJECT}[dependency-groups]\ndev = ["good @ file:///etc"]\n` },
    OUTSIDE,
  ],
  [
    'a workspace above the folder',
    { 'pyproject.toml': `${PYPROJECT}[tool.uv.workspace]\nmembers = ["../*"]\n` },
    OUTSIDE,
  ],
  [
    'uv.lock: an editable package',
    {
      'pyproject.toml': PYPROJECT,
      'uv.lock':
        'version = 1\n[[package]]\nname = "good"\nversion = "1"\nsource = { editable = "HOME/.ssh" }\n',
    },
    `uv.lock:5: good is to be taken from HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'uv.lock: a file of another host',
    {
      'pyproject.toml': PYPROJECT,
      'uv.lock':
        'version = 1\n[[package]]\nname = "good"\nversion = "1"\nsource = { url = "https://evil.example/x.whl" }\n',
    },
    'evil.example is not a package index in force',
  ],
  [
    'uv.lock: an index on this machine',
    {
      'pyproject.toml': PYPROJECT,
      'uv.lock':
        'version = 1\n[[package]]\nname = "good"\nversion = "1"\nsource = { registry = "http://127.0.0.1:9/simple" }\n',
    },
    '127.0.0.1:9 is not a package index in force',
  ],
];

const GO = 'module example.com/m\n\ngo 1.21\n';
const GOMAIN = 'package main\n\nimport (\n\t_ "embed"\n)\n\nfunc main() { select {} }\n';
const GO_FILES: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  [
    'replace with a whole path',
    {
      'go.mod': `${GO}require example.com/x v1.0.0\nreplace example.com/x => HOME/.ssh\n`,
      'main.go': GOMAIN,
    },
    `go.mod:5: example.com/x is to be taken from HOME/.ssh, ${OUTSIDE}`,
  ],
  [
    'replace with a path above, in a block',
    { 'go.mod': `${GO}replace (\n\texample.com/x v1.0.0 => ../../home\n)\n`, 'main.go': GOMAIN },
    `go.mod:5: example.com/x is to be taken from ../../home, ${OUTSIDE}`,
  ],
  [
    'a workspace that uses a folder above',
    { 'go.work': 'go 1.21\n\nuse (\n\t.\n\t../../home\n)\n', 'go.mod': GO, 'main.go': GOMAIN },
    `go.work:5: a module is to be taken from ../../home, ${OUTSIDE}`,
  ],
  [
    'a quoted path',
    { 'go.mod': `${GO}replace example.com/x => "HOME/my files"\n`, 'main.go': GOMAIN },
    `example.com/x is to be taken from HOME/my files, ${OUTSIDE}`,
  ],
];

const uv = await findUv();

describe.each(CASES)(
  'a folder takes packages from the files of the user, $sandbox, user $user',
  ({ sandbox, user }) => {
    let attacked: AttackedUser;
    let registry: Registry;
    beforeAll(async () => {
      attacked = await openAttackedUser(sandbox, user);
      registry = openRegistry();
      await Bun.write(join(attacked.world.home, '.npmrc'), `registry=${registry.url}\n`);
      await registry.publish('good', '1.0.0', {});
    });
    afterAll(async () => {
      await attacked[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    });

    const here = (text: string) => text.replaceAll('HOME', attacked.world.home);
    let folders = 0;
    const refused = async (files: Readonly<Record<string, string>>, error: string) => {
      const name = `f${++folders}`;
      await attacked.folder(
        name,
        Object.fromEntries(Object.entries(files).map(([file, text]) => [file, here(text)])),
      );
      const { exitCode, said } = await attacked.run(`./${name}`);
      expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining(here(error)) });
      expect(await attacked.installedFilesWith(attacked.secret)).toEqual([]);
    };

    test.skipIf(Bun.which('go') === null)(
      'Go: what is embedded by way of a link is not there',
      async () => {
        await attacked.folder('embed', {
          'go.mod': GO,
          'main.go':
            'package main\n\nimport _ "embed"\n\n//go:embed key\nvar key string\n\nfunc main() { print(key); select {} }\n',
          key: (path) => symlink(attacked.secretFile, path),
        });
        const { exitCode, said } = await attacked.run('./embed');
        expect({ exitCode, said }).toMatchObject({
          exitCode: 1,
          said: expect.stringMatching(/pattern key: no matching files/),
        });
        expect(await attacked.installedFilesWith(attacked.secret)).toEqual([]);
      },
      180_000,
    );

    test('a registry package that depends on a folder of the user does not get it', async () => {
      await registry.publish('inner', '1.0.0', {
        dependencies: { keys: `file:${attacked.world.home}/.ssh` },
      });
      await attacked.folder('by-registry', {
        ...MAIN,
        'package.json': manifest({ dependencies: { inner: '1.0.0' } }),
      });
      const { exitCode, said } = await attacked.run('./by-registry');
      expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining('keys') });
      expect(await attacked.installedFilesWith(attacked.secret)).toEqual([]);
      await registry.publish('inner-program', '1.0.0', {
        bin: 'main.js',
        dependencies: { keys: `file:${attacked.world.home}/.ssh` },
      });
      expect(await attacked.run('npx://inner-program')).toMatchObject({ exitCode: 1 });
      expect(await attacked.installedFilesWith(attacked.secret)).toEqual([]);
    });

    test('local packages and workspaces inside the folder are installed', async () => {
      await attacked.folder('inside', {
        'main.mjs': "import a from 'a'; import b from 'b'; console.error(a + b); setInterval(() => {}, 1000)",
        'package.json': JSON.stringify({
          name: 'n',
          main: 'main.mjs',
          workspaces: ['packages/*'],
          dependencies: { a: 'workspace:*', b: 'file:./b', good: '^1.0.0' },
        }),
        'packages/a/package.json': JSON.stringify({
          name: 'a',
          version: '1.0.0',
          type: 'module',
          main: 'main.js',
        }),
        'packages/a/main.js': 'export default "A"',
        'b/package.json': JSON.stringify({ name: 'b', version: '1.0.0', type: 'module', main: 'main.js' }),
        'b/main.js': 'export default "B"',
      });
      const { exitCode, said } = await attacked.run('./inside');
      expect({ exitCode, said }).toMatchObject({
        exitCode: 0,
        said: expect.stringContaining('Successfully installed'),
      });
    });

    // These are refused while the folder is read, before there is a sandbox.
    if (!standsForAll({ sandbox, user })) return;

    test.each(MANIFESTS)('%s', async (_, files, error) => refused({ ...MAIN, ...files }, error));
    test.skipIf(uv === undefined).each(PYTHON)('Python, %s', async (_, files, error) =>
      refused({ 'server.py': '', ...files }, error),
    );
    test.skipIf(Bun.which('go') === null).each(GO_FILES)('Go, %s', async (_, files, error) =>
      refused(files, error),
    );
  },
);
