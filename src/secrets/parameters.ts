import { hasCode, ThvError, within } from '../errors/index.ts';
import { parseSecretParameter, variableValueProblem } from '../records/index.ts';
import type { SecretsStore } from './types.ts';
import { scopedSecrets, userSecrets } from './views.ts';

/**
 * Values by environment variable; of equal targets the last wins. `store` is the raw store: names are looked up in the user's
 * view, those of registry variables (`registry-user-*`, `registry-default-*`) then in the scope of the workloads (spec 09 §10-11).
 * Throws `ERR_SECRET_PARAMETER_INVALID` before anything is read, then what the first failing look-up throws.
 */
export async function resolveSecretParameters(
  parameters: readonly string[],
  store: SecretsStore,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Readonly<Record<string, string>>> {
  const values: Record<string, string> = Object.create(null);
  for (const { name, target } of parameters.map(parseSecretParameter)) {
    const value = await within('failed to get secrets', () => lookUp(name, store, options));
    const problem = variableValueProblem(target, value);
    if (problem !== undefined)
      throw new ThvError('ERR_INPUT_INVALID', { reason: `secret '${name}': ${problem}` });
    values[target] = value;
  }
  return values;
}

async function lookUp(
  name: string,
  store: SecretsStore,
  options: { readonly signal?: AbortSignal | undefined },
): Promise<string> {
  try {
    return await userSecrets(store).get(name, options);
  } catch (error) {
    if (!/^registry-(user|default)-/.test(name) || !hasCode(error, 'ERR_SECRET_NOT_FOUND')) throw error;
    return scopedSecrets(store, 'workloads').get(name, options);
  }
}
