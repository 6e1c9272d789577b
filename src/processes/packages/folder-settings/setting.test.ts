import { expect, test } from 'bun:test';
import { nodeSettings } from './node.ts';
import { pythonVersion } from './python.ts';
import { isTrustworthy } from './setting.ts';

const HOSTS = new Set(['npm.corp.example:4873', 'localhost:4873']);

test.each([
  ['https://registry.example.com/npm/', true],
  ['http://npm.corp.example:4873/', true],
  ['http://localhost:4873/', true],
  ['http://registry.example.com/', false],
  ['https://registry.example.com:8443/', false],
  ['https://10.0.0.1/', false],
  ['https://[::1]/', false],
  ['https://2130706433/', false],
  ['https://localhost/', false],
  ['https://intranet/', false],
  ['https://npm.corp/', false],
  ['https://printer.local/', false],
  ['https://a.example/${TOKEN}', false],
  ['https://a.example/$TOKEN', false],
  ['file:///etc', false],
  ['ftp://a.example/', false],
  ['', false],
])('%p may be named by a folder: %p', (url, expected) => {
  expect(isTrustworthy(url, HOSTS)).toBe(expected);
});

test('of an .npmrc registries are taken, what has no effect is passed over, the rest is named with its line', () => {
  const npmrc = [
    'registry=https://a.example/',
    '@mine:registry = "http://localhost:4873/"',
    'save-exact=true',
    '; a comment',
    '//a.example/:_authToken=abc',
    'cafile=/etc/passwd',
    'script-shell=./x',
    'ignore-scripts',
  ].join('\r\n');
  expect(nodeSettings({ '.npmrc': npmrc }, ['http://localhost:4873/'])).toEqual({
    registries: {
      lines: ['registry=https://a.example/', '@mine:registry=http://localhost:4873/'],
      urls: ['https://a.example/'],
    },
    leftOut: [
      { file: '.npmrc', line: 5, setting: '//a.example/:_authToken', instead: '.npmrc in your home folder' },
      { file: '.npmrc', line: 6, setting: 'cafile', instead: '.npmrc in your home folder' },
      { file: '.npmrc', line: 7, setting: 'script-shell', instead: undefined },
    ],
  });
});

test.each([
  [undefined, undefined],
  ['', undefined],
  ['3.13\n', '3.13'],
  ['# ours\r\n3.12.4\r\n', '3.12.4'],
  ['cpython@3.13', 'cpython@3.13'],
  ['pypy3.10', 'pypy3.10'],
  ['3.14.0rc2', '3.14.0rc2'],
  ['3.13t', '3.13t'],
])('a .python-version of %p means %p', (text, version) => {
  expect(pythonVersion('/f', '.python-version', text)).toBe(version);
});

test.each([
  ['./p', 1],
  ['/usr/bin/python3', 1],
  ['~/p', 1],
  ['3.13/../p', 1],
  ['3.13\n\n../p', 3],
  ['python', 1],
  ['any', 1],
  ['--version', 1],
  ['>=3.9', 1],
])('a .python-version of %p is refused', (text, line) => {
  expect(() => pythonVersion('/f', '.python-version', text)).toThrow(`.python-version:${line}: `);
});
