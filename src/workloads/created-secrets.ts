import { hasCode } from '../errors/index.ts';
import type { RunConfig } from '../records/index.ts';
import { keptClientSecrets } from './client-secret.ts';
import type { Context } from './context.ts';
import { secretsOf, usersOfSecret } from './secret-users.ts';
import type { OperationOptions } from './types.ts';

/** What a run from the registry stores for its workload (spec 08 §5.1). */
const CREATED = /^registry-(?:user|default)-/;

/**
 * Deletes the secrets that were created for a workload, of which this was the document, and that no other one refers to
 * (spec 02 §15-18). Throws what the secrets store throws.
 */
export async function deleteCreatedSecrets(
  context: Context,
  config: RunConfig,
  { signal }: OperationOptions,
): Promise<void> {
  const unused = [...keptClientSecrets(config)];
  for (const secret of secretsOf(config)) {
    if (CREATED.test(secret) && (await usersOfSecret(context, secret)).length === 0) unused.push(secret);
  }
  if (unused.length === 0) return;
  const { scopedSecrets } = await import('../secrets/index.ts');
  const store = await context.secrets(signal);
  if (!store.capabilities.canDelete) return; // another store than the one that they were put into
  const ofWorkloads = scopedSecrets(store, 'workloads');
  for (const secret of unused) {
    try {
      await ofWorkloads.delete(secret);
    } catch (error) {
      if (!hasCode(error, 'ERR_SECRET_NOT_FOUND')) throw error;
    }
  }
}
