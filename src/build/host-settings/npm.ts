import { dirname, join } from 'node:path';
import { isLoopbackProxy } from './proxies.ts';
import type { HostFacts, IndexSettings } from './types.ts';

/** Keys of npm's configuration that say where packages come from and who asks (npm docs, "config" and "npmrc"). */
const KEPT = [
  /^registry$/,
  /^@[^:]+:registry$/,
  /^\/\/.+:(?:_authToken|_auth|username|_password|email|always-auth)$/,
  /^_auth(?:Token)?$/,
  /^(?:always-auth|strict-ssl)$/,
  /^noproxy$/,
];
const PROXY = /^(?:https?-)?proxy$/;
const DEFAULT_REGISTRY = /^https:\/\/registry\.npmjs\.org\/?$/;

/** From the global file, the user's file and `npm_config_*`; a later one wins (npm docs, "npmrc"). */
export async function npmSettings(host: HostFacts): Promise<IndexSettings> {
  const settings = new Map<string, string>();
  for (const path of npmrcPaths(host)) {
    for (const [key, value] of parseNpmrc((await host.readText(path)) ?? '', host.env))
      settings.set(key, value);
  }
  for (const key of ['registry', 'cafile']) {
    const value = configVariable(host.env, key);
    if (value !== undefined) settings.set(key, value);
  }
  const lines = [...settings].filter(isOfUse).map(([key, value]) => `${key}=${value}`);
  const cafile = settings.get('cafile')?.replace(/^~(?=\/)/, host.home);
  return {
    variables: {},
    npmrc: lines.length === 0 ? undefined : `${lines.join('\n')}\n`,
    indexes: lines.filter((line) => /^(?:@[^:=]+:)?registry=/.test(line)),
    certificateFiles: cafile === undefined ? [] : [cafile],
  };
}

/** Whether a build can use the setting; its loopback is not this machine's. */
function isOfUse([key, value]: readonly [string, string]): boolean {
  if (PROXY.test(key)) return !isLoopbackProxy(value);
  if (key === 'registry' && DEFAULT_REGISTRY.test(value)) return false;
  return KEPT.some((pattern) => pattern.test(key));
}

function npmrcPaths({ env, home }: HostFacts): readonly string[] {
  const npm = Bun.which('npm', { PATH: env['PATH'] ?? '' });
  const globalFile =
    configVariable(env, 'globalconfig') ??
    (npm === null ? undefined : join(dirname(dirname(npm)), 'etc', 'npmrc'));
  return [
    ...(globalFile === undefined ? [] : [globalFile]),
    configVariable(env, 'userconfig') ?? join(home, '.npmrc'),
  ];
}

function configVariable(env: HostFacts['env'], key: string): string | undefined {
  return env[`npm_config_${key}`] || env[`NPM_CONFIG_${key.toUpperCase()}`] || undefined;
}

/** The keys of one file, with `${NAME}` replaced as npm does it; an unset name leaves the line out. */
function parseNpmrc(
  text: string,
  env: Readonly<Record<string, string | undefined>>,
): readonly (readonly [string, string])[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, key = '', written = ''] = /^\s*([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    const expand = (part: string) =>
      part.replace(/\$\{([^}?]+)\??\}/g, (_, name: string) => env[name] ?? '\0');
    const name = expand(key);
    const value = expand(written.replace(/^"(.*)"$/, '$1'));
    if (name.includes('\0') || value.includes('\0') || value === '') return [];
    return [[name, value] as const];
  });
}
