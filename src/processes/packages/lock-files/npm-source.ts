import { posix } from 'node:path';
import { validRange } from 'semver';
import type { Source } from './refuse.ts';

const GIT = /^(?:git\+|git:|git@|ssh:|(?:github|gitlab|bitbucket|gist):)|\.git(?:#|$)/i;
/** `owner/repository`, which npm takes for one of GitHub. */
const SHORTHAND = /^[\w.-]+\/[\w.-]+(?:#.*)?$/;
const TAG = /^[A-Za-z_][\w.-]*$/;
const OUTSIDE = 'which is outside of the folder; a copy of it has to be in the folder';
const IS_GIT =
  'which is a git repository; git dependencies are not installed without a container engine: publish it as a package, or copy it into the folder';

/**
 * Why a package of the npm world cannot be taken from there, given the hosts of the registries in force; `undefined` when it can: a
 * version, range or tag of a registry, an archive of one of them, or a path inside the folder.
 */
export function judgeNpmSource({ location, base }: Source, hosts: ReadonlySet<string>): string | undefined {
  const spec = location.trim();
  if (spec === '' || validRange(spec, { loose: true }) !== null || TAG.test(spec)) return undefined;
  if (/^(?:\.{1,2}(?:\/|$)|\/|~|[A-Za-z]:[\\/])/.test(spec)) return judgePath(spec, base);
  const [, scheme, rest = ''] = /^([a-z+]+):(.*)$/is.exec(spec) ?? [];
  switch (scheme?.toLowerCase()) {
    case 'npm':
      return judgeAlias(rest, base, hosts);
    case 'catalog':
    // A change to a package that yarn brings itself, or keeps in the folder; the package is an entry of its own.
    case 'patch':
      return undefined;
    case 'workspace':
      return /^(?:\.|\/|[\w@-]+\/)/.test(rest) ? judgePath(rest, base) : undefined;
    case 'file':
    case 'link':
    case 'portal':
      return judgePath(rest.replace(/^\/\/(?=[./])/, ''), base);
    case 'http':
    case 'https':
      return GIT.test(spec) ? IS_GIT : judgeUrl(spec, hosts);
  }
  if (GIT.test(spec) || SHORTHAND.test(spec)) return IS_GIT;
  return 'which is not a registry in force';
}

/** `npm:other-name@range`: the part behind the name is judged like any other. */
function judgeAlias(rest: string, base: string, hosts: ReadonlySet<string>): string | undefined {
  const at = rest.indexOf('@', 1);
  if (at < 0) return undefined;
  return judgeNpmSource({ name: rest, location: rest.slice(at + 1), base }, hosts);
}

/** Whether a URL leads to one of the registries in force. */
export function judgeUrl(text: string, hosts: ReadonlySet<string>): string | undefined {
  if (!URL.canParse(text)) return 'which is not a URL';
  const { host, protocol } = new URL(text);
  if ((protocol === 'https:' || protocol === 'http:') && hosts.has(host)) return undefined;
  return `and ${host || 'that'} is not a registry in force (${[...hosts].join(', ')})`;
}

/** Whether a path stays in the folder. */
export function judgePath(path: string, base: string): string | undefined {
  if (/^(?:\/|~|[A-Za-z]:|\\)/.test(path) || path.includes('\0')) return OUTSIDE;
  const whole = posix.normalize(posix.join(base, path.replaceAll('\\', '/')));
  return whole === '..' || whole.startsWith('../') ? OUTSIDE : undefined;
}
