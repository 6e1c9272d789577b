import type { Invocation } from '../cli/index.ts';
import type { ImportedServer } from '../clients/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { type SecretsStore, userSecrets } from '../secrets/index.ts';
import type { StoredSecrets } from '../workloads/index.ts';
import { askYesNo } from './choose.ts';
import { openSecrets } from './secret-store.ts';

const NONE: StoredSecrets = { variables: new Map(), headers: new Map() };

/**
 * Puts what looks like a secret into the secrets store, unless the person wants it plain. Gives the names in the store.
 * Throws `ERR_SECRETS_NOT_SET_UP` and the like.
 */
export async function storeSecrets(
  invocation: Invocation<{ readonly yes: boolean }>,
  { name, environment, secretVariables, headers, secretHeaders }: ImportedServer,
  keepPlain: boolean,
): Promise<StoredSecrets> {
  const what = [...secretVariables, ...secretHeaders].join(', ');
  if (keepPlain || what === '') return NONE;
  const { options, signal } = invocation;
  const question = `${what} of ${name}: keep in the secrets store?`;
  if (!options.yes && !(await askYesNo(question, { signal, standard: true }))) return NONE;
  const store = userSecrets(await openSecrets(invocation));
  if (!store.capabilities.canWrite) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `the secrets provider '${store.type}' cannot store ${what}` },
      { hint: "choose another with 'thv secret setup', or use --plain-secrets" },
    );
  }
  const storeAll = async (keys: readonly string[], values: Readonly<Record<string, string>>) => {
    const stored = new Map<string, string>();
    for (const key of keys) stored.set(key, await storeUnder(store, `${name}-${key}`, values[key] ?? ''));
    return stored;
  };
  return {
    variables: await storeAll(secretVariables, environment),
    headers: await storeAll(secretHeaders, headers),
  };
}

/** Returns the name it was stored under: a secret of the same name with another value is never overwritten. */
async function storeUnder(store: SecretsStore, wanted: string, value: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    const name = attempt === 1 ? wanted : `${wanted}-${attempt}`;
    try {
      if ((await store.get(name)) === value) return name;
    } catch (error) {
      if (!hasCode(error, 'ERR_SECRET_NOT_FOUND')) throw error;
      await store.set(name, value);
      return name;
    }
  }
}
