import { buildInfo, type Invocation } from '../cli/index.ts';
import { createRegistry, type Registry } from '../registry/index.ts';
import { secretsOptions } from './secret-store.ts';

/** The registry in use; a person at the terminal may be asked for the password of the secrets store. */
export async function openRegistry(invocation: Invocation<unknown>): Promise<Registry> {
  return createRegistry({ ...(await secretsOptions(invocation)), version: buildInfo().version });
}
