import { readFile } from 'node:fs/promises';
import type { BuildAuthFileType } from '../../config/index.ts';
import type { Logger } from '../../platform/index.ts';
import type { Scheme } from '../package-reference.ts';
import { readHostCertificates } from './certificates.ts';
import { goSettings } from './go.ts';
import { netrcFor } from './netrc.ts';
import { npmSettings } from './npm.ts';
import { proxySettings } from './proxies.ts';
import { pythonSettings } from './python.ts';
import type { HostFacts, IndexSettings } from './types.ts';

/** How package tools of this machine reach their indexes, as far as a build needs to know it too. */
export interface HostSettings {
  /** Values of build arguments of the builder stage. */
  readonly arguments: Readonly<Record<string, string>>;
  /** The predefined proxy arguments, which hold for all stages and leave no trace. */
  readonly proxies: Readonly<Record<string, string>>;
  readonly authFiles: ReadonlyMap<BuildAuthFileType, string>;
  /** PEM of the CAs that this machine trusts beyond the usual ones. */
  readonly certificates: string | undefined;
  /** Which indexes are asked, without logins. */
  readonly indexes: readonly string[];
}

const READERS: Readonly<Record<Scheme, (host: HostFacts) => Promise<IndexSettings>>> = {
  npx: npmSettings,
  uvx: pythonSettings,
  go: goSettings,
};

/**
 * What the tools of one scheme are set to on this machine. A plain machine yields nothing, so that its Dockerfiles hold nothing of
 * it. A file of the user that cannot be understood is left to its own tool to complain about.
 */
export async function readHostSettings(
  scheme: Scheme,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly home: string;
    readonly platform?: NodeJS.Platform;
    /** What the user configured for builds; it is not looked for on the machine. */
    readonly configured: ReadonlyMap<BuildAuthFileType, string>;
    readonly logger: Logger;
  },
): Promise<HostSettings> {
  const { env, home, platform = process.platform, configured, logger } = options;
  const host: HostFacts = {
    env,
    home,
    platform,
    readText: (path) => readFile(path, 'utf8').catch(() => undefined),
  };
  const { variables, npmrc, indexes, certificateFiles } = await READERS[scheme](host);
  const netrc = configured.has('netrc') ? undefined : await netrcFor(indexes, host);
  const files: Partial<Record<BuildAuthFileType, string>> = {
    ...(npmrc === undefined || configured.has('npmrc') ? {} : { npmrc }),
    ...(netrc === undefined ? {} : { netrc }),
  };
  const settings: HostSettings = {
    arguments: variables,
    proxies: await proxySettings(host),
    authFiles: new Map(Object.entries(files) as [BuildAuthFileType, string][]),
    certificates: await readHostCertificates(host, certificateFiles),
    indexes: indexes.map(withoutLogin),
  };
  logger.debug('settings of this machine for the build', {
    variables: [...Object.keys(settings.arguments), ...Object.keys(settings.proxies)],
    files: Object.keys(files),
    certificates: settings.certificates !== undefined,
  });
  return settings;
}

function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/g, '//');
}
