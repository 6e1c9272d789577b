import { readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { homeOf } from '../../../platform/index.ts';
import { findPrograms, nativeProgram } from '../find-program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A Node.js of this machine. */
export interface FoundNode {
  /** Links resolved. */
  readonly program: string;
  /** `22.11.0` */
  readonly version: string;
  /** What a sandbox has to show to run it, beside the system's folders. */
  readonly paths: readonly string[];
}

/** Where a Node may be, and the version that its place names; '' where only the program itself knows. */
interface Candidate {
  readonly program: string;
  readonly named: string;
}

const ANSWER_TIMEOUT_MS = 5000;
const VERSION = /^v(\d+\.\d+\.\d+)/;
const VERSION_IN_NAME = /(?:^|[-@_v])(\d+\.\d+\.\d+)/;

/**
 * The first Node of this machine that `fits`: those on the `PATH` are tried in its order, because that is what the user means by
 * Node, then those of version managers, newest first. `undefined` when none fits.
 */
export async function findNode(
  env: Environment,
  fits: (version: string) => boolean,
): Promise<FoundNode | undefined> {
  const seen = new Set<string>();
  for (const { program, named } of [...onPath(env), ...keptByManagers(env)]) {
    if (seen.has(program) || (named !== '' && !fits(named))) continue;
    seen.add(program);
    const version = await versionOf(program);
    if (version !== undefined && fits(version))
      return { program, version, paths: pathsOf(program, homeOf(env, process.platform)) };
  }
  return undefined;
}

function onPath(env: Environment): readonly Candidate[] {
  return findPrograms('node', env).map((program) => ({ program, named: '' }));
}

/** Folders that version managers keep one folder for each version in, and where the program is inside. */
function managers(env: Environment): readonly (readonly [folder: string, inside: string])[] {
  const home = homeOf(env, process.platform);
  const data = env['XDG_DATA_HOME'] || join(home, '.local', 'share');
  const brews = [
    env['HOMEBREW_PREFIX'] ?? '',
    '/opt/homebrew',
    '/home/linuxbrew/.linuxbrew',
    '/usr/local',
  ].filter((prefix) => prefix !== '');
  const kegs = brews.flatMap((prefix) =>
    namesIn(join(prefix, 'Cellar'))
      .filter((name) => /^node(?:@\d+)?$/.test(name))
      .map((name) => join(prefix, 'Cellar', name)),
  );
  const fnms = [
    env['FNM_DIR'] ?? '',
    join(data, 'fnm'),
    join(home, '.fnm'),
    join(home, 'Library', 'Application Support', 'fnm'),
  ].filter((folder) => folder !== '');
  return [
    [join(env['NVM_DIR'] || join(home, '.nvm'), 'versions', 'node'), 'bin'],
    ...fnms.map((folder) => [join(folder, 'node-versions'), join('installation', 'bin')] as const),
    [join(env['VOLTA_HOME'] || join(home, '.volta'), 'tools', 'image', 'node'), 'bin'],
    [join(env['ASDF_DATA_DIR'] || join(home, '.asdf'), 'installs', 'nodejs'), 'bin'],
    [join(env['MISE_DATA_DIR'] || join(data, 'mise'), 'installs', 'node'), 'bin'],
    [join(env['N_PREFIX'] || '/usr/local', 'n', 'versions', 'node'), 'bin'],
    [join(env['NODENV_ROOT'] || join(home, '.nodenv'), 'versions'), 'bin'],
    ...kegs.map((folder) => [folder, 'bin'] as const),
  ];
}

function keptByManagers(env: Environment): readonly Candidate[] {
  return managers(env)
    .flatMap(([folder, inside]) =>
      namesIn(folder).flatMap((name) => {
        const named = VERSION_IN_NAME.exec(`v${name.replace(/^v/, '')}`)?.[1];
        const program = named === undefined ? undefined : nativeProgram(join(folder, name, inside, 'node'));
        return named === undefined || program === undefined ? [] : [{ program, named }];
      }),
    )
    .sort((one, other) => Bun.semver.order(other.named, one.named));
}

/** What it says itself, without any of the user's environment; `undefined` for what does not run. */
async function versionOf(program: string): Promise<string | undefined> {
  try {
    const child = Bun.spawn([program, '--version'], {
      env: {},
      cwd: '/',
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'ignore',
      timeout: ANSWER_TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const [said] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    return VERSION.exec(said.trim())?.[1];
  } catch {
    return undefined; // made for another machine, or gone
  }
}

/**
 * The folder of the version where each version has one. Anywhere else only the program, because other files of the user may lie
 * around it. Homebrew's programs use libraries that lie beside them in its own folders.
 */
function pathsOf(program: string, home: string): readonly string[] {
  const [, brew] = /^(.+)\/Cellar\/[^/]+\/[^/]+\//.exec(program) ?? [];
  if (brew !== undefined) return ['Cellar', 'opt', 'lib'].map((name) => join(brew, name)).filter(exists);
  const prefix = dirname(dirname(program));
  const names = prefix.split('/').slice(-2);
  const isOfOneVersion =
    basename(dirname(program)) === 'bin' && names.some((name) => VERSION_IN_NAME.test(name));
  return [isOfOneVersion && !isAround(prefix, realOf(home)) ? prefix : program];
}

function isAround(folder: string, home: string): boolean {
  const way = relative(folder, home);
  return way === '' || !(way.startsWith('..') || way.startsWith('/'));
}

function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // not there, and so around nothing
  }
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there
  }
}
