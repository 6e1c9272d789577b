import { join } from 'node:path';
import type { HostFacts, IndexSettings } from './types.ts';

/** Variables that say where modules come from (go.dev/ref/mod, "Environment variables"). */
const NAMES = [
  'GOPROXY',
  'GOPRIVATE',
  'GONOPROXY',
  'GONOSUMDB',
  'GOSUMDB',
  'GONOSUMCHECK',
  'GOINSECURE',
  'GOVCS',
];

/** From the environment, else from the file that `go env -w` writes. */
export async function goSettings(host: HostFacts): Promise<IndexSettings> {
  const stored = parseGoEnv((await host.readText(goEnvPath(host))) ?? '');
  const variables = Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = host.env[name] || stored.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
  const places = [variables['GOPROXY'], variables['GOPRIVATE'], variables['GONOPROXY']];
  return {
    variables,
    certificateFiles: [],
    indexes: places
      .flatMap((list) => list?.split(/[,|]/) ?? [])
      .filter((place) => !/^(?:direct|off|)$/.test(place)),
  };
}

function goEnvPath({ env, home, platform }: HostFacts): string {
  if (env['GOENV']) return env['GOENV'];
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'go', 'env');
  if (platform === 'win32') return join(env['APPDATA'] || home, 'go', 'env');
  return join(env['XDG_CONFIG_HOME'] || join(home, '.config'), 'go', 'env');
}

function parseGoEnv(text: string): ReadonlyMap<string, string> {
  return new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const [, name, value = ''] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
      return name === undefined || value === '' ? [] : [[name, value] as const];
    }),
  );
}
