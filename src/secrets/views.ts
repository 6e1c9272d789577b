import { hasCode, ThvError } from '../errors/index.ts';
import type { SecretsStore } from './types.ts';

/** Names with this beginning are the program's own (spec 09 §5.5). */
const RESERVED = '__thv_';

const SCOPES = ['registry', 'workloads', 'llm', 'auth'] as const;
export type SecretScope = (typeof SCOPES)[number];

export function isReservedName(name: string): boolean {
  return name.startsWith(RESERVED);
}

/** The scope a stored name belongs to; `undefined` for names of the user and scopes this version does not know. */
export function scopeOf(name: string): SecretScope | undefined {
  return SCOPES.find((scope) => name.startsWith(scopedName(scope, '')));
}

export function scopedName(scope: SecretScope, name: string): string {
  return `${RESERVED}${scope}_${name}`;
}

/**
 * What a person manages: reserved names are refused (`ERR_SECRET_NAME_RESERVED`) and not listed. That the provider can do what
 * is asked is checked before the name. New names must be ones that `--secret NAME,target=TARGET` can say (spec 09 §10-8).
 */
export function userSecrets(store: SecretsStore): SecretsStore {
  const { type: provider, capabilities } = store;
  const check = (name: string, operation: 'get' | 'set' | 'delete') => {
    if (name === '')
      throw new ThvError('ERR_SECRET_NAME_INVALID', { secret: name, reason: 'secret name cannot be empty' });
    if (isReservedName(name)) throw new ThvError('ERR_SECRET_NAME_RESERVED', { secret: name, operation });
  };
  return {
    ...store,
    async get(name, options) {
      check(name, 'get');
      return store.get(name, options);
    },
    async set(name, value) {
      if (!capabilities.canWrite)
        throw new ThvError('ERR_SECRETS_UNSUPPORTED', { provider, operation: 'setting' });
      check(name, 'set');
      requireSpeakable(name);
      await store.set(name, value);
    },
    async delete(name) {
      if (!capabilities.canDelete)
        throw new ThvError('ERR_SECRETS_UNSUPPORTED', { provider, operation: 'deleting' });
      check(name, 'delete');
      await store.delete(name);
    },
    list: async () => (await store.list()).filter(({ key }) => !isReservedName(key)),
  };
}

/**
 * The secrets of one part of the program, stored as `__thv_<scope>_<name>`. Reading falls back to the bare name, under which
 * older versions kept them. Only this scope is listed, without the prefix.
 */
export function scopedSecrets(store: SecretsStore, scope: SecretScope): SecretsStore {
  const prefix = scopedName(scope, '');
  return {
    ...store,
    async get(name, options) {
      try {
        return await store.get(prefix + name, options);
      } catch (error) {
        if (!hasCode(error, 'ERR_SECRET_NOT_FOUND')) throw error;
        return store.get(name, options);
      }
    },
    set: (name, value) => store.set(prefix + name, value),
    delete: (name) => store.delete(prefix + name),
    async list() {
      const entries = await store.list();
      return entries
        .filter(({ key }) => key.startsWith(prefix))
        .map((entry) => ({ ...entry, key: entry.key.slice(prefix.length) }));
    },
  };
}

function requireSpeakable(name: string): void {
  if (!/[,\u0000-\u001f\u007f]/.test(name)) return;
  throw new ThvError(
    'ERR_SECRET_NAME_INVALID',
    {
      secret: name,
      reason: `invalid secret name ${JSON.stringify(name)}: commas and control characters are not allowed`,
    },
    { hint: "such a name could not be used in '--secret NAME,target=TARGET'" },
  );
}
