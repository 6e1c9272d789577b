import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ThvError } from '../errors/index.ts';

/** Where the program keeps its files (spec 02 §3.1, §3.2). Every path is absolute. */
export interface Paths {
  /** `<config>/toolhive` */
  readonly config: string;
  /** `<data>/toolhive` */
  readonly data: string;
  /** `<state>/toolhive` */
  readonly state: string;
  /** `<cache>/toolhive` */
  readonly cache: string;
  readonly home: string;
  /** Folder for sockets that need not outlive the login session: `$XDG_RUNTIME_DIR/toolhive`, absent where the system has none. */
  readonly runtime: string | undefined;
  readonly temporary: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function resolvePaths(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = homeOf(env, platform),
): Paths {
  const defaults = defaultBases(env, platform, home);
  const base = (variable: string, fallback: string) => absoluteFrom(env[variable], home) ?? fallback;
  const runtime = absoluteFrom(env['XDG_RUNTIME_DIR'], home);
  return {
    config: join(base('XDG_CONFIG_HOME', defaults.config), 'toolhive'),
    data: join(base('XDG_DATA_HOME', defaults.data), 'toolhive'),
    state: join(base('XDG_STATE_HOME', defaults.state), 'toolhive'),
    cache: join(base('XDG_CACHE_HOME', defaults.cache), 'toolhive'),
    home,
    runtime: runtime === undefined ? undefined : join(runtime, 'toolhive'),
    temporary: tmpdir(),
  };
}

/** The user's home folder as `env` tells it, else as the system does. Throws `ERR_INPUT_INVALID` where neither knows one. */
export function homeOf(env: Environment, platform: NodeJS.Platform): string {
  const variable = platform === 'win32' ? 'USERPROFILE' : 'HOME';
  try {
    return env[variable] || homedir();
  } catch (error) {
    // In containers a process often has a number that no record of users knows.
    throw new ThvError(
      'ERR_INPUT_INVALID',
      {
        reason: `no home folder: ${variable} is not set, and the system has no record of this user (${process.getuid?.()})`,
      },
      { cause: error, hint: `set ${variable} to a folder that this user may write to` },
    );
  }
}

function defaultBases(env: Environment, platform: NodeJS.Platform, home: string) {
  if (platform === 'win32') {
    const local = env['LOCALAPPDATA'] || join(home, 'AppData', 'Local');
    return { config: local, data: local, state: local, cache: join(local, 'cache') };
  }
  if (platform === 'darwin') {
    const support = join(home, 'Library', 'Application Support');
    return { config: support, data: support, state: support, cache: join(home, 'Library', 'Caches') };
  }
  return {
    config: join(home, '.config'),
    data: join(home, '.local', 'share'),
    state: join(home, '.local', 'state'),
    cache: join(home, '.cache'),
  };
}

/** A variable's value with `~` and the home variable expanded; a value that is not absolute is ignored (spec 02 §3.1). */
function absoluteFrom(value: string | undefined, home: string): string | undefined {
  if (value === undefined || value === '') return undefined;
  const expanded = value
    .replace(/^~(?=[/\\]|$)/, () => home)
    .replace(/^(?:\$HOME|%USERPROFILE%)/, () => home);
  return isAbsolute(expanded) ? expanded : undefined;
}
