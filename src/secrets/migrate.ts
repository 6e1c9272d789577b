import { readFile } from 'node:fs/promises';
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
 * time. Only the encrypted store ever held any.
 */
export async function migrateSecretScopes(options: OpenSecretsOptions): Promise<void> {
  try {
    const config = createConfigStore(options.paths);
    if (!(await isDue(config.path))) return;
    const store = await openSecretsStore(options);
    if (store.type !== 'encrypted') return; // the environment names another one for the moment
    await moveAll(store);
    await config.update((current) => ({ ...current, secret_scope_migration: true }));
  } catch (error) {
    const { code, message } = toThvError(error);
    options.logger.warn('secrets of older versions were not moved into their scopes', {
      code,
      error: message,
    });
  }
}

/** Looked at as text: every start of a workload asks, and the answer is yes once in the life of an installation. */
async function isDue(path: string): Promise<boolean> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return (
    /^\s+provider_type: *["']?(encrypted|basic)\b/m.test(text) &&
    !/^secret_scope_migration: *true\b/m.test(text)
  );
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
