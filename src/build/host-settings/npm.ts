import { dirname, join } from 'node:path';
import type { HostFacts, IndexSettings } from './types.ts';

/** Keys of npm's configuration that say where packages come from and who asks (npm docs, "config" and "npmrc"). */
const KEPT = [
  /^registry$/,
  /^@[^:]+:registry$/,
  /^\/\/.+:(?:_authToken|_auth|username|_password|email|always-auth)$/,
  /^_auth(?:Token)?$/,
  /^(?:always-auth|strict-ssl)$/,
  /^(?:https?-)?proxy$/,
  /^noproxy$/,
];
const DEFAULT_REGISTRY = /^https:\/\/registry\.npmjs\.org\/?$/;

/** From the global file, the user's file and `npm_config_*`; a later one wins (npm docs, "npmrc"). */
export async function npmSettings(host: HostFacts): Promise<IndexSettings> {
  const settings = new Map<string, string>();
  for (const path of npmrcPaths(host)) {
    for (const [key, value] of parseNpmrc((await host.readText(path)) ?? '', host.env))
      settings.set(key, value);
  }
  const registry = configVariable(host.env, 'registry');
  if (registry !== undefined) settings.set('registry', registry);
  if (DEFAULT_REGISTRY.test(settings.get('registry') ?? '')) settings.delete('registry');
  const lines = [...settings].map(([key, value]) => `${key}=${value}`);
  return {
    variables: {},
    npmrc: lines.length === 0 ? undefined : `${lines.join('\n')}\n`,
    indexes: [...settings].flatMap(([key, value]) =>
      /(?:^|:)registry$/.test(key) ? [`${key}=${value}`] : [],
    ),
  };
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

/** The kept keys of one file, with `${NAME}` replaced as npm does it; an unset name leaves the line out. */
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
    return KEPT.some((pattern) => pattern.test(name)) ? [[name, value] as const] : [];
  });
}
