import type { Source } from './refuse.ts';

type Json = Readonly<Record<string, unknown>>;

const GROUPS = ['dependencies', 'devDependencies', 'optionalDependencies'];
/** What stands in the place of a package that others ask for (npm, yarn and pnpm, each with a key of its own). */
const OVERRIDES = ['overrides', 'resolutions'];

/** Where the `package.json` of the folder `base` takes packages from. */
export function* packageJsonSources(text: string, base: string): Generator<Source> {
  const manifest = asObject(JSON.parse(text));
  for (const key of GROUPS) yield* specs(manifest[key], base);
  const pnpm = asObject(manifest['pnpm']);
  for (const value of [...OVERRIDES.map((key) => manifest[key]), pnpm['overrides']])
    yield* nested(value, base);
  const workspaces = asObject(manifest['workspaces']);
  for (const of of [manifest, workspaces]) {
    yield* specs(of['catalog'], base);
    for (const group of Object.values(asObject(of['catalogs']))) yield* specs(group, base);
  }
  for (const patches of [manifest['patchedDependencies'], pnpm['patchedDependencies']])
    for (const [name, path] of Object.entries(asObject(patches)))
      yield { name, location: `file:${String(path)}`, base, written: String(path) };
  for (const pattern of workspacePatterns(manifest['workspaces']))
    yield { name: 'a workspace', location: `file:${pattern}`, base, written: pattern };
}

/** The folders, inside the folder, that a `package.json` names: workspaces, as patterns, and local packages. */
export function localPackages(text: string): readonly string[] {
  const manifest = asObject(JSON.parse(text));
  const paths = GROUPS.flatMap((key) => Object.values(asObject(manifest[key])))
    .map((location) => /^(?:file:|link:|portal:)?(\.{0,2}\/?.*)$/.exec(String(location))?.[1] ?? '')
    .filter((path) => /^\.{1,2}\//.test(path));
  return [
    ...workspacePatterns(manifest['workspaces']).filter((pattern) => !pattern.startsWith('!')),
    ...paths,
  ];
}

function workspacePatterns(workspaces: unknown): readonly string[] {
  const list = Array.isArray(workspaces) ? workspaces : asObject(workspaces)['packages'];
  return (Array.isArray(list) ? list : []).map((pattern) => String(pattern).replace(/^!/, ''));
}

function* specs(group: unknown, base: string): Generator<Source> {
  for (const [name, location] of Object.entries(asObject(group)))
    yield { name, location: String(location), base };
}

/** npm's overrides are trees; a `$name` stands for a dependency that is judged already. */
function* nested(value: unknown, base: string): Generator<Source> {
  const left = [value];
  for (let group = left.pop(); group !== undefined; group = left.pop()) {
    for (const [name, inner] of Object.entries(asObject(group))) {
      if (typeof inner === 'object' && inner !== null) left.push(inner);
      else if (!/^(?:\$|-$)/.test(String(inner))) yield { name, location: String(inner), base };
    }
  }
}

export function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
