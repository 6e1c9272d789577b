import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { createWildcard, hasWildcard } from './wildcard.ts';

/** Something in a folder that an ignore file names. */
export interface IgnoredPath {
  /** From the folder to it, with slashes and without links. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** Names looked at for one folder, and paths hidden in it. */
const LOOKED_AT_LIMIT = 100_000;
const IGNORED_LIMIT = 1000;
const FILE_LIMIT_BYTES = 1024 ** 2;

/**
 * The patterns of an ignore file, one a line (spec 03 §6.2); none of a file that is missing. Throws `ERR_OVERLAY_FAILED` for one
 * that cannot be read: its author expects it to be followed.
 */
export async function readIgnoreFile(path: string): Promise<readonly string[]> {
  try {
    const info = await stat(path);
    // Reading a pipe would block until somebody writes to it.
    if (!info.isFile()) throw new ThvError('ERR_OVERLAY_FAILED', { path, reason: 'it is no file' });
    if (info.size > FILE_LIMIT_BYTES) {
      throw new ThvError('ERR_OVERLAY_FAILED', { path, reason: 'it is larger than 1 MiB' });
    }
    return (await readFile(path, 'utf8'))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
    if (isMissing) return [];
    throw error instanceof ThvError ? error : unreadable(path, error);
  }
}

/**
 * What `patterns` name in `folder`, sorted, nothing twice and nothing inside something else that is named. A link stands for
 * what it leads to, and for nothing when it leads out of the folder. Throws `ERR_OVERLAY_FAILED` when a folder on the way
 * cannot be read, and when there is too much of it: what is not found would be seen.
 */
export async function findIgnored(
  folder: string,
  patterns: readonly string[],
): Promise<readonly IgnoredPath[]> {
  const root = await realpath(folder);
  const found = new Map<string, IgnoredPath>();
  const budget = { looks: LOOKED_AT_LIMIT };
  for (const pattern of patterns) {
    for (const candidate of await candidatesFor(root, pattern, budget)) {
      const real = await inside(root, candidate);
      if (real === undefined) continue;
      const isFolder = (await stat(join(root, real))).isDirectory();
      if (pattern.endsWith('/') && !isFolder) continue;
      const path = real.split(sep).join('/');
      found.set(path, { path, isFolder });
      if (found.size > IGNORED_LIMIT)
        throw tooMuch(folder, `more than ${IGNORED_LIMIT} paths are to be hidden`);
    }
  }
  const outermost = [...found.values()].filter(
    ({ path }) => !ancestorsOf(path).some((other) => found.has(other)),
  );
  return outermost.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Paths below `root` that a pattern may mean: the one it spells, else those that fit its wildcards, part by part. */
async function candidatesFor(
  root: string,
  pattern: string,
  budget: { looks: number },
): Promise<readonly string[]> {
  const parts = pattern.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..')) return [];
  const literal = join(...parts);
  if (await isThere(join(root, literal))) return [literal];
  if (pattern.endsWith('/') || !hasWildcard(pattern)) return [];
  const wildcards = parts.map(createWildcard);
  let level: readonly string[] = [''];
  for (const fits of wildcards) {
    if (fits === undefined) return [];
    const next: string[] = [];
    for (const parent of level) {
      const names = await namesIn(root, parent);
      budget.looks -= names.length;
      if (budget.looks < 0)
        throw tooMuch(root, `more than ${LOOKED_AT_LIMIT} names to look at for ${pattern}`);
      next.push(...names.filter(fits).map((name) => join(parent, name)));
    }
    level = next;
  }
  return level;
}

async function namesIn(root: string, path: string): Promise<readonly string[]> {
  const real = path === '' ? '' : await inside(root, path);
  if (real === undefined) return [];
  try {
    return await readdir(join(root, real));
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR' || codeOf(error) === 'ENOENT') return [];
    throw unreadable(join(root, real), error);
  }
}

/** The path without links, relative to `root`; `undefined` when it leads out of it, to all of it, or nowhere. */
async function inside(root: string, path: string): Promise<string | undefined> {
  try {
    const real = relative(root, await realpath(join(root, path)));
    return real === '' || real === '..' || real.startsWith(`..${sep}`) || isAbsolute(real) ? undefined : real;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return undefined;
    throw unreadable(join(root, path), error);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'].includes(codeOf(error))) return false;
    throw unreadable(path, error);
  }
}

function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

function tooMuch(path: string, reason: string): ThvError {
  return new ThvError(
    'ERR_OVERLAY_FAILED',
    { path, reason },
    { hint: 'name the folders they are in instead, with a slash at the end' },
  );
}

function unreadable(path: string, cause: unknown): ThvError {
  return new ThvError('ERR_OVERLAY_FAILED', { path, reason: messageOf(cause) }, { cause });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}
