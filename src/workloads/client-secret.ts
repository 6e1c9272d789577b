import { hasCode } from '../errors/index.ts';
import { TOKEN_EXCHANGE_SECRET_TARGET } from '../middleware/index.ts';
import {
  findSecretParameter,
  formatSecretParameter,
  OIDC_SECRET_TARGET,
  type RunConfig,
  type WorkloadName,
} from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import type { Context } from './context.ts';
import type { OperationOptions } from './types.ts';

/** A place in documents for the secret of an OAuth client. */
interface SecretPlace {
  /** Begins like the names that the program keeps for itself (spec 05 §20-19). */
  readonly prefix: string;
  readonly target: string;
  /** What the secret is of, in a sentence. */
  readonly title: string;
  /** Gives the secret where a document comes without it. */
  readonly variable: string;
  /** Whether the document names a client, which may have a secret. */
  hasClient(config: RunConfig): boolean;
  /** '' for none. */
  valueIn(config: RunConfig): string;
  with(config: RunConfig, value: string): RunConfig;
}

const OIDC: SecretPlace = {
  prefix: 'OIDC_CLIENT_SECRET_',
  target: OIDC_SECRET_TARGET,
  title: 'the OIDC client secret',
  variable: 'TOOLHIVE_OIDC_CLIENT_SECRET',
  hasClient: ({ oidc_config }) => Boolean(oidc_config?.ClientID),
  valueIn: (config) =>
    config.oidc_config?.ClientSecret || inChain(config, 'auth', 'oidc_config', 'ClientSecret'),
  with: (config, ClientSecret) => ({
    ...config,
    ...(config.oidc_config ? { oidc_config: { ...config.oidc_config, ClientSecret } } : {}),
    middleware_configs: changedInChain(config, 'auth', 'oidc_config', { ClientSecret }),
  }),
};

const TOKEN_EXCHANGE: SecretPlace = {
  prefix: 'TOKEN_EXCHANGE_CLIENT_SECRET_',
  target: TOKEN_EXCHANGE_SECRET_TARGET,
  title: 'the client secret of the token exchange',
  variable: 'TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET',
  hasClient: ({ token_exchange_config: config }) => textAt(config, 'client_id') !== '',
  valueIn: (config) =>
    textAt(config.token_exchange_config, 'client_secret') ||
    inChain(config, 'tokenexchange', 'token_exchange_config', 'client_secret'),
  with: (config, client_secret) => ({
    ...config,
    ...(config.token_exchange_config
      ? { token_exchange_config: { ...config.token_exchange_config, client_secret } }
      : {}),
    middleware_configs: changedInChain(config, 'tokenexchange', 'token_exchange_config', { client_secret }),
  }),
};

const PLACES: readonly SecretPlace[] = [OIDC, TOKEN_EXCHANGE];

/**
 * The document with its client secrets moved into the secrets store. Where there is none that can be written, a value stays in
 * the document, which only its owner can read, with a warning. Throws what the store throws.
 */
export async function keepClientSecrets(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  options: OperationOptions = {},
): Promise<RunConfig> {
  let kept = config;
  for (const place of PLACES) kept = await keep(context, name, kept, { ...options, place });
  return kept;
}

async function keep(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
  { place, signal }: OperationOptions & { readonly place: SecretPlace },
): Promise<RunConfig> {
  // A document that was exported without it gets it where it is run again.
  const given = place.hasClient(config) ? (context.env[place.variable] ?? '') : '';
  const value = place.valueIn(config) || given;
  if (value === '' || nameIn(place, value) !== undefined) return config;
  const store = await openWritable(context, signal);
  if (store === undefined) {
    context.logger.warn(`${place.title} is kept in the run configuration as it is`, {
      workload: name,
      remedy: "run 'thv secret setup', then run the workload again",
    });
    return place.with(config, value);
  }
  const { scopedSecrets } = await import('../secrets/index.ts');
  const secret = place.prefix + name;
  await scopedSecrets(store, 'workloads').set(secret, value);
  return place.with(config, formatSecretParameter({ name: secret, target: place.target }));
}

/** The secrets that `keepClientSecrets` made for a document. */
export function keptClientSecrets(config: RunConfig): readonly string[] {
  return PLACES.flatMap((place) => {
    const name = nameIn(place, place.valueIn(config));
    return name?.startsWith(place.prefix) === true ? [name] : [];
  });
}

/** The document without client secrets in plain text, and what a person has to know of each that it had. */
export function withoutPlainClientSecrets(config: RunConfig): {
  readonly config: RunConfig;
  readonly warnings: readonly string[];
} {
  const plain = PLACES.filter((place) => {
    const value = place.valueIn(config);
    return value !== '' && nameIn(place, value) === undefined;
  });
  return {
    config: plain.reduce((changed, place) => place.with(changed, ''), config),
    warnings: plain.map(
      ({ title, variable }) =>
        `Warning: ${title[0]?.toUpperCase()}${title.slice(1)} is not exported. Set ${variable} where the file is run.`,
    ),
  };
}

function nameIn({ target }: SecretPlace, value: string): string | undefined {
  const parameter = findSecretParameter(value);
  return parameter?.target === target ? parameter.name : undefined;
}

/** A text that stands in the chain alone; '' for none. */
function inChain(config: RunConfig, type: string, part: string, key: string): string {
  for (const entry of config.middleware_configs) {
    const text = entry.type === type ? textAt(partOf(entry.parameters, part), key) : '';
    if (text !== '') return text;
  }
  return '';
}

function changedInChain(
  config: RunConfig,
  type: string,
  part: string,
  change: object,
): RunConfig['middleware_configs'] {
  return config.middleware_configs.map((entry) => {
    const found = entry.type === type ? partOf(entry.parameters, part) : undefined;
    if (found === undefined) return entry;
    return { ...entry, parameters: { ...(entry.parameters as object), [part]: { ...found, ...change } } };
  });
}

function textAt(value: object | null | undefined, key: string): string {
  const text = (value as Readonly<Record<string, unknown>> | null | undefined)?.[key];
  return typeof text === 'string' ? text : '';
}

function partOf(parameters: unknown, part: string): object | undefined {
  const found = (parameters as Readonly<Record<string, unknown>> | null | undefined)?.[part];
  return typeof found === 'object' && found !== null ? found : undefined;
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
