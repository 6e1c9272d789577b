import { posix } from 'node:path';
import { ThvError } from '../errors/index.ts';

/** A name that passed `parseWorkloadName`: safe as a file name and as a path segment of a URL. */
export type WorkloadName = string & { readonly __checked: 'WorkloadName' };

const MAX_LENGTH = 100;

/** Checks a workload name (spec 02 §5.1). Throws `ERR_WORKLOAD_NAME_INVALID` with the first problem. */
export function parseWorkloadName(name: string): WorkloadName {
  const problem = problemOf(name);
  if (problem !== undefined)
    throw new ThvError('ERR_WORKLOAD_NAME_INVALID', { workload: name, reason: problem });
  return name as WorkloadName;
}

/**
 * Checks the name of a workload about to be made: beyond the general rules, what container engines refuse (spec 02 §15-25).
 */
export function parseNewWorkloadName(name: string): WorkloadName {
  const parsed = parseWorkloadName(name);
  const refuse = (reason: string) => {
    throw new ThvError('ERR_WORKLOAD_NAME_INVALID', { workload: name, reason });
  };
  if (parsed.length < 2) refuse('workload name must have at least two characters');
  if (!/^[a-zA-Z0-9]/.test(parsed)) refuse('workload name must start with a letter or a digit');
  if (parsed.toLowerCase() === 'thv-host')
    refuse('workload name is reserved: the log of the workload host has it');
  return parsed;
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'workload name cannot be empty';
  if (name.includes('\0')) return 'workload name contains null bytes';
  if (posix.normalize(name) !== name || name.endsWith('/'))
    return 'workload name requires path normalization';
  if (name.startsWith('..')) return 'workload name contains path traversal';
  if (posix.isAbsolute(name)) return 'workload name cannot be an absolute path';
  if (/[$&;|`]/.test(name)) return 'workload name contains potentially dangerous characters';
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    return 'workload name can only contain alphanumeric characters, dots, hyphens, and underscores';
  }
  if (name.length > MAX_LENGTH) return `workload name too long (max ${MAX_LENGTH} characters)`;
  return undefined;
}

/** Repairs a name instead of refusing it (spec 02 §5.2): path cleaned, foreign characters to `-`, cut at 100. */
export function sanitizeWorkloadName(name: string): WorkloadName {
  const text = name.replaceAll('\0', '');
  let clean = text === '' ? '' : posix.normalize(text).replace(/(?<=.)\/$/, '');
  if (clean.startsWith('..')) clean = clean.replaceAll('..', '--');
  clean = clean
    .replace(/^[/\\]+/, '')
    .replace(/[^a-zA-Z0-9._-]/g, '-')
    .slice(0, MAX_LENGTH);
  return parseWorkloadName(clean === '' ? 'workload' : clean);
}

/** Workload name for an image reference (spec 02 §5.2): the last two path parts without tag and registry port. */
export function nameFromImage(image: string): string {
  const colon = image.lastIndexOf(':');
  const untagged = colon > image.lastIndexOf('/') ? image.slice(0, colon) : image;
  const parts = untagged.split('/');
  const last = parts.at(-1) ?? '';
  const namespace = parts.at(-2)?.replace(/:.*$/, '');
  // `foo/bar@sha256:abcdef`: the digest is cut by the tag rule, `@sha256` stays and becomes `-sha256`.
  return (namespace === undefined ? last : `${namespace}-${last}`).replace(/[^a-zA-Z0-9-]/g, '-');
}
