import { expect, test } from 'bun:test';
import { bunLockSources } from './bun-lock.ts';
import { goModSources } from './go-mod.ts';
import { npmLockSources } from './npm-lock.ts';
import { packageJsonSources } from './package-json.ts';
import { pnpmLockSources } from './pnpm-lock.ts';
import { judgePythonSource, pyprojectSources, uvLockSources } from './python-source.ts';
import type { Source } from './refuse.ts';
import { yarnLockSources } from './yarn-lock.ts';

const locations = (sources: Iterable<Source>) => [...sources].map(({ location }) => location);

test.each([
  [
    'bun.lock, with trailing commas that are also in strings',
    bunLockSources,
    '{"workspaces": {"": {"dependencies": {"a": "^1,}",},}, "b": {},}, "packages": {"a": ["a@1.0.0", "", {}, "sha512-x",], "@s/b": ["@s/b@workspace:b"],},}',
    ['^1,}', 'file:b', '1.0.0', 'workspace:b'],
  ],
  [
    'package-lock.json',
    npmLockSources,
    '{"packages": {"": {"version": "1.0.0"}, "b": {}, "node_modules/b": {"resolved": "b", "link": true}, "node_modules/@s/c": {"version": "1.0.0", "resolved": "https://r.example/c.tgz"}}}',
    ['file:b', 'file:b', 'https://r.example/c.tgz'],
  ],
  [
    'yarn.lock',
    yarnLockSources,
    '# yarn lockfile v1\n\n"@s/a@^1", a@~2:\n  version "1.0.0"\n  resolved "https://r.example/a.tgz#0af"\n  dependencies:\n    b "file:inner"\n',
    ['^1', '~2', 'https://r.example/a.tgz'],
  ],
  [
    'yarn.lock of a later yarn',
    yarnLockSources,
    '__metadata:\n  version: 8\n\n"a@npm:^1, a@npm:~1.2":\n  resolution: "a@npm:1.2.3::__archiveUrl=https%3A%2F%2Fx"\n',
    ['npm:^1', 'npm:~1.2', 'npm:1.2.3'],
  ],
  [
    'pnpm-lock.yaml, with peers and an alias',
    pnpmLockSources,
    "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1, version: 1.0.0(b@2.0.0)}\n      c: {specifier: npm:d@1, version: d@1.0.0}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n  e@x:\n    resolution: {type: git, repo: https://g.example/e, commit: abc}\n",
    ['^1', '1.0.0', 'npm:d@1', '1.0.0', 'git+https://g.example/e'],
  ],
  [
    'go.mod',
    (text: string) => goModSources(text, ''),
    'module m // replace x => ../no\nreplace a => ./in\nreplace (\n\tb v1.0.0 => ../out // why\n\tc => d v1.0.0\n)\n',
    ['./in', '../out'],
  ],
  ['go.work', (text: string) => goModSources(text, ''), 'use ./a\nuse (\n\t"../b"\n)\n', ['./a', '../b']],
  [
    'package.json',
    (text: string) => packageJsonSources(text, 'p'),
    '{"dependencies": {"a": "1"}, "devDependencies": {"b": "file:../b"}, "overrides": {"c": {".": "2", "d": "$a"}}, "workspaces": {"packages": ["w/*"], "catalog": {"e": "3"}}, "pnpm": {"overrides": {"f": "link:x"}}}',
    ['1', 'file:../b', '2', 'link:x', '3', 'file:w/*'],
  ],
  [
    'pyproject.toml',
    (text: string) => pyprojectSources(text, ''),
    '[project]\ndependencies = ["a>=1", "b[x] @ file:///b ; python_version > \'3\'"]\n[tool.uv.sources]\nc = [{ path = "../c", marker = "x" }, { git = "https://g.example/c" }]\nd = { workspace = true }\n',
    ['file:///b', 'path:../c', 'git+https://g.example/c'],
  ],
  [
    'uv.lock',
    uvLockSources,
    '[[package]]\nname = "a"\nsource = { registry = "https://pypi.org/simple" }\nwheels = [{ url = "https://f.example/a.whl" }]\n[[package]]\nname = "b"\nsource = { virtual = "." }\n',
    ['index:https://pypi.org/simple', 'https://f.example/a.whl', 'path:.'],
  ],
])('where %s takes packages from', (_, read, text, expected) => {
  expect(locations(read(text))).toEqual(expected);
});

test.each([
  ['path:.', '', undefined],
  ['path:../b', 'packages/a', undefined],
  ['index:https://pypi.org/simple', '', undefined],
  ['https://pypi.org/x.whl', '', undefined],
  ['path:../b', '', 'which is outside of the folder'],
  ['path:/etc', '', 'which is outside of the folder'],
  ['file:///etc', '', 'which is outside of the folder'],
  ['index:/etc', '', 'which is outside of the folder'],
  ['https://evil.example/x.whl', '', 'evil.example is not a package index in force'],
  ['https://pypi.org/x.git', '', 'which is a git repository'],
  ['git+ssh://host/x', '', 'which is a git repository'],
  ['hg+https://host/x', '', 'which is not a package index'],
])('Python: %p below %p', (location, base, reason) => {
  const judged = judgePythonSource({ name: 'a', location, base }, new Set(['pypi.org']));
  if (reason === undefined) expect(judged).toBeUndefined();
  else expect(judged).toContain(reason);
});
