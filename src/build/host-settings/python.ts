import { join } from 'node:path';
import type { HostFacts, IndexSettings } from './types.ts';

/** Where packages are looked for. */
interface Indexes {
  readonly main?: string | undefined;
  /** Separated by blanks, as both tools take them. */
  readonly extra?: string | undefined;
  /** Hosts without a valid certificate. */
  readonly trustedHosts?: string | undefined;
}

/**
 * Index settings of pip (its docs, "Configuration") and uv (its docs, "Package indexes"). The build uses both, so a setting of
 * one holds for the other too.
 */
export async function pythonSettings(host: HostFacts): Promise<IndexSettings> {
  const pipSettings = await pipFile(host);
  const pip = pipIndexes(host.env, pipSettings);
  const uv = uvIndexes(host.env, await uvFile(host));
  const ofPip = { ...defined(uv), ...defined(pip) };
  const ofUv = { ...defined(pip), ...defined(uv) };
  const variables = present({
    PIP_INDEX_URL: ofPip.main,
    // Only uv gives names to its indexes.
    PIP_EXTRA_INDEX_URL: ofPip.extra?.replace(/(^|\s)[\w-]+=(?=[a-z]+:\/\/)/g, '$1'),
    PIP_TRUSTED_HOST: ofPip.trustedHosts,
    UV_DEFAULT_INDEX: ofUv.main,
    UV_INDEX: ofUv.extra,
    UV_INSECURE_HOST: ofUv.trustedHosts,
    ...uvLogins(host.env),
  });
  const indexes = [ofPip, ofUv].flatMap(({ main = '', extra = '' }) => [main, ...extra.split(/\s+/)]);
  const cert = pipSettings.get('cert');
  return {
    variables,
    indexes: [...new Set(indexes.filter((url) => url !== ''))].sort(),
    certificateFiles: cert ? [cert.replace(/^~(?=\/)/, host.home)] : [],
  };
}

function pipIndexes(env: HostFacts['env'], file: ReadonlyMap<string, string>): Indexes {
  return {
    main: env['PIP_INDEX_URL'] || file.get('index-url'),
    extra: env['PIP_EXTRA_INDEX_URL'] || file.get('extra-index-url'),
    trustedHosts: env['PIP_TRUSTED_HOST'] || file.get('trusted-host'),
  };
}

function uvIndexes(env: HostFacts['env'], file: Indexes): Indexes {
  return {
    main: env['UV_DEFAULT_INDEX'] || env['UV_INDEX_URL'] || file.main,
    extra: env['UV_INDEX'] || env['UV_EXTRA_INDEX_URL'] || file.extra,
    trustedHosts: env['UV_INSECURE_HOST'] || file.trustedHosts,
  };
}

/** `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD`. */
function uvLogins(env: HostFacts['env']): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^UV_INDEX_[A-Z0-9_]+_(?:USERNAME|PASSWORD)$/.test(name)),
  );
}

/** `[global]` and `[install]` of all files there are; a later file wins. */
async function pipFile({ env, home, platform, readText }: HostFacts): Promise<ReadonlyMap<string, string>> {
  const own = env['PIP_CONFIG_FILE'];
  const places: Partial<Record<NodeJS.Platform, readonly string[]>> = {
    darwin: [
      '/Library/Application Support/pip/pip.conf',
      join(home, '.pip', 'pip.conf'),
      join(home, '.config', 'pip', 'pip.conf'),
      join(home, 'Library', 'Application Support', 'pip', 'pip.conf'),
    ],
    win32: [join(home, 'pip', 'pip.ini'), join(env['APPDATA'] || home, 'pip', 'pip.ini')],
  };
  const paths = places[platform] ?? [
    '/etc/xdg/pip/pip.conf',
    '/etc/pip.conf',
    join(home, '.pip', 'pip.conf'),
    join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'pip', 'pip.conf'),
  ];
  const settings = new Map<string, string>();
  for (const path of [...paths, ...(own ? [own] : [])]) {
    for (const [key, value] of parsePipFile((await readText(path)) ?? '')) settings.set(key, value);
  }
  return settings;
}

/** INI as Python's configparser reads it: indented lines go on with the value before. */
function parsePipFile(text: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  let isRead = false;
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[(.*)\]\s*$/.exec(line)?.[1];
    const [, key, value = ''] = /^([A-Za-z][\w-]*)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (/^\s*(?:[#;]|$)/.test(line)) continue;
    if (section !== undefined) isRead = section === 'global' || section === 'install';
    else if (key !== undefined && isRead) {
      last = key.toLowerCase().replaceAll('_', '-');
      settings.set(last, value);
    } else if (/^\s/.test(line) && isRead && last !== undefined) {
      settings.set(last, `${settings.get(last) ?? ''} ${line.trim()}`.trim());
    }
  }
  return settings;
}

async function uvFile({ env, home, platform, readText }: HostFacts): Promise<Indexes> {
  const folder =
    platform === 'win32' ? env['APPDATA'] || home : env['XDG_CONFIG_HOME'] || join(home, '.config');
  const paths = env['UV_CONFIG_FILE']
    ? [env['UV_CONFIG_FILE']]
    : ['/etc/uv/uv.toml', join(folder, 'uv', 'uv.toml')];
  const files = await Promise.all(paths.map(async (path) => parseUvFile((await readText(path)) ?? '')));
  return Object.assign({}, ...files.map(defined));
}

/** `[[index]]`, and the older `index-url` with `extra-index-url`, at the top or below `[pip]`. */
function parseUvFile(text: string): Indexes {
  let content: unknown;
  try {
    content = Bun.TOML.parse(text);
  } catch {
    return {}; // uv itself says what is wrong with it
  }
  const file = asRecord(content);
  const pip = asRecord(file['pip']);
  // One that is explicit is for the packages that a project pins to it.
  const listed = asList(file['index'])
    .map(asRecord)
    .filter((index) => index['explicit'] !== true && asText(index['url']) !== undefined);
  const url = (index: Readonly<Record<string, unknown>>) => asText(index['url']);
  const named = (index: Readonly<Record<string, unknown>>) =>
    asText(index['name']) === undefined ? url(index) : `${index['name']}=${url(index)}`;
  const extra = [
    ...listed.filter((index) => index['default'] !== true).map(named),
    ...asList(file['extra-index-url'] ?? pip['extra-index-url']).map(asText),
  ].filter((entry) => entry !== undefined);
  const insecure = asList(file['allow-insecure-host'])
    .map(asText)
    .filter((entry) => entry !== undefined);
  return {
    main:
      listed.filter((index) => index['default'] === true).map(url)[0] ??
      asText(file['index-url'] ?? pip['index-url']),
    extra: extra.length === 0 ? undefined : extra.join(' '),
    trustedHosts: insecure.length === 0 ? undefined : insecure.join(' '),
  };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function defined(indexes: Indexes): Indexes {
  return present(indexes);
}

function present<Value extends object>(
  values: Value,
): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value)) as never; // what is left is defined
}
