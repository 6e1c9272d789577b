import { describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inspectFolder } from './inspect.ts';
import type { FolderProject } from './types.ts';

type Files = Readonly<Record<string, string | object>>;

async function makeFolder(files: Files) {
  const path = await realpath(await mkdtemp(join(tmpdir(), 'thv-folder-')));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** What is found, without the place of the folder. */
async function inspect(files: Files): Promise<Partial<FolderProject>> {
  await using folder = await makeFolder(files);
  const { folder: at, ...facts } = await inspectFolder(folder.path, '/');
  expect(at).toBe(folder.path);
  return facts.name === basename(folder.path) ? { ...facts, name: '(folder)' } : facts;
}

async function refusal(files: Files): Promise<readonly string[]> {
  await using folder = await makeFolder(files);
  return await inspectFolder(folder.path, '/').then(
    () => [],
    (error) => [error.code, error.facts.reason],
  );
}

const NODE = {
  kind: 'node',
  name: '(folder)',
  installer: { tool: 'npm', packageSpec: undefined, lockFile: undefined },
  command: ['node', '/app/index.js'],
  hasBuild: false,
  needsDevelopment: false,
  installsAlone: false,
} as const;
const PYTHON = {
  kind: 'python',
  name: '(folder)',
  run: { kind: 'file', file: 'server.py' },
  isLocked: false,
  isPackage: false,
  hasSourceFolder: false,
  installsAlone: false,
  image: undefined,
} as const;

describe('which kind wins', () => {
  test.each<[string, Files, Partial<FolderProject>]>([
    [
      'a Dockerfile wins over everything',
      { Dockerfile: 'FROM scratch', 'package.json': { main: 'index.js' }, 'go.mod': 'module x' },
      { kind: 'dockerfile', dockerfile: 'Dockerfile', name: '(folder)' },
    ],
    ...['Containerfile', 'dockerfile', 'containerfile'].map(
      (dockerfile): [string, Files, Partial<FolderProject>] => [
        `so does ${dockerfile}`,
        { [dockerfile]: 'FROM scratch', 'package.json': { main: 'index.js' } },
        { kind: 'dockerfile', dockerfile, name: '(folder)' },
      ],
    ),
    [
      'Dockerfile wins over Containerfile, as Docker has it',
      { Containerfile: 'FROM a', Dockerfile: 'FROM b' },
      { kind: 'dockerfile', dockerfile: 'Dockerfile', name: '(folder)' },
    ],
    [
      'package.json wins over pyproject.toml',
      { 'package.json': { main: 'index.js' }, 'pyproject.toml': '', 'server.py': '' },
      NODE,
    ],
    [
      'package.json that runs nothing leaves it to pyproject.toml',
      { 'package.json': { devDependencies: { prettier: '3' } }, 'pyproject.toml': '', 'server.py': '' },
      PYTHON,
    ],
    [
      'go.mod, named like the module without its major version',
      { 'go.mod': '// x\nmodule "example.com/team/tool/v2" // y\n' },
      { kind: 'go', name: 'tool' },
    ],
    ['Go files below a module', { 'main.go': 'package main' }, { kind: 'go', name: '(folder)' }],
  ])('%s', async (_sentence, files, expected) => {
    expect(await inspect(files)).toEqual(expected);
  });
});

describe('Node projects', () => {
  test.each<[string, Files, object]>([
    [
      'bin as text; a scope is no part of the name',
      { 'package.json': { name: '@team/tool', bin: './dist/cli.js', scripts: { start: 'node x.js' } } },
      { ...NODE, name: 'tool', command: ['node', '/app/dist/cli.js'] },
    ],
    [
      'two names of one program',
      { 'package.json': { bin: { a: 'cli.js', b: 'cli.js' } } },
      { ...NODE, command: ['node', '/app/cli.js'] },
    ],
    [
      'of several programs the one called like the package',
      { 'package.json': { name: '@team/b', bin: { a: 'a.js', b: 'b.js' } } },
      { ...NODE, name: 'b', command: ['node', '/app/b.js'] },
    ],
    [
      'of several programs none called like the package: the start script',
      { 'package.json': { bin: { a: 'a.js', b: 'b.js' }, scripts: { start: 'node  c.js --stdio' } } },
      { ...NODE, command: ['node', 'c.js', '--stdio'] },
    ],
    [
      'a start script for a shell is left to npm, which keeps quiet',
      { 'package.json': { scripts: { start: 'A=$B node c.js && true' }, main: 'index.js' } },
      { ...NODE, command: ['npm', '--silent', 'start', '--'] },
    ],
    [
      'a start script with a script before it is left to npm',
      { 'package.json': { scripts: { prestart: 'true', start: 'node c.js' } } },
      { ...NODE, command: ['npm', '--silent', 'start', '--'] },
    ],
    [
      'main',
      { 'package.json': { main: './src/../lib/x.mjs' } },
      { ...NODE, command: ['node', '/app/lib/x.mjs'] },
    ],
    [
      'a file that looks like an option',
      { 'package.json': { main: '--eval=1' } },
      { ...NODE, command: ['node', '/app/--eval=1'] },
    ],
    [
      'a file of a usual name',
      { 'package.json': {}, 'server.js': '', 'index.js': '' },
      { ...NODE, command: ['node', '/app/server.js'] },
    ],
    [
      'a locked project without scripts is installed before its sources are there',
      { 'package.json': { main: 'index.js', dependencies: { a: '~1.2' } }, 'package-lock.json': '{}' },
      { ...NODE, installer: { ...NODE.installer, lockFile: 'package-lock.json' }, installsAlone: true },
    ],
    [
      'a dependency in the folder needs the sources',
      { 'package.json': { main: 'index.js', dependencies: { a: 'file:./a' } }, 'package-lock.json': '{}' },
      { ...NODE, installer: { ...NODE.installer, lockFile: 'package-lock.json' } },
    ],
    [
      'a build script needs the packages for development',
      { 'package.json': { main: 'index.js', scripts: { build: 'tsc' } }, 'package-lock.json': '{}' },
      {
        ...NODE,
        installer: { ...NODE.installer, lockFile: 'package-lock.json' },
        hasBuild: true,
        needsDevelopment: true,
        installsAlone: true,
      },
    ],
    [
      'a script of the installation needs them too, and the sources',
      { 'package.json': { main: 'index.js', scripts: { prepare: 'tsc' } }, 'npm-shrinkwrap.json': '{}' },
      {
        ...NODE,
        installer: { ...NODE.installer, lockFile: 'npm-shrinkwrap.json' },
        needsDevelopment: true,
      },
    ],
    [
      'keys of a wrong type are not there',
      { 'package.json': { name: 1, bin: [], scripts: 'x', main: 'index.js' } },
      NODE,
    ],
  ])('%s', async (_sentence, files, expected) => {
    expect(await inspect(files)).toEqual(expected);
  });

  test.each<[string, object, Readonly<Record<string, string>>, object]>([
    [
      'pnpm-lock.yaml 9',
      {},
      { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
      { tool: 'pnpm', packageSpec: 'pnpm@10', lockFile: 'pnpm-lock.yaml' },
    ],
    [
      'pnpm-lock.yaml 6',
      {},
      { 'pnpm-lock.yaml': "lockfileVersion: '6.0'\n" },
      { tool: 'pnpm', packageSpec: 'pnpm@8', lockFile: 'pnpm-lock.yaml' },
    ],
    [
      'pnpm-lock.yaml 5',
      {},
      { 'pnpm-lock.yaml': 'lockfileVersion: 5.4\n' },
      { tool: 'pnpm', packageSpec: 'pnpm@7', lockFile: 'pnpm-lock.yaml' },
    ],
    [
      'yarn.lock of version 1',
      {},
      { 'yarn.lock': '# yarn lockfile v1\n' },
      { tool: 'yarn-classic', packageSpec: 'yarn@1', lockFile: 'yarn.lock' },
    ],
    [
      'yarn.lock of later versions',
      {},
      { 'yarn.lock': '__metadata:\n  version: 8\n' },
      { tool: 'yarn', packageSpec: '@yarnpkg/cli-dist@4', lockFile: 'yarn.lock' },
    ],
    ['bun.lock', {}, { 'bun.lock': '{}' }, { tool: 'bun', packageSpec: 'bun@latest', lockFile: 'bun.lock' }],
    [
      'npm before others',
      {},
      { 'bun.lock': '{}', 'package-lock.json': '{}' },
      { tool: 'npm', packageSpec: undefined, lockFile: 'package-lock.json' },
    ],
    [
      'packageManager before lock files',
      { packageManager: 'pnpm@9.1.4+sha512.abc' },
      { 'package-lock.json': '{}', 'pnpm-lock.yaml': "lockfileVersion: '9.0'\n" },
      { tool: 'pnpm', packageSpec: 'pnpm@9.1.4', lockFile: 'pnpm-lock.yaml' },
    ],
    [
      'packageManager without its lock file',
      { packageManager: 'yarn@4.5.0' },
      { 'package-lock.json': '{}' },
      { tool: 'yarn', packageSpec: '@yarnpkg/cli-dist@4.5.0', lockFile: undefined },
    ],
    [
      'packageManager with words for a shell',
      { packageManager: 'pnpm@1;touch x' },
      {},
      { tool: 'pnpm', packageSpec: 'pnpm@10', lockFile: undefined },
    ],
  ])('%s decides what installs', async (_sentence, json, files, installer) => {
    const found = await inspect({ 'package.json': { main: 'index.js', ...json }, ...files });
    expect(found).toMatchObject({ installer });
  });
});

describe('Python projects', () => {
  test.each<[string, Files, object]>([
    [
      'its one program, locked and installable',
      {
        'pyproject.toml':
          '[project]\nname = "my.tool"\nscripts.serve = "a:b"\n[build-system]\nrequires = []\n',
        'uv.lock': '',
        'src/x.py': '',
      },
      {
        ...PYTHON,
        name: 'my.tool',
        run: { kind: 'script', script: 'serve', entryPoint: 'a:b' },
        isLocked: true,
        isPackage: true,
        hasSourceFolder: true,
        installsAlone: true,
      },
    ],
    [
      'of several programs the one called like the project, however it is written',
      {
        'pyproject.toml': '[project]\nname = "My.Tool"\n[project.scripts]\nx-mcp = "a:b"\nmy_tool = "a:b"\n',
      },
      { ...PYTHON, name: 'My.Tool', run: { kind: 'script', script: 'my_tool', entryPoint: 'a:b' } },
    ],
    [
      'of several programs the one that speaks of MCP',
      { 'pyproject.toml': '[project]\nname = "t"\n[project.scripts]\nx-mcp = "a:b"\ny = "a:b"\n' },
      { ...PYTHON, name: 't', run: { kind: 'script', script: 'x-mcp', entryPoint: 'a:b' } },
    ],
    [
      'a program of Poetry',
      { 'pyproject.toml': '[tool.poetry]\nname = "t"\n[tool.poetry.scripts]\nt = "a:b"\n[build-system]\n' },
      { ...PYTHON, name: 't', run: { kind: 'script', script: 't', entryPoint: 'a:b' }, isPackage: true },
    ],
    [
      'a package with a __main__.py',
      { 'pyproject.toml': '[project]\nname = "my-tool"\n', 'src/my_tool/__main__.py': '', 'main.py': '' },
      { ...PYTHON, name: 'my-tool', run: { kind: 'module', module: 'my_tool' }, hasSourceFolder: true },
    ],
    [
      'the one file',
      { 'pyproject.toml': '', 'thing.py': '', 'setup.py': '', 'test_x.py': '' },
      { ...PYTHON, run: { kind: 'file', file: 'thing.py' } },
    ],
    [
      'of several files the one of a usual name',
      { 'pyproject.toml': '', 'aaa.py': '', 'main.py': '' },
      { ...PYTHON, run: { kind: 'file', file: 'main.py' } },
    ],
    [
      'a dependency in a folder needs the sources',
      { 'pyproject.toml': '[tool.uv.sources]\nx = { path = "x" }\n', 'server.py': '', 'uv.lock': '' },
      { ...PYTHON, isLocked: true },
    ],
    [
      'a project that says that it is no package',
      { 'pyproject.toml': '[build-system]\n[tool.uv]\npackage = false\n', 'server.py': '' },
      PYTHON,
    ],
  ])('%s', async (_sentence, files, expected) => {
    expect(await inspect(files)).toEqual(expected);
  });

  test.each<[string, string, string | undefined]>([
    ['', '', undefined],
    ['', '>=3.10', undefined],
    ['', '>=3.10,<3.13', 'python:3.12-slim'],
    ['', '>=3.10, <=3.12', 'python:3.12-slim'],
    ['', '<3.12.4', 'python:3.12-slim'],
    ['', '==3.11.*', 'python:3.11-slim'],
    ['', '~=3.11', undefined],
    ['', '~=3.11.2', 'python:3.11-slim'],
    ['', '>=3.9,!=3.14.*', 'python:3.13-slim'],
    ['', '>=4', undefined],
    ['3.12\n', '>=3.10', 'python:3.12-slim'],
    ['3.13.1', '', 'python:3.13-slim'],
    ['cpython-3.11', '', 'python:3.11-slim'],
    ['pypy@3.10', '>=3.9', undefined],
  ])('.python-version %j and requires-python %j make the image %j', async (pinned, required, image) => {
    const project = required === '' ? '' : `[project]\nrequires-python = "${required}"\n`;
    const files = { 'pyproject.toml': project, 'server.py': '', '.python-version': pinned };
    expect(await inspect(files)).toEqual({ ...PYTHON, image });
  });
});

describe('folders that are no servers', () => {
  test.each<[string, Files, string]>([
    ['nothing in it', {}, 'it has no Dockerfile, package.json, pyproject.toml or go.mod'],
    ['package.json that is no JSON', { 'package.json': '{' }, 'package.json is not a JSON object'],
    [
      'package.json with nothing to run',
      { 'package.json': {} },
      'package.json has no bin, no start script and no main',
    ],
    [
      'programs to choose from',
      { 'package.json': { name: 'x', bin: { a: 'a.js', b: 'b.js' } } },
      'package.json has several programs (a, b) and neither one named like the package nor a start script',
    ],
    [
      'a program outside',
      { 'package.json': { bin: '../x.js' } },
      'bin of package.json is no file of the folder: "../x.js"',
    ],
    [
      'an absolute main',
      { 'package.json': { main: '/bin/x' } },
      'main of package.json is no file of the folder: "/bin/x"',
    ],
    [
      'pyproject.toml that is no TOML',
      { 'pyproject.toml': '[[' },
      'pyproject.toml is not TOML, or not of the usual form',
    ],
    [
      'pyproject.toml with nothing to run, package.json with nothing either',
      { 'package.json': {}, 'pyproject.toml': '' },
      'package.json has no bin, no start script and no main; pyproject.toml has no [project.scripts], and there is neither a package with a __main__.py nor a Python file',
    ],
    [
      'files to choose from',
      { 'pyproject.toml': '', 'a.py': '', 'b.py': '' },
      'pyproject.toml has no [project.scripts], and which of the files is the server cannot be told: a.py, b.py',
    ],
    [
      'a program with a name for a shell',
      { 'pyproject.toml': '[project.scripts]\n"a;b" = "x:y"\n' },
      '"a;b" in pyproject.toml cannot be the name of a program',
    ],
  ])('%s', async (_sentence, files, reason) => {
    expect(await refusal(files)).toEqual(['ERR_FOLDER_UNUSABLE', reason]);
  });

  test('a folder that is not there, and a file', async () => {
    await using folder = await makeFolder({ file: '' });
    for (const [path, reason] of [
      ['none', 'it does not exist'],
      ['./file', 'it is a file'],
    ] as const) {
      await expect(inspectFolder(path, folder.path)).rejects.toThrow(
        `folder ${path} cannot be run as a server: ${reason}`,
      );
    }
  });
});

test('a Dockerfile that is a link to nowhere is none; one that is a folder is said to be none', async () => {
  await using folder = await makeFolder({ 'package.json': { main: 'index.js' } });
  await symlink('/nowhere', join(folder.path, 'Dockerfile'));
  expect((await inspectFolder(folder.path, '/')).kind).toBe('node');
  expect(await refusal({ 'Dockerfile/x': '' })).toEqual([
    'ERR_FOLDER_UNUSABLE',
    expect.stringMatching(/^Dockerfile cannot be read: EISDIR/),
  ]);
});

test('a byte order mark is passed over, as npm and uv do', async () => {
  expect(await inspect({ 'package.json': '\uFEFF{"main":"index.js"}' })).toEqual(NODE);
});
