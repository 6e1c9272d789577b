import { valid } from 'semver';
import * as v from 'valibot';
import { ThvError } from '../../../errors/index.ts';
import { judgeUrl } from './npm-source.ts';
import type { Source } from './refuse.ts';

const Specs = v.optional(v.record(v.string(), v.string()), {});
const LockSchema = v.object({
  workspaces: v.optional(
    v.record(
      v.string(),
      v.object({
        dependencies: Specs,
        devDependencies: Specs,
        optionalDependencies: Specs,
        peerDependencies: Specs,
      }),
    ),
    {},
  ),
  overrides: v.optional(v.record(v.string(), v.unknown()), {}),
  patchedDependencies: Specs,
  catalog: Specs,
  catalogs: v.optional(v.record(v.string(), v.record(v.string(), v.string())), {}),
  // "name": ["name@1.2.3", registry or "", {…}, "sha512-…"]; other kinds of packages are shorter.
  packages: v.optional(v.record(v.string(), v.pipe(v.array(v.unknown()), v.minLength(1))), {}),
});
type Lock = v.InferOutput<typeof LockSchema>;

/** Where a `bun.lock` takes packages from. Throws a `SyntaxError` or `ValiError` for what is none. */
export function* bunLockSources(text: string): Generator<Source> {
  const lock = parse(text);
  for (const [
    path,
    { dependencies, devDependencies, optionalDependencies, peerDependencies },
  ] of Object.entries(lock.workspaces)) {
    if (path !== '') yield { name: 'a workspace', location: `file:${path}`, base: '', written: path };
    for (const group of [dependencies, devDependencies, optionalDependencies, peerDependencies])
      for (const [name, location] of Object.entries(group)) yield { name, location, base: path };
  }
  for (const group of [lock.catalog, ...Object.values(lock.catalogs)])
    for (const [name, location] of Object.entries(group)) yield { name, location, base: '' };
  for (const [name, location] of Object.entries(lock.overrides))
    if (typeof location === 'string') yield { name, location, base: '' };
  for (const [name, path] of Object.entries(lock.patchedDependencies))
    yield { name, location: `file:${path}`, base: '', written: path };
  for (const [name, [resolution, registry]] of Object.entries(lock.packages)) {
    yield { name, location: resolutionOf(resolution), base: '' };
    if (typeof registry === 'string' && registry !== '') yield { name, location: registry, base: '' };
  }
}

/**
 * Makes sure that all packages came from a registry and were checked against its digests. Throws `ERR_PACKAGE_INSTALL` for those
 * of a URL, a path or a repository, whose digest nobody vouches for, except `own`.
 */
export function requireRegistryPackages(
  text: string,
  facts: {
    readonly request: string;
    readonly registries: readonly string[];
    readonly own: readonly string[];
  },
): void {
  const hosts = new Set(facts.registries.map((url) => new URL(url).host));
  for (const [name, entry] of Object.entries(parse(text).packages)) {
    const [resolution, registry, , digest] = entry;
    const location = resolutionOf(resolution);
    if (facts.own.includes(location)) continue;
    const problem =
      valid(location) === null
        ? `a dependency, ${name}, is not from a registry but from ${location}`
        : typeof registry === 'string' && registry !== '' && judgeUrl(registry, hosts) !== undefined
          ? `a dependency, ${name}, is from ${registry}, which is not a registry in force`
          : typeof digest !== 'string' || !/^sha\d+-/.test(digest)
            ? `a dependency has no digest to check it against: ${name}@${location}`
            : undefined;
    if (problem !== undefined)
      throw new ThvError('ERR_PACKAGE_INSTALL', { package: facts.request, reason: problem.slice(0, 500) });
  }
}

/** What stands behind the name, which may begin with an `@`. */
function resolutionOf(resolution: unknown): string {
  const text = String(resolution);
  return text.slice(text.indexOf('@', 1) + 1).replace(/^(?:root|workspace):$/, 'workspace:.');
}

function parse(text: string): Lock {
  return v.parse(LockSchema, JSON.parse(withoutTrailingCommas(text)));
}

/** Strings are passed over as a whole. */
function withoutTrailingCommas(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/gs, (_, string: string | undefined) => string ?? '');
}
