import { realpathSync } from 'node:fs';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { readHead } from '../../platform/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** ELF, Mach-O of either order and of several processors, and Windows programs. */
const MAGIC = ['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe', '4d5a'];
const EXECUTABLE_SUFFIX = process.platform === 'win32' ? '.exe' : '';

/** Folders of the user's `PATH`. A relative one would mean whatever folder the command was called in. */
export function searchPath(env: Environment): readonly string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((entry) => isAbsolute(entry));
}

/**
 * The first program of this name on the user's `PATH`, links resolved; `undefined` when there is none. A script in its place, such as
 * those of version managers, is passed over: what it calls is not seen in a sandbox.
 */
export function findProgram(name: string, env: Environment): string | undefined {
  return findPrograms(name, env)[0];
}

/** All of them, in the order of the `PATH`. */
export function findPrograms(name: string, env: Environment): readonly string[] {
  return searchPath(env).flatMap((folder) => {
    const found = nativeProgram(join(folder, `${name}${EXECUTABLE_SUFFIX}`));
    // Some version managers are one program that does what it is called by; it looks for the real one where it is not seen.
    return found !== undefined && basename(found, EXECUTABLE_SUFFIX) === name ? [found] : [];
  });
}

/** Where a file really is, if it is a program of this machine's own format. */
export function nativeProgram(path: string): string | undefined {
  try {
    const real = realpathSync(path);
    const head = readHead(real, 4).toString('hex');
    return MAGIC.some((magic) => head.startsWith(magic)) ? real : undefined;
  } catch {
    return undefined; // not there, or nothing that can be read
  }
}
