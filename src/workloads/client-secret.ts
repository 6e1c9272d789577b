import { hasCode } from '../errors/index.ts';
import {
  formatSecretParameter,
  OIDC_SECRET_TARGET,
  type RunConfig,
  secretNameOf,
  type WorkloadName,
} from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions } from './types.ts';

/** Begins like the names that the program keeps for itself (spec 05 §20-19). */
const PREFIX = 'OIDC_CLIENT_SECRET_';

/**
 * The document with its OIDC client secret moved into the secrets store. Where there is none that can be written, the value stays in
 * the document, which only its owner can read, with a warning. Throws what the store throws.
 */
export async function keepClientSecret(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  { signal }: OperationOptions = {},
): Promise<RunConfig> {
  const value = clientSecretIn(config) || fromEnvironment(context, config);
  if (value === '' || secretNameOf({ ClientSecret: value }) !== undefined) return config;
  const store = await openWritable(context, signal);
  if (store === undefined) {
    context.logger.warn('the OIDC client secret is kept in the run configuration as it is', {
      workload: name,
      remedy: "run 'thv secret setup', then run the workload again",
    });
    return withClientSecret(config, value);
  }
  const { scopedSecrets } = await import('../secrets/index.ts');
  const secret = `${PREFIX}${name}`;
  await scopedSecrets(store, 'workloads').set(secret, value);
  return withClientSecret(config, formatSecretParameter({ name: secret, target: OIDC_SECRET_TARGET }));
}

/** The secret that `keepClientSecret` made for a document; `undefined` when there is none. */
export function keptClientSecret(config: RunConfig): string | undefined {
  const name = secretNameOf({ ClientSecret: clientSecretIn(config) });
  return name?.startsWith(PREFIX) === true ? name : undefined;
}

/** The document without a client secret in plain text; `isChanged`: it had one. */
export function withoutPlainClientSecret(config: RunConfig): {
  readonly config: RunConfig;
  readonly isChanged: boolean;
} {
  const value = clientSecretIn(config);
  return value === '' || secretNameOf({ ClientSecret: value }) !== undefined
    ? { config, isChanged: false }
    : { config: withClientSecret(config, ''), isChanged: true };
}

/** A document that was exported without it gets it where it is run again. */
function fromEnvironment({ env }: Context, { oidc_config }: RunConfig): string {
  return oidc_config?.ClientID ? (env['TOOLHIVE_OIDC_CLIENT_SECRET'] ?? '') : '';
}

/** In the field of its own, or in the chain alone. */
function clientSecretIn({ oidc_config, middleware_configs }: RunConfig): string {
  if (oidc_config?.ClientSecret) return oidc_config.ClientSecret;
  for (const { type, parameters } of middleware_configs) {
    const inChain = type === 'auth' ? oidcIn(parameters)?.['ClientSecret'] : undefined;
    if (typeof inChain === 'string' && inChain !== '') return inChain;
  }
  return '';
}

function withClientSecret(config: RunConfig, ClientSecret: string): RunConfig {
  return {
    ...config,
    ...(config.oidc_config ? { oidc_config: { ...config.oidc_config, ClientSecret } } : {}),
    middleware_configs: config.middleware_configs.map((entry) => {
      const oidc = entry.type === 'auth' ? oidcIn(entry.parameters) : undefined;
      if (oidc === undefined) return entry;
      const parameters = { ...(entry.parameters as object), oidc_config: { ...oidc, ClientSecret } };
      return { ...entry, parameters };
    }),
  };
}

function oidcIn(parameters: unknown): Readonly<Record<string, unknown>> | undefined {
  const found = (parameters as { readonly oidc_config?: unknown } | null | undefined)?.oidc_config;
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
}

async function openWritable(context: Context, signal?: AbortSignal): Promise<SecretsStore | undefined> {
  try {
    const store = await context.secrets(signal);
    return store.capabilities.canWrite ? store : undefined;
  } catch (error) {
    if (hasCode(error, 'ERR_SECRETS_NOT_SET_UP')) return undefined;
    throw error;
  }
}
