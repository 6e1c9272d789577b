import { hasCode } from '../errors/index.ts';
import { notFound, readOnly, unlistable } from './read-only.ts';
import type { Environment, SecretsStore } from './types.ts';

const PREFIX = 'TOOLHIVE_SECRET_';

/** Reads `TOOLHIVE_SECRET_<name>`, spelled exactly as the secret (spec 09 §5.1). */
export function createEnvironmentStore(env: Environment): SecretsStore {
  return {
    type: 'environment',
    capabilities: { canRead: true, canWrite: false, canDelete: false, canList: false, canCleanup: false },
    async get(name) {
      const value = fromEnvironment(env, name);
      if (value === undefined) throw notFound(name, `set the variable ${PREFIX}${name}`);
      return value;
    },
    ...readOnly('environment'),
    list: unlistable('environment'),
  };
}

/** What an old `config.yaml` calls `none`: holds nothing, so that every read ends in the fallback (spec 09 §5.1). */
export function createEmptyStore(): SecretsStore {
  return {
    type: 'none',
    capabilities: { canRead: true, canWrite: false, canDelete: false, canList: true, canCleanup: false },
    async get(name) {
      throw notFound(name);
    },
    ...readOnly('none'),
    list: async () => [],
  };
}

/** `store`, with the environment asked for what it does not have (spec 09 §5.7). All other failures stay as they are. */
export function withEnvironmentFallback(store: SecretsStore, env: Environment): SecretsStore {
  if (env['TOOLHIVE_DISABLE_ENV_FALLBACK'] === 'true') return store;
  return {
    ...store,
    async get(name, options) {
      try {
        return await store.get(name, options);
      } catch (error) {
        const value = hasCode(error, 'ERR_SECRET_NOT_FOUND') ? fromEnvironment(env, name) : undefined;
        if (value === undefined) throw error;
        return value;
      }
    },
  };
}

/** An empty variable counts as missing. */
function fromEnvironment(env: Environment, name: string): string | undefined {
  return env[`${PREFIX}${name}`] || undefined;
}
