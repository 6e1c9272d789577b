import { fileURLToPath } from 'node:url';
import { readHostSettings } from '../../../build/index.ts';
import { homeOf } from '../../../platform/index.ts';
import type { Reach } from '../confined/installer.ts';
import type { InstallOptions } from '../types.ts';
import { certificateSettings } from './certificates.ts';
import { reachOf } from './reach.ts';

export interface GoSettings {
  readonly env: Readonly<Record<string, string>>;
  readonly netrc: string | undefined;
  readonly certificates: ReturnType<typeof certificateSettings>;
  readonly reach: Reach;
  /** Module proxies of the user that are folders of this machine. */
  readonly folders: readonly string[];
}

const DEFAULT_PROXY = 'https://proxy.golang.org,direct';
const CHECKSUMS = 'https://sum.golang.org';
const TOOLCHAIN = /^(?:local|auto|path|go1(?:\.\d+)*(?:rc\d+)?(?:\+(?:auto|path))?)$/;

/** Module proxies, private modules and logins of the user, read by us: of the environment nothing else reaches Go. */
export async function goSettings({
  env,
  logger,
}: Pick<InstallOptions, 'env' | 'logger'>): Promise<GoSettings> {
  const host = await readHostSettings('go', {
    env,
    home: homeOf(env, process.platform),
    configured: new Map(),
    logger,
  });
  const proxies = (host.arguments['GOPROXY'] ?? DEFAULT_PROXY).split(/[,|]/);
  // What is private is fetched from where it is, by git.
  const patterns = [host.arguments['GOPRIVATE'], host.arguments['GONOPROXY']]
    .flatMap((list) => list?.split(',') ?? [])
    .map((pattern) => pattern.trim().split('/')[0] ?? '')
    .filter((name) => /^(?:\*\.)?[a-z0-9.-]+$/i.test(name));
  const toolchain = env['GOTOOLCHAIN'];
  return {
    env: {
      ...host.arguments,
      ...(toolchain !== undefined && TOOLCHAIN.test(toolchain) ? { GOTOOLCHAIN: toolchain } : {}),
    },
    netrc: host.authFiles.get('netrc'),
    certificates: certificateSettings(host.certificates),
    reach: reachOf(env, {
      ofUser: [
        ...proxies.filter((url) => /^https?:/.test(url)),
        checksumsOf(host.arguments['GOSUMDB']),
        ...patterns,
      ],
    }),
    folders: proxies.flatMap((url) => (url.startsWith('file:') ? [fileURLToPath(url)] : [])),
  };
}

/** `name`, `name+key` or either with a URL behind it (go.dev/ref/mod, "Environment variables"). */
function checksumsOf(setting: string | undefined): string {
  if (setting === undefined || setting === 'off') return CHECKSUMS;
  const [name = '', url] = setting.trim().split(/\s+/);
  return url ?? `https://${name.split('+')[0]}`;
}
