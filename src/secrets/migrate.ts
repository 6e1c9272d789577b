import { createConfigStore } from '../config/index.ts';
import { hasCode, toThvError } from '../errors/index.ts';
import { type OpenSecretsOptions, openSecretsStore } from './open.ts';
import type { SecretsStore } from './types.ts';
import { type SecretScope, scopedName } from './views.ts';

/** Beginnings of names that older versions kept beside those of the user (spec 09 §5.6). */
const MOVES: readonly (readonly [prefix: string, scope: SecretScope])[] = [
  ['BEARER_TOKEN_', 'workloads'],
  ['OAUTH_CLIENT_SECRET_', 'workloads'],
  ['OAUTH_REFRESH_TOKEN_', 'workloads'],
  ['registry-user-', 'workloads'],
  ['registry-default-', 'workloads'],
  ['BUILD_AUTH_FILE_', 'workloads'],
  ['REGISTRY_OAUTH_', 'registry'],
];

/**
 * Moves the program's own secrets of older versions into their scopes, once; a failure is logged and tried again the next
 * time. Does nothing before the setup and where nothing can be written.
 */
export async function migrateSecretScopes(options: OpenSecretsOptions): Promise<void> {
  try {
    const config = createConfigStore(options.paths);
    const { secrets, secret_scope_migration: done } = await config.read();
    if (done === true || !secrets.setup_completed) return;
    const store = await openSecretsStore(options);
    if (store.type !== secrets.provider_type) return; // the environment names another one for the moment
    const { canList, canWrite, canDelete } = store.capabilities;
    if (canList && canWrite && canDelete) await moveAll(store);
    await config.update((current) => ({ ...current, secret_scope_migration: true }));
  } catch (error) {
    const { code, message } = toThvError(error);
    options.logger.warn('secrets of older versions were not moved into their scopes', {
      code,
      error: message,
    });
  }
}

async function moveAll(store: SecretsStore): Promise<void> {
  const entries = await store.list();
  const taken = new Set(entries.map(({ key }) => key));
  for (const { key } of entries) {
    const scope = MOVES.find(([prefix]) => key.startsWith(prefix))?.[1];
    if (scope === undefined) continue;
    const target = scopedName(scope, key);
    if (!taken.has(target)) await store.set(target, await store.get(key));
    await deleteIfPresent(store, key);
  }
}

/** Another command may be doing the same. */
async function deleteIfPresent(store: SecretsStore, name: string): Promise<void> {
  try {
    await store.delete(name);
  } catch (error) {
    if (!hasCode(error, 'ERR_SECRET_NOT_FOUND')) throw error;
  }
}
