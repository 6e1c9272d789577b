import { join } from 'node:path';
import { isLoopbackHost } from '../../net/index.ts';
import type { HostFacts } from './types.ts';

/** Names the engines predefine as build arguments, and what Docker's own configuration calls them. */
const NAMES = [
  ['HTTP_PROXY', 'httpProxy'],
  ['HTTPS_PROXY', 'httpsProxy'],
  ['FTP_PROXY', 'ftpProxy'],
  ['ALL_PROXY', 'allProxy'],
  ['NO_PROXY', 'noProxy'],
] as const;

/**
 * HTTP proxies as the predefined build arguments (Dockerfile reference, "Predefined ARGs"), which no layer and no history keeps:
 * from the environment, else `proxies.default` of Docker's configuration, as `docker build` does it. A proxy on this machine's own
 * loopback is left out, because a build container has another loopback.
 */
export async function proxySettings({
  env,
  home,
  readText,
}: HostFacts): Promise<Readonly<Record<string, string>>> {
  const docker = dockerProxies(
    await readText(join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json')),
  );
  const found = NAMES.flatMap(([name, key]) => {
    const value = env[name] || env[name.toLowerCase()] || docker[key];
    const isUsable = typeof value === 'string' && (name === 'NO_PROXY' || !isLoopbackProxy(value));
    return isUsable ? [[name, value] as const, [name.toLowerCase(), value] as const] : [];
  });
  const isAlone = found.every(([name]) => name.toUpperCase() === 'NO_PROXY');
  return isAlone ? {} : Object.fromEntries(found);
}

function dockerProxies(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text ?? '{}')?.proxies?.default ?? {};
  } catch {
    return {}; // the engine's own tools complain about it
  }
}

/** Whether a proxy is on this machine's own loopback. */
export function isLoopbackProxy(proxy: string): boolean {
  return isLoopbackHost(/^(?:[a-z0-9]+:\/\/)?(?:[^@/]*@)?(\[[^\]]*\]|[^:/]*)/i.exec(proxy)?.[1] ?? '');
}
