import { readHostSettings } from '../../../build/index.ts';
import { homeOf } from '../../../platform/index.ts';
import type { Reach } from '../confined/installer.ts';
import type { InstallOptions } from '../types.ts';
import { certificateSettings } from './certificates.ts';
import { proxiesOf, reachOf } from './reach.ts';

/** What this program as a package manager is told, and whom it may ask. */
export interface NpmSettings {
  readonly npmrc: string;
  readonly certificates: ReturnType<typeof certificateSettings>;
  readonly reach: Reach;
  /** Registries in force, as URLs, without logins. */
  readonly registries: readonly string[];
  /** The one for packages without a scope of another. */
  readonly mainRegistry: string;
  /** Those of the user's own configuration. */
  readonly userRegistries: readonly string[];
}

/** What a folder adds: registries that were found harmless, as lines of an `.npmrc`. */
export interface FolderRegistries {
  readonly lines: readonly string[];
  readonly urls: readonly string[];
}

const PUBLIC_REGISTRY = 'https://registry.npmjs.org/';
/** Archives of these registries come from elsewhere. */
const ARCHIVE_HOSTS: Readonly<Record<string, readonly string[]>> = {
  'npm.pkg.github.com': ['pkg-npm.githubusercontent.com'],
};

/** Registries and logins of the user, read by us: of the environment nothing else reaches the tool. */
export async function npmSettings(
  options: Pick<InstallOptions, 'env' | 'logger'>,
  folder: FolderRegistries = { lines: [], urls: [] },
): Promise<NpmSettings> {
  const { env, logger } = options;
  const host = await readHostSettings('npx', {
    env,
    home: homeOf(env, process.platform),
    configured: new Map(),
    logger,
  });
  const lines = (host.authFiles.get('npmrc') ?? '').split('\n').filter((line) => line !== '');
  const kept = withScopedLogin(lines.filter((line) => !/^(?:(?:https?-)?proxy|noproxy)=/.test(line)));
  const ofUser = registriesIn(kept);
  // The user's registry comes last, and so wins over a folder's.
  const all = [...folder.lines, ...kept];
  const inForce = registriesIn(all);
  const main = registriesIn(all.filter((line) => line.startsWith('registry='))).at(-1);
  const reachable = [...ofUser, ...(main === undefined ? [PUBLIC_REGISTRY] : [])].flatMap((url) => [
    url,
    ...archiveHosts(url),
  ]);
  return {
    npmrc: all.map((line) => `${line}\n`).join(''),
    certificates: certificateSettings(host.certificates),
    reach: reachOf(
      env,
      { ofUser: reachable, ofFolder: folder.urls },
      { ...proxiesIn(lines), ...proxiesOf(env) },
    ),
    registries: [...new Set([...inForce, main ?? PUBLIC_REGISTRY])],
    mainRegistry: main ?? PUBLIC_REGISTRY,
    userRegistries: ofUser,
  };
}

/** A login without a host belongs to the user's own registry, whichever another file names. */
function withScopedLogin(lines: readonly string[]): readonly string[] {
  const registry = lines.find((line) => line.startsWith('registry='))?.slice('registry='.length);
  const { host, pathname } = new URL(
    registry !== undefined && URL.canParse(registry) ? registry : PUBLIC_REGISTRY,
  );
  return lines.map((line) => line.replace(/^(?=_auth)/, `//${host}${pathname.replace(/\/?$/, '/')}:`));
}

function registriesIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const url = /^(?:@[^:=]+:)?registry=(.+)$/.exec(line)?.[1];
    return url === undefined || !URL.canParse(url) ? [] : [withoutLogin(url)];
  });
}

function withoutLogin(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  return url.href;
}

function archiveHosts(registry: string): readonly string[] {
  return ARCHIVE_HOSTS[new URL(registry).hostname] ?? [];
}

/** npm's own keys for what other programs have variables for (npm docs, "config"). */
function proxiesIn(lines: readonly string[]): Readonly<Record<string, string>> {
  const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  const plain = value('proxy') ?? value('http-proxy');
  const secure = value('https-proxy') ?? plain;
  const none = value('noproxy');
  return {
    ...(plain === undefined ? {} : { http_proxy: plain }),
    ...(secure === undefined ? {} : { https_proxy: secure }),
    ...(none === undefined ? {} : { no_proxy: none }),
  };
}
