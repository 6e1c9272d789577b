import { isAbsolute } from 'node:path';
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
  config: Pick<
    RunConfig,
    'secrets' | 'header_forward' | 'oidc_config' | 'validating_webhooks' | 'mutating_webhooks'
  >,
  { signal }: OperationOptions,
): Promise<void> {
  const { secrets, header_forward, oidc_config, validating_webhooks, mutating_webhooks } = config;
  const webhooks = [...(validating_webhooks ?? []), ...(mutating_webhooks ?? [])];
  await resolveForwardHeaders({ header_forward }, () => context.secrets(signal), { signal });
  if (oidc_config) await clientSecretOf(oidc_config, { openSecrets: () => context.secrets(signal) });
  await checkWebhookSecrets(context, webhooks, signal);
  if (secrets.length === 0) return;
  const { resolveSecretParameters } = await import('../secrets/index.ts');
  await within('error processing secrets', async () => {
    const names = secrets.map((text) => findSecretParameter(text)?.name ?? text).join(', ');
    const store = await within(`failed to get ${names}`, () => context.secrets(signal));
    return resolveSecretParameters(secrets, store, { signal });
  });
}

/** Those that are named, not the files (spec 05 §17.1). */
async function checkWebhookSecrets(
  context: Context,
  webhooks: readonly Readonly<Record<string, unknown>>[],
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { name, hmac_secret_ref: reference } of webhooks) {
    if (typeof reference !== 'string' || reference === '' || isAbsolute(reference)) continue;
    const { userSecrets } = await import('../secrets/index.ts');
    await within(`failed to get the HMAC secret of webhook ${JSON.stringify(name)}`, async () =>
      userSecrets(await context.secrets(signal)).get(reference.split(',')[0] ?? '', { signal }),
    );
  }
}
