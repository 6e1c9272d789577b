import * as v from 'valibot';
import type { Source } from './refuse.ts';

const Text = v.fallback(v.optional(v.string()), undefined);
const Dependencies = v.fallback(
  v.optional(v.record(v.string(), v.union([v.string(), v.object({ specifier: Text, version: Text })])), {}),
  {},
);
const ImporterSchema = v.object({
  dependencies: Dependencies,
  devDependencies: Dependencies,
  optionalDependencies: Dependencies,
  specifiers: Dependencies,
});
const LockSchema = v.object({
  ...ImporterSchema.entries,
  importers: v.optional(v.record(v.string(), ImporterSchema), {}),
  packages: v.optional(
    v.record(
      v.string(),
      v.object({
        resolution: v.optional(v.object({ tarball: Text, directory: Text, repo: Text, type: Text }), {}),
      }),
    ),
    {},
  ),
  overrides: v.fallback(v.optional(v.record(v.string(), v.string()), {}), {}),
});

/** Where a `pnpm-lock.yaml`, version 5 to 9, takes packages from. */
export function* pnpmLockSources(text: string): Generator<Source> {
  const lock = v.parse(LockSchema, Bun.YAML.parse(text) ?? {});
  for (const [path, importer] of [['', lock] as const, ...Object.entries(lock.importers)]) {
    const base = path === '.' ? '' : path;
    if (base !== '') yield { name: 'a workspace', location: `file:${base}`, base: '', written: base };
    for (const group of [
      importer.dependencies,
      importer.devDependencies,
      importer.optionalDependencies,
      importer.specifiers,
    ])
      for (const [name, entry] of Object.entries(group))
        for (const location of typeof entry === 'string' ? [entry] : [entry.specifier, entry.version])
          if (location !== undefined) yield { name, location: withoutPeers(location), base };
  }
  for (const [name, { resolution }] of Object.entries(lock.packages)) {
    const { tarball, directory, repo, type } = resolution;
    if (repo !== undefined || type === 'git')
      yield { name, location: `git+${repo ?? name}`, base: '', written: repo ?? name };
    if (directory !== undefined) yield { name, location: `file:${directory}`, base: '', written: directory };
    if (tarball !== undefined) yield { name, location: tarball, base: '' };
  }
  for (const [name, location] of Object.entries(lock.overrides)) yield { name, location, base: '' };
}

/** `1.2.3(react@18.0.0)`, `1.2.3_react@18.0.0`, or `/other-name/1.2.3` and `other-name@1.2.3` for an alias. */
function withoutPeers(location: string): string {
  const plain = location.replace(/\(.*$/, '').replace(/^(\d[^_]*)_.*$/, '$1');
  return /^\/?(?:@[^/@]+\/)?[^/@:]+[/@](\d[\w.+-]*)$/.exec(plain)?.[1] ?? plain;
}
