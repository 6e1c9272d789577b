import type { Environment, RegistryCredentials } from './types.ts';

const DOCKER_HUB_NAMES = ['INDEX_DOCKER_IO', 'DOCKER_IO'];

/** `REGISTRY_<HOST>_USERNAME` and `_PASSWORD` (spec 03 §12.3, B13): host in capitals, `.`, `-` and `:` as `_`. */
export function hostCredentials(env: Environment, registry: string): RegistryCredentials | undefined {
  const names = registry === 'docker.io' ? DOCKER_HUB_NAMES : [registry.toUpperCase().replace(/[.:-]/g, '_')];
  for (const name of names) {
    const found = pair(env, `REGISTRY_${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `REGISTRY_USERNAME` and `REGISTRY_PASSWORD`, meant for every registry; who may see them is decided by the caller (B13). */
export function genericCredentials(env: Environment): RegistryCredentials | undefined {
  return pair(env, 'REGISTRY');
}

function pair(env: Environment, prefix: string): RegistryCredentials | undefined {
  const username = env[`${prefix}_USERNAME`];
  const password = env[`${prefix}_PASSWORD`];
  return username && password ? { kind: 'password', username, password } : undefined;
}
