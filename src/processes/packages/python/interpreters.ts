import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { homeOf } from '../../../platform/index.ts';
import { nativeProgram, searchPath } from '../find-program.ts';
import type { InstallOptions } from '../types.ts';

/** The Pythons of this machine, as far as they lie where a sandbox does not see them anyway. */
export interface Pythons {
  /** Folder of the Pythons that uv installs for this program alone. */
  readonly managed: string;
  /** Folders of installed Pythons: as they are called, and where they are. */
  readonly prefixes: readonly string[];
  /** `PATH` in which uv looks for Pythons, those of the system included. */
  readonly searchPath: string;
}

const SYSTEM = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];
const NAME = /^python3?(?:\.\d+)?[a-z]?(?:\.exe)?$/;

/** The user's own ones first, in the order of their `PATH`; then those that version managers keep. */
export function findPythons({ env, folder }: Pick<InstallOptions, 'env' | 'folder'>): Pythons {
  const home = homeOf(env, process.platform);
  const kept = [
    join(env['PYENV_ROOT'] || join(home, '.pyenv'), 'versions'),
    join(env['XDG_DATA_HOME'] || join(home, '.local', 'share'), 'uv', 'python'),
  ].flatMap((versions) => namesIn(versions).map((name) => join(versions, name, 'bin')));
  const bins: string[] = [];
  const prefixes = new Set<string>();
  for (const bin of [...searchPath(env), ...kept]) {
    if (SYSTEM.includes(bin)) {
      bins.push(bin);
      continue;
    }
    const found = prefixesOf(bin, home);
    if (found.length > 0) bins.push(bin);
    for (const prefix of found) prefixes.add(prefix);
  }
  return {
    managed: join(folder, 'python'),
    prefixes: [...prefixes],
    searchPath: [...new Set([...bins, ...SYSTEM])].join(':'),
  };
}

/** The installation that the Python in a folder belongs to, unless it is around the home folder. */
function prefixesOf(bin: string, home: string): readonly string[] {
  const name = namesIn(bin).find((each) => NAME.test(each));
  const real = name === undefined ? undefined : nativeProgram(join(bin, name));
  if (real === undefined || !NAME.test(basename(real))) return [];
  const realPrefix = dirname(dirname(real));
  const isInstallation = namesIn(join(realPrefix, 'lib')).some((each) => /^(?:lib)?python3/.test(each));
  const found = isInstallation ? [dirname(bin), realPrefix] : [];
  return found.every((prefix) => isHarmless(prefix, home)) ? found : [];
}

/** To be seen by every server that uses it: so nothing but the installation may be in it. */
function isHarmless(prefix: string, home: string): boolean {
  const way = relative(prefix, home);
  return prefix !== '/' && way !== '' && (way.startsWith('..') || way.startsWith('/'));
}

/**
 * What has to be seen for these virtual environments to run: those of `pythons` that they link to, and nothing else, whatever
 * the packages in them have written there.
 */
export function pythonsUsed(environments: readonly string[], pythons: Pythons): readonly string[] {
  const used = new Set<string>();
  for (const environment of environments) {
    const called = linkTarget(join(environment, 'bin', 'python'));
    if (called === undefined) continue;
    for (const prefix of [called, realpathSync(called)].map((path) => dirname(dirname(path)))) {
      if (prefix.startsWith(`${pythons.managed}/`)) used.add(pythons.managed);
      else if (pythons.prefixes.includes(prefix)) used.add(prefix);
    }
  }
  return [...used];
}

/** Whether these environments have the Python that they were made with; it may have been replaced by a newer one since. */
export function canRun(environments: readonly string[]): boolean {
  return environments.length > 0 && environments.every((path) => existsSync(join(path, 'bin', 'python')));
}

function linkTarget(path: string): string | undefined {
  try {
    const target = readlinkSync(path);
    return existsSync(target) ? target : undefined;
  } catch {
    return undefined; // a copy, as on Windows, or gone
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}
