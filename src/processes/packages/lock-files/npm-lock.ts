import * as v from 'valibot';
import type { Source } from './refuse.ts';

const Text = v.fallback(v.optional(v.string()), undefined);
const Link = v.fallback(v.optional(v.boolean()), undefined);
const PackageSchema = v.object({ resolved: Text, version: Text, link: Link });
type Dependency = v.InferOutput<typeof PackageSchema> & {
  readonly dependencies?: Readonly<Record<string, Dependency>> | undefined;
};
const DependencySchema: v.GenericSchema<Dependency> = v.object({
  ...PackageSchema.entries,
  dependencies: v.optional(
    v.record(
      v.string(),
      v.lazy(() => DependencySchema),
    ),
  ),
});
const LockSchema = v.object({
  packages: v.optional(v.record(v.string(), PackageSchema), {}),
  dependencies: v.optional(v.record(v.string(), DependencySchema), {}),
});

/** Where a `package-lock.json` or `npm-shrinkwrap.json`, of any version, takes packages from (npm docs, "package-lock.json"). */
export function* npmLockSources(text: string): Generator<Source> {
  const lock = v.parse(LockSchema, JSON.parse(text));
  for (const [path, { resolved, link }] of Object.entries(lock.packages)) {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    // Folders beside `node_modules` are named by their path.
    if (name === undefined && path !== '')
      yield { name: 'a package', location: `file:${path}`, base: '', written: path };
    if (resolved === undefined) continue;
    const location = link === true ? `file:${resolved}` : resolved;
    yield { name: name ?? path, location, base: '', written: resolved };
  }
  yield* fromTree(lock.dependencies);
}

/** Version 1: in place of a version stands whatever else a package is taken from. */
function* fromTree(dependencies: Readonly<Record<string, Dependency>>): Generator<Source> {
  const left = [dependencies];
  for (let group = left.pop(); group !== undefined; group = left.pop()) {
    for (const [name, { version, resolved, dependencies: inner }] of Object.entries(group)) {
      for (const location of [version, resolved])
        if (location !== undefined) yield { name, location, base: '' };
      if (inner !== undefined) left.push(inner);
    }
  }
}
