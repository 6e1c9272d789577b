import { judgePath } from './npm-source.ts';
import { asObject } from './package-json.ts';
import type { Source } from './refuse.ts';

const NOT_FROM_INDEX =
  'which is not a package index; what an index does not have must be copied into the folder and named by its path';
const IS_GIT =
  'which is a git repository; git dependencies are not installed without a container engine: publish it as a package, or copy it into the folder';

/** Why a Python package cannot be taken from there: only an index and a path inside the folder will do. */
export function judgePythonSource(
  { location, base }: Source,
  indexHosts: ReadonlySet<string>,
): string | undefined {
  const [, scheme, rest = ''] = /^([a-z+]+):(.*)$/is.exec(location) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'path':
      return judgePath(rest, base);
    case 'file':
      return judgePath(rest.replace(/^\/\/(?=[^/])/, './').replace(/^\/\//, ''), base);
    case 'index':
    case 'http':
    case 'https': {
      const url = scheme === 'index' ? rest : location;
      if (!URL.canParse(url)) return scheme === 'index' ? judgePath(url, base) : NOT_FROM_INDEX;
      if (/\.git(?:$|[@#])/.test(url)) return IS_GIT;
      return indexHosts.has(new URL(url).host)
        ? undefined
        : `and ${new URL(url).host || 'that'} is not a package index in force (${[...indexHosts].join(', ')})`;
    }
    default:
      return /^git\b/i.test(location) ? IS_GIT : NOT_FROM_INDEX;
  }
}

/** Where a `uv.lock` takes packages from (uv docs, "Resolution"; the lock file has no reference of its own). */
export function* uvLockSources(text: string): Generator<Source> {
  for (const entry of asList(asObject(Bun.TOML.parse(text))['package']).map(asObject)) {
    const name = String(entry['name']);
    yield* tableSources(name, entry['source']);
    for (const file of [entry['sdist'], ...asList(entry['wheels'])].map(asObject)) {
      const { url, path } = file;
      if (url !== undefined) yield { name, location: String(url), base: '' };
      if (path !== undefined)
        yield { name, location: `path:${String(path)}`, base: '', written: String(path) };
    }
  }
}

/** The indexes that a `uv.lock` names, and the files that it says are theirs. */
export function uvLockIndexes(text: string): readonly string[] {
  return asList(asObject(Bun.TOML.parse(text))['package'])
    .map(asObject)
    .flatMap((entry) => {
      const { registry } = asObject(entry['source']);
      if (registry === undefined) return [];
      const files = [entry['sdist'], ...asList(entry['wheels'])].map(asObject);
      return [String(registry), ...files.flatMap(({ url }) => (url === undefined ? [] : [String(url)]))];
    });
}

/** Where a `pyproject.toml` takes packages from: requirements with a place behind the name, and `[tool.uv.sources]`. */
export function* pyprojectSources(text: string, base: string): Generator<Source> {
  const file = asObject(Bun.TOML.parse(text));
  const project = asObject(file['project']);
  const uv = asObject(asObject(file['tool'])['uv']);
  const lists = [
    project['dependencies'],
    ...Object.values(asObject(project['optional-dependencies'])),
    ...Object.values(asObject(file['dependency-groups'])),
    asObject(file['build-system'])['requires'],
    ...[
      'dev-dependencies',
      'override-dependencies',
      'constraint-dependencies',
      'build-constraint-dependencies',
    ].map((key) => uv[key]),
    ...Object.values(asObject(uv['extra-build-dependencies'])),
  ];
  for (const requirement of lists.flatMap(asList)) yield* requirementSource(requirement, base);
  for (const [name, source] of Object.entries(asObject(uv['sources'])))
    for (const each of Array.isArray(source) ? source : [source]) yield* tableSources(name, each, base);
  const { members, exclude } = asObject(uv['workspace']);
  for (const pattern of [...asList(members), ...asList(exclude)])
    yield { name: 'a workspace', location: `path:${String(pattern)}`, base, written: String(pattern) };
  for (const path of asList(asObject(file['build-system'])['backend-path']))
    yield { name: 'the build backend', location: `path:${String(path)}`, base, written: String(path) };
}

/** The folders that a `pyproject.toml` takes packages from, as patterns: members of its workspace, and paths. */
export function localProjects(text: string): readonly string[] {
  const uv = asObject(asObject(asObject(Bun.TOML.parse(text))['tool'])['uv']);
  const sources = Object.values(asObject(uv['sources'])).flatMap((source) => asList(source).concat(source));
  const paths = sources.map((source) => asObject(source)['path']);
  return [...asList(asObject(uv['workspace'])['members']), ...paths].filter(
    (each) => typeof each === 'string',
  );
}

/** PEP 508: `name[extra] @ URL ; marker`. */
function* requirementSource(requirement: unknown, base: string): Generator<Source> {
  const text = String(
    typeof requirement === 'string' ? requirement : (asObject(requirement)['requirement'] ?? ''),
  );
  const [, name = '', location] = /^\s*([\w.-]+)\s*(?:\[[^\]]*\])?\s*@\s*(\S+)/.exec(text) ?? [];
  if (location !== undefined) yield { name, location: withScheme(location), base, written: location };
}

function withScheme(location: string): string {
  return /^[a-z+]+:/i.test(location) ? location : `path:${location}`;
}

/** `{ git = … }`, `{ path = … }` and so on. An index by its name, and members of the same workspace, are judged where they are defined. */
function* tableSources(name: string, source: unknown, base = ''): Generator<Source> {
  const table = asObject(source);
  for (const key of ['path', 'directory', 'editable', 'virtual'])
    if (typeof table[key] === 'string')
      yield { name, location: `path:${table[key]}`, base, written: table[key] };
  for (const key of ['git', 'url'])
    if (table[key] !== undefined) {
      const location = String(table[key]);
      const isBare = key === 'git' && !/^git\b/.test(location);
      yield { name, location: isBare ? `git+${location}` : location, base, written: location };
    }
  const { registry } = table;
  if (registry !== undefined)
    yield { name, location: `index:${String(registry)}`, base, written: String(registry) };
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
