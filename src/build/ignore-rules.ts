import { join } from 'node:path';
import dockerignore from '@balena/dockerignore';
import { readRegularFile, withoutByteOrderMark } from '../platform/index.ts';

const MAX_BYTES = 1024 * 1024;

/** Which paths of a folder stay out of a build. */
export interface IgnoreRules {
  /** `path` is relative to the folder, with slashes. */
  ignores(path: string): boolean;
  /** False when nothing below an ignored folder can be taken back in. */
  readonly hasExceptions: boolean;
}

/** Not sent with a context of ours: Podman would go by them once more, and leave out our own files. */
export const ENGINE_IGNORE_FILES: readonly string[] = ['.dockerignore', '.containerignore'];

/** `.dockerignore` (Docker's reference, ".dockerignore file") and `.thvignore` (spec 03 §6.2) of a folder. */
export async function readIgnoreRules(
  folder: string,
  /** Lines that come before those of `.dockerignore`, which can therefore take back what they leave out. */
  defaults: readonly string[] = [],
): Promise<IgnoreRules> {
  const docker = [...defaults, ...linesOf(join(folder, '.dockerignore'))];
  // This format knows no exceptions: an exclamation mark is one.
  const own = linesOf(join(folder, '.thvignore')).map((line) => line.replace(/^!/, '\\!'));
  const matchers = [docker, own].map((lines) => dockerignore({ ignorecase: false }).add([...lines]));
  return {
    ignores: (path) => matchers.some((matcher) => matcher.ignores(path)),
    hasExceptions: docker.some((line) => line.startsWith('!')),
  };
}

function linesOf(path: string): readonly string[] {
  return withoutByteOrderMark(textOf(path))
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function textOf(path: string): string {
  try {
    return readRegularFile(path, MAX_BYTES).toString('utf8');
  } catch {
    return ''; // both files are optional; what is no file holds no rules
  }
}
