import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findUv } from '../find-uv.ts';
import { CASES, standsForAll } from '../runner.ts';
import { type AttackedUser, openAttackedUser } from './attacked-user.ts';
import { fillGoCache } from './go-cache.ts';

const uv = await findUv();

/**
 * Attack: a folder makes the tool that installs it run a program of the folder, as the user. What it leaves behind is `trace`, in
 * the user's work folder, which nothing in a sandbox can write to.
 */
describe.each(CASES)(
  'a folder makes its installer run something, $sandbox, user $user',
  ({ sandbox, user }) => {
    let attacked: AttackedUser;
    let trace: string;
    beforeAll(async () => {
      attacked = await openAttackedUser(sandbox, user);
      if (Bun.which('go') !== null) await fillGoCache(attacked.world);
      trace = join(attacked.world.work, 'trace');
    });
    afterAll(() => attacked[Symbol.asyncDispose]());

    const executable = async (path: string) => {
      await writeFile(path, `#!/bin/sh\nid > ${trace}\nexec python3 "$@"\n`);
      await chmod(path, 0o755);
    };
    const python = {
      'pyproject.toml': '[project]\nname = "p"\nversion = "1"\n',
      'server.py': '',
      p: executable,
    };

    test.skipIf(uv === undefined)('Python: a version is what .python-version is for', async () => {
      await attacked.folder('versioned', { ...python, '.python-version': '# ours\n3.11\n' });
      expect(await attacked.run('./versioned')).toMatchObject({ exitCode: 0 });
    });

    test.skipIf(uv === undefined)('Python: an environment that the folder brings is not used', async () => {
      await attacked.folder('with-venv', {
        ...python,
        '.dockerignore': '!.venv\n',
        '.venv/bin/python': executable,
        '.venv/pyvenv.cfg': `home = ${attacked.world.home}\n`,
      });
      expect(await attacked.run('./with-venv')).toMatchObject({ exitCode: 0 });
      expect(existsSync(trace)).toBe(false);
    });

    const hook = (path: string) => writeFile(path, `#!/bin/sh\ntouch ${trace}\n`, { mode: 0o755 });
    const go = {
      'go.mod': 'module example.com/m\n\ngo 1.21\n',
      'main.go': 'package main\n\nfunc main() { select {} }\n',
    };
    const repository = async (folder: string, lines: string) => {
      await mkdir(folder, { recursive: true });
      await Bun.$`git init --quiet ${folder}`.quiet();
      await writeFile(join(folder, '.git', 'config'), `[core]\n\trepositoryformatversion = 0\n${lines}`);
    };
    test.skipIf(Bun.which('go') === null).each([
      ['fsmonitor', (folder: string) => repository(folder, `\tfsmonitor = touch ${trace}; false\n`)],
      [
        'a helper for logins',
        (folder: string) => repository(folder, `[credential]\n\thelper = !touch ${trace}\n`),
      ],
      [
        'a pager and an editor',
        (folder: string) => repository(folder, `\tpager = touch ${trace}\n\teditor = touch ${trace}\n`),
      ],
      [
        'a hook of its history',
        async (folder: string) => {
          await repository(folder, '');
          await hook(join(folder, '.git', 'hooks', 'post-index-change'));
        },
      ],
      [
        'a .git file that leads to settings elsewhere',
        async (folder: string) => {
          await repository(join(folder, 'sub'), `\tfsmonitor = touch ${trace}; false\n`);
          await writeFile(join(folder, '.git'), 'gitdir: sub/.git\n');
        },
      ],
    ] as const)(
      'Go: git settings of the folder do nothing: %s',
      async (label, prepare) => {
        const name = `go-${label.replace(/[^a-z]/g, '-')}`;
        await prepare(await attacked.folder(name, go));
        expect(await attacked.run(`./${name}`)).toMatchObject({ exitCode: 0 });
        expect(existsSync(trace)).toBe(false);
      },
      180_000,
    );

    const node = {
      'package.json': JSON.stringify({ name: 'n', main: 'main.mjs' }),
      'main.mjs': 'setInterval(() => {}, 1000)',
    };
    const loud = `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify('TRACE')}, '');`;
    test.each([
      [
        'a program loaded first',
        {
          'bunfig.toml': 'preload = ["./loud.mjs"]\n[install]\n[install.security]\nscanner = "./loud.mjs"\n',
        },
      ],
      [
        'a release of yarn',
        { '.yarnrc.yml': 'yarnPath: ./loud.mjs\n', '.yarnrc': 'yarn-path "./loud.mjs"\n' },
      ],
      [
        'a hook of pnpm',
        {
          '.pnpmfile.cjs': 'require("./loud.mjs")',
          'pnpm-workspace.yaml': 'packages: []\nconfigDependencies:\n  loud: 1.0.0\n',
        },
      ],
      [
        'options for node, and a shell',
        {
          '.npmrc': 'node-options=--import ./loud.mjs\nscript-shell=./loud.mjs\n',
          '.env': 'NODE_OPTIONS=--import ./loud.mjs\nBUN_OPTIONS=--preload ./loud.mjs\n',
        },
      ],
    ])('Node: %s', async (label, files) => {
      const name = `node-${label.replace(/[^a-z]/g, '-')}`;
      const bait = { 'loud.mjs': loud.replace('TRACE', trace), '.dockerignore': '!.env\n' };
      await attacked.folder(name, { ...node, ...bait, ...files });
      expect(await attacked.run(`./${name}`)).toMatchObject({ exitCode: 0 });
      expect(existsSync(trace)).toBe(false);
    });

    // These are refused while the folder is read, before there is a sandbox.
    if (!standsForAll({ sandbox, user })) return;

    test.skipIf(uv === undefined).each([
      [
        'a path in .python-version',
        { '.python-version': './p\n' },
        '.python-version:1: "./p" is not a version of Python, such as 3.13',
      ],
      [
        'a whole path',
        { '.python-version': '/tmp/p\n' },
        '.python-version:1: "/tmp/p" is not a version of Python, such as 3.13',
      ],
      [
        'a path behind a version',
        { '.python-version': '3.11\n# more\n./p\n' },
        '.python-version:3: "./p" is not',
      ],
      [
        'a file of several versions',
        { '.python-versions': '3.11\np\n' },
        '.python-versions:2: "p" is not a version',
      ],
      [
        'a name that is looked for on the PATH',
        { '.python-version': 'sh\n' },
        '.python-version:1: "sh" is not',
      ],
    ])('Python: %s is refused with its line', async (label, files, error) => {
      await attacked.folder(label.replaceAll(' ', '-'), { ...python, ...files });
      const { exitCode, said } = await attacked.run(`./${label.replaceAll(' ', '-')}`);
      expect({ exitCode, said }).toMatchObject({ exitCode: 1, said: expect.stringContaining(error) });
      expect(existsSync(trace)).toBe(false);
    });
  },
);
