import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findNode } from './find-node.ts';
import { buildLabel, chooseJsRuntime } from './js-runtime.ts';

const NODE = Bun.which('node');
const VERSION =
  NODE === null ? '0.0.0' : Bun.spawnSync([NODE, '--version']).stdout.toString().trim().slice(1);

let home: string;
beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'thv-nodes-')));
});
afterAll(() => rmSync(home, { recursive: true }));

/** The Node of this machine at another place. */
function placeNode(path: string): string {
  const place = join(home, path);
  mkdirSync(dirname(place), { recursive: true });
  const real = realpathSync(NODE ?? '');
  try {
    linkSync(real, place);
  } catch {
    copyFileSync(real, place); // another file system
  }
  return place;
}

const none = () => ({ HOME: '/nobody', PATH: '', N_PREFIX: '/nobody' });

describe.skipIf(NODE === null || process.platform !== 'linux')('where Node is looked for', () => {
  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['nvm', `a/.nvm/versions/node/v${VERSION}/bin/node`, { HOME: 'a' }],
    ['nvm elsewhere', `b/versions/node/v${VERSION}/bin/node`, { NVM_DIR: 'b' }],
    ['fnm', `c/.local/share/fnm/node-versions/v${VERSION}/installation/bin/node`, { HOME: 'c' }],
    ['Volta', `d/.volta/tools/image/node/${VERSION}/bin/node`, { HOME: 'd' }],
    ['asdf', `e/.asdf/installs/nodejs/${VERSION}/bin/node`, { HOME: 'e' }],
    ['mise', `f/.local/share/mise/installs/node/${VERSION}/bin/node`, { HOME: 'f' }],
    ['n', `g/n/versions/node/${VERSION}/bin/node`, { N_PREFIX: 'g' }],
    ['nodenv', `h/.nodenv/versions/${VERSION}/bin/node`, { HOME: 'h' }],
  ])('%s: only the folder of that version is shown', async (_, path, variables) => {
    const place = placeNode(path);
    const env = Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, join(home, value)]),
    );
    const found = await findNode({ ...none(), ...env }, () => true);
    expect(found).toEqual({ program: place, version: VERSION, paths: [dirname(dirname(place))] });
  });

  test('Homebrew: with the libraries beside it', async () => {
    const place = placeNode(`brew/Cellar/node@20/${VERSION}_1/bin/node`);
    mkdirSync(join(home, 'brew/opt'));
    const found = await findNode({ ...none(), HOMEBREW_PREFIX: join(home, 'brew') }, () => true);
    expect(found).toEqual({
      program: place,
      version: VERSION,
      paths: [join(home, 'brew/Cellar'), join(home, 'brew/opt')],
    });
  });

  test('one in a folder of other things is shown alone', async () => {
    const place = placeNode('i/.local/bin/node');
    writeFileSync(join(home, 'i/.local/secret'), '');
    const env = { ...none(), HOME: join(home, 'i'), PATH: dirname(place) };
    expect((await findNode(env, () => true))?.paths).toEqual([place]);
  });

  test('a home folder inside of what is called like a version stays hidden', async () => {
    const place = placeNode('v1.2.3/bin/node');
    const env = { ...none(), HOME: join(home, 'v1.2.3/home'), PATH: dirname(place) };
    expect((await findNode(env, () => true))?.paths).toEqual([place]);
  });

  test('scripts of version managers, programs of another name, and what does not run are passed over', async () => {
    const bin = join(home, 'shims');
    mkdirSync(bin);
    writeFileSync(join(bin, 'node'), '#!/bin/sh\necho v99.0.0\n', { mode: 0o755 });
    const volta = join(home, 'volta-bin');
    mkdirSync(volta);
    symlinkSync('/bin/true', join(volta, 'node'));
    const broken = join(home, 'broken');
    mkdirSync(broken);
    writeFileSync(join(broken, 'node'), Buffer.from('7f454c46', 'hex'), { mode: 0o755 });
    const env = { ...none(), PATH: [bin, volta, broken, 'relative'].join(':') };
    expect(await findNode(env, () => true)).toBeUndefined();
  });

  test('a folder that lies about its version is not believed', async () => {
    placeNode('j/.nvm/versions/node/v99.1.0/bin/node');
    const env = { ...none(), HOME: join(home, 'j') };
    expect(await findNode(env, (version) => version.startsWith('99.'))).toBeUndefined();
  });
});

describe('which runtime is chosen', () => {
  const PRESENT = { PATH: process.env['PATH'] ?? '', HOME: '/nobody' };
  const choose = (needs: object, options: object = {}) =>
    chooseJsRuntime({ name: 'a', ...needs }, { env: PRESENT, ...options });

  test.skipIf(NODE === null || !Bun.semver.satisfies(VERSION, '>=20'))(
    'Node where it fits, whatever the range looks like',
    async () => {
      for (const node of [undefined, '>=18', '^18 || >= 20', '>=20 <999', 'lts/*', '*', ''])
        expect((await choose({ engines: { node } })).name).toBe('node');
      expect(buildLabel(await choose({}))).toBe(`node ${VERSION.split('.')[0]}`);
      expect((await choose({ engines: { node: '>=18', bun: '>=1' } })).name).toBe('node');
    },
  );

  test.each<[string, object, object, string]>([
    ['no Node', {}, { env: none() }, 'no Node.js 20 or newer was found'],
    ['no Node that fits', { engines: { node: '>=99' } }, {}, 'no Node.js >=99, at least 20 was found'],
    ['a package for Bun', { engines: { bun: '>=1' } }, {}, 'the package is made for Bun'],
    ['a program for Bun', { isForBun: true }, {}, 'the package is made for Bun'],
    ['asked for', {}, { jsRuntime: 'bun' }, 'it was asked for'],
  ])('Bun: %s', async (_, needs, options, reason) => {
    expect(await choose(needs, options)).toMatchObject({ name: 'bun', program: 'bun', reason });
  });

  test('Node that is asked for and not there is an error that names the remedy', async () => {
    const failure = choose({}, { jsRuntime: 'node', env: none() });
    expect(failure).rejects.toThrow('Node.js was asked for and not found');
    expect(failure).rejects.toThrow('install Node.js (https://nodejs.org), or use --js-runtime bun');
  });
});
