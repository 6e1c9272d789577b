import { within } from '../errors/index.ts';
import { clientSecretOf, resolveForwardHeaders } from '../host/index.ts';
import { findSecretParameter, type RunConfig } from '../records/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions } from './types.ts';

/**
 * Reads every secret a document names, so that what cannot be had is told here and not in the background (spec 09 §5.9).
 * The workload host reads them again.
 */
export async function checkSecrets(
  context: Context,
  { secrets, header_forward, oidc_config }: Pick<RunConfig, 'secrets' | 'header_forward' | 'oidc_config'>,
  { signal }: OperationOptions,
): Promise<void> {
  await resolveForwardHeaders({ header_forward }, () => context.secrets(signal), { signal });
  if (oidc_config) await clientSecretOf(oidc_config, { openSecrets: () => context.secrets(signal) });
  if (secrets.length === 0) return;
  const { resolveSecretParameters } = await import('../secrets/index.ts');
  await within('error processing secrets', async () => {
    const names = secrets.map((text) => findSecretParameter(text)?.name ?? text).join(', ');
    const store = await within(`failed to get ${names}`, () => context.secrets(signal));
    return resolveSecretParameters(secrets, store, { signal });
  });
}
