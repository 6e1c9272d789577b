import { afterEach, beforeEach, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findInstallScripts } from './install-scripts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'thv-scripts-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function put(path: string, content: string | object): void {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

function pack(path: string, more: object = {}): void {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  put(join(path, 'package.json'), { name, version: '1.0.0', ...more });
}

const install = { scripts: { install: 'x' } };
const found = () => findInstallScripts(folder).map(({ label }) => label);

test('nothing is installed: there are no scripts', () => {
  expect(found()).toEqual([]);
  put('package.json', { scripts: { postinstall: 'own' } });
  expect(found()).toEqual([]);
});

test('packages come after what they depend on, whatever the alphabet says, and circles end', () => {
  put('package.json', { dependencies: { a: '1' } });
  pack('node_modules/a', { ...install, dependencies: { b: '1' } });
  pack('node_modules/b', { ...install, dependencies: { c: '1' }, peerDependencies: { a: '1' } });
  pack('node_modules/c', { ...install, dependencies: { a: '1' } });
  expect(found()).toEqual(['c@1.0.0', 'b@1.0.0', 'a@1.0.0']);
});

test('packages on the own list of Bun, with a scope, nested, or reached by nobody are found', () => {
  put('package.json', { dependencies: { esbuild: '1', '@scope/a': '1' } });
  pack('node_modules/esbuild', { scripts: { postinstall: 'node install.js' } });
  pack('node_modules/@scope/a', install);
  pack('node_modules/@scope/a/node_modules/keytar', install);
  pack('node_modules/stray', install);
  expect(found().sort()).toEqual(['@scope/a@1.0.0', 'esbuild@1.0.0', 'keytar@1.0.0', 'stray@1.0.0']);
});

test('a package finds the nearest of two that are called alike', () => {
  put('package.json', { dependencies: { a: '1', b: '1' } });
  pack('node_modules/a', { ...install, dependencies: { b: '2' } });
  pack('node_modules/a/node_modules/b', { ...install, version: '2.0.0' });
  pack('node_modules/b', install);
  expect(found()).toEqual(['b@2.0.0', 'a@1.0.0', 'b@1.0.0']);
});

test('all three events, in the order of npm; others are for their authors', () => {
  put('package.json', { dependencies: { a: '1' } });
  const scripts = { postinstall: '3', prepare: 'no', install: '2', preinstall: '1', test: 'no', start: ' ' };
  pack('node_modules/a', { scripts });
  expect(findInstallScripts(folder)[0]?.scripts.map(({ command }) => command)).toEqual(['1', '2', '3']);
});

test.each<[string, object, readonly string[]]>([
  ['a binding without a script is built', {}, ['node-gyp rebuild']],
  ['with a postinstall before it', { scripts: { postinstall: 'p' } }, ['node-gyp rebuild', 'p']],
  ['unless there is an install script', { scripts: { install: 'i' } }, ['i']],
  ['or a preinstall script', { scripts: { preinstall: 'i' } }, ['i']],
  ['or the package says no', { gypfile: false }, []],
])('%s', (_, manifest, commands) => {
  pack('node_modules/a', manifest);
  put('node_modules/a/binding.gyp', '{}');
  expect(findInstallScripts(folder).flatMap(({ scripts }) => scripts.map(({ command }) => command))).toEqual([
    ...commands,
  ]);
});

test('what only an optional dependency needs is optional', () => {
  put('package.json', { dependencies: { a: '1', o: '1' }, optionalDependencies: { o: '1' } });
  pack('node_modules/a', { ...install, dependencies: { shared: '1' } });
  pack('node_modules/o', { ...install, dependencies: { shared: '1', deep: '1' } });
  pack('node_modules/shared', install);
  pack('node_modules/deep', install);
  const optional = findInstallScripts(folder).filter(({ isOptional }) => isOptional);
  expect(optional.map(({ name }) => name).sort()).toEqual(['deep', 'o']);
});

test('links that lead out, manifests that are none, and folders in place of files are passed over', () => {
  const outside = mkdtempSync(join(tmpdir(), 'thv-outside-'));
  writeFileSync(join(outside, 'package.json'), JSON.stringify({ name: 'out', version: '1', ...install }));
  put('package.json', { dependencies: { out: '1', bad: '1', '../../etc': '1', folder: '1', list: '1' } });
  put('node_modules/bad/package.json', '{');
  put('node_modules/list/package.json', { name: 'list', scripts: ['a'], dependencies: 'none' });
  mkdirSync(join(folder, 'node_modules/folder/package.json'), { recursive: true });
  symlinkSync(outside, join(folder, 'node_modules/out'));
  expect(found()).toEqual([]);
  rmSync(outside, { recursive: true });
});

test('a chain of a thousand dependencies is followed to its end', () => {
  const count = 1000;
  put('package.json', { dependencies: { p0: '1' } });
  for (let at = 0; at < count; at++)
    pack(`node_modules/p${at}`, at === count - 1 ? install : { dependencies: { [`p${at + 1}`]: '1' } });
  expect(found()).toEqual([`p${count - 1}@1.0.0`]);
});
