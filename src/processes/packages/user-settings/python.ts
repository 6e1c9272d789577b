import { fileURLToPath } from 'node:url';
import { readHostSettings } from '../../../build/index.ts';
import { homeOf, type Logger } from '../../../platform/index.ts';
import type { Reach } from '../confined/installer.ts';
import type { InstallOptions } from '../types.ts';
import { certificateSettings } from './certificates.ts';
import { reachOf } from './reach.ts';

export interface PythonSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly netrc: string | undefined;
  readonly certificates: ReturnType<typeof certificateSettings>;
  readonly reach: Reach;
  /** The same, and where ready-made Pythons come from. */
  readonly reachForPython: Reach;
  /** Indexes of the user that are folders of this machine. */
  readonly folders: readonly string[];
  /** Packages come from PyPI, alone or beside other indexes. */
  readonly usesPyPi: boolean;
  /** Hosts that the user's own configuration names. */
  readonly hosts: readonly string[];
}

/** What a folder adds: indexes that were found harmless. */
export interface FolderIndexes {
  /** In place of PyPI, unless the user has an index of their own. */
  readonly main?: string | undefined;
  readonly extra: readonly string[];
  /** All it may ask, those that only some of its packages come from included. */
  readonly urls: readonly string[];
  /** Names of indexes at hosts that the user's own configuration does not name. */
  readonly names: readonly string[];
  /** Other settings of uv, as variables. */
  readonly env: Readonly<Record<string, string>>;
}

const PYPI = ['https://pypi.org', 'https://files.pythonhosted.org'];
/** Where uv takes Pythons from (uv docs, "Managed Python distributions"), and what that leads to. */
const PYTHONS = [
  'https://releases.astral.sh',
  'https://github.com',
  'https://objects.githubusercontent.com',
  'https://release-assets.githubusercontent.com',
];
const MIRRORS = ['UV_PYTHON_INSTALL_MIRROR', 'UV_PYPY_INSTALL_MIRROR'] as const;

/** Indexes and logins of the user, read by us: of the environment nothing else reaches uv. */
export async function pythonSettings(
  options: Pick<InstallOptions, 'env' | 'logger'>,
  folder: FolderIndexes = { extra: [], urls: [], names: [], env: {} },
): Promise<PythonSettings> {
  const { env, logger } = options;
  const host = await readHostSettings('uvx', {
    env,
    home: homeOf(env, process.platform),
    configured: new Map(),
    logger,
  });
  const ofUv = Object.fromEntries(
    Object.entries(host.arguments).filter(
      ([name]) => name.startsWith('UV_') && !isLoginFor(folder.names, name, logger),
    ),
  );
  const ofUser = host.indexes
    .flatMap((entry) => entry.split(/\s+/))
    .map((entry) => entry.replace(/^[\w-]+=(?=[a-z]+:\/\/)/, ''));
  const isPyPi = (url: string) => /^https:\/\/pypi\.org\//.test(url);
  const main = ofUv['UV_DEFAULT_INDEX'] ?? folder.main;
  const usesPyPi = main === undefined || isPyPi(main) || ofUser.some(isPyPi);
  const extra = [...folder.extra, ...(ofUv['UV_INDEX'] ?? '').split(/\s+/)].filter((entry) => entry !== '');
  const remote = ofUser.filter((url) => /^https?:/.test(url));
  const reachable = { ofUser: [...remote, ...(usesPyPi ? PYPI : [])], ofFolder: folder.urls };
  const mirrors = MIRRORS.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  return {
    env: {
      ...folder.env,
      ...ofUv,
      ...(main === undefined ? {} : { UV_DEFAULT_INDEX: main }),
      ...(extra.length === 0 ? {} : { UV_INDEX: extra.join(' ') }),
      ...Object.fromEntries(mirrors),
    },
    netrc: host.authFiles.get('netrc'),
    certificates: certificateSettings(host.certificates),
    reach: reachOf(env, reachable),
    reachForPython: reachOf(env, {
      ...reachable,
      ofUser: [...reachable.ofUser, ...(mirrors.length === 0 ? PYTHONS : mirrors.map(([, url]) => url))],
    }),
    folders: ofUser.flatMap(localFolder),
    usesPyPi,
    hosts: remote.filter((url) => URL.canParse(url)).map((url) => new URL(url).host),
  };
}

/** A login belongs to a name; an index that only a folder gives this name must not get it. */
function isLoginFor(names: readonly string[], variable: string, logger: Logger): boolean {
  const index = names.find((name) =>
    variable.startsWith(`UV_INDEX_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_`),
  );
  if (index === undefined) return false;
  logger.warn('a login is left out, for only the folder says where the index of this name is', {
    variable,
    index,
    instead: 'name the index with its URL in uv.toml in your configuration folder (~/.config/uv)',
  });
  return true;
}

function localFolder(index: string): readonly string[] {
  if (index.startsWith('/')) return [index];
  try {
    return index.startsWith('file:') ? [fileURLToPath(index)] : [];
  } catch {
    return []; // uv says what is wrong with it
  }
}
