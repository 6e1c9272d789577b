import { expect, test } from 'bun:test';
import { judgeNpmSource } from './npm-source.ts';

const HOSTS = new Set(['registry.npmjs.org', 'npm.corp.example:8443']);
const OUTSIDE = 'which is outside of the folder';
const GIT = 'which is a git repository';

test.each([
  ['', '', undefined],
  ['^1.2.3 || >=2 <3', '', undefined],
  ['latest', '', undefined],
  ['npm:other@^1', '', undefined],
  ['npm:@scope/other', '', undefined],
  ['workspace:*', '', undefined],
  ['workspace:^1.0.0', '', undefined],
  ['catalog:react', '', undefined],
  ['patch:fsevents@~2.3.2#~builtin<compat/fsevents>', '', undefined],
  ['file:./a', '', undefined],
  ['file:../a', 'packages/b', undefined],
  ['../a', 'packages/b', undefined],
  ['./scanner', '', undefined],
  ['https://registry.npmjs.org/a/-/a-1.0.0.tgz', '', undefined],
  ['https://npm.corp.example:8443/a.tgz', '', undefined],
  ['../../a', 'packages/b/', undefined],
  ['../../../a', 'packages/b', OUTSIDE],
  ['file:/etc', '', OUTSIDE],
  ['file:///etc', '', OUTSIDE],
  ['FILE:/etc', '', OUTSIDE],
  ['file:..', '', OUTSIDE],
  ['file:a/../../b', '', OUTSIDE],
  ['file:~/.ssh', '', OUTSIDE],
  ['~/.ssh', '', OUTSIDE],
  ['C:\\Users', '', OUTSIDE],
  ['file:..\\..\\b', '', OUTSIDE],
  ['link:/etc', '', OUTSIDE],
  ['portal:../x', '', OUTSIDE],
  ['workspace:../x', '', OUTSIDE],
  ['npm:a@file:/etc', '', OUTSIDE],
  ['git+file:///home/me', '', GIT],
  ['git+ssh://git@host/x', '', GIT],
  ['git@github.com:o/n.git', '', GIT],
  ['ssh://host/x', '', GIT],
  ['github:o/n', '', GIT],
  ['o/n#semver:^1', '', GIT],
  ['https://github.com/o/n.git#main', '', GIT],
  ['https://npm.corp.example/a.tgz', '', 'npm.corp.example is not a registry in force'],
  ['http://127.0.0.1:1/a.tgz', '', '127.0.0.1:1 is not a registry in force'],
  ['https://registry.npmjs.org@evil.example/a.tgz', '', 'evil.example is not a registry in force'],
  ['jsr:@a/b', '', 'which is not a registry in force'],
  ['data:text/plain,x', '', 'which is not a registry in force'],
])('%p below %p', (location, base, reason) => {
  const judged = judgeNpmSource({ name: 'a', location, base }, HOSTS);
  if (reason === undefined) expect(judged).toBeUndefined();
  else expect(judged).toContain(reason);
});
