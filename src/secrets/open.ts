import { type ApplicationConfig, createConfigStore } from '../config/index.ts';
import { keepSecret, ThvError } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import { createEmptyStore, createEnvironmentStore, withEnvironmentFallback } from './environment-store.ts';
import { obtainPassword } from './password.ts';
import { type Environment, PROVIDER_TYPES, type ProviderType, type SecretsStore } from './types.ts';

export interface OpenSecretsOptions {
  readonly paths: Pick<Paths, 'config' | 'data'>;
  readonly env: Environment;
  readonly logger: Logger;
  /** Asks a person for the password of the encrypted provider, hidden; not given where nobody can be asked. */
  readonly askPassword?: () => Promise<string>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The store that is set up, with all names as they are stored and, unless switched off, the environment behind it
 * (spec 09 §5.2, §5.7). Throws `ERR_SECRETS_NOT_SET_UP`, `ERR_SECRETS_PROVIDER_INVALID` and what opening the provider throws.
 */
export async function openSecretsStore(options: OpenSecretsOptions): Promise<SecretsStore> {
  const config = await createConfigStore(options.paths).read();
  const type = chooseProvider(config.secrets, options.env);
  return openProvider(type, { ...options, exec: config.secrets_exec });
}

/** Which provider counts: the environment's, then the stored one (spec 09 §5.2). */
function chooseProvider(stored: ApplicationConfig['secrets'], env: Environment): SecretsStore['type'] {
  const named = env['TOOLHIVE_SECRETS_PROVIDER'] ?? '';
  if (named !== '') {
    const provider = parseProviderType(named);
    if (!stored.setup_completed && provider !== 'environment')
      throw new ThvError('ERR_SECRETS_NOT_SET_UP', { provider });
    return provider;
  }
  if (!stored.setup_completed) throw new ThvError('ERR_SECRETS_NOT_SET_UP', {});
  return stored.provider_type === 'none' ? 'none' : parseProviderType(stored.provider_type);
}

/** Throws `ERR_SECRETS_PROVIDER_INVALID`. */
export function parseProviderType(text: string): ProviderType {
  const found = PROVIDER_TYPES.find((type) => type === text);
  if (found === undefined)
    throw new ThvError('ERR_SECRETS_PROVIDER_INVALID', { provider: text, valid: PROVIDER_TYPES });
  return found;
}

interface OpenProviderOptions extends OpenSecretsOptions {
  readonly exec: ApplicationConfig['secrets_exec'];
  /** Password of the encrypted provider, given with a request. */
  readonly password?: string | undefined;
}

/** A provider by its type, whatever is set up. What is read from it or put into it stays out of every text about an error. */
export async function openProvider(
  type: SecretsStore['type'],
  options: OpenProviderOptions,
): Promise<SecretsStore> {
  const store = await openUnwatched(type, options);
  return {
    ...store,
    async get(name, limits) {
      const value = await store.get(name, limits);
      keepSecret(value);
      return value;
    },
    async set(name, value) {
      keepSecret(value);
      await store.set(name, value);
    },
  };
}

/** Each is imported when it is used. */
async function openUnwatched(
  type: SecretsStore['type'],
  options: OpenProviderOptions,
): Promise<SecretsStore> {
  const { env, signal } = options;
  switch (type) {
    case 'encrypted':
      return withEnvironmentFallback(await openEncrypted(options), env);
    case '1password': {
      const { openOnePasswordStore } = await import('./one-password-store.ts');
      return withEnvironmentFallback(await openOnePasswordStore(env, { signal }), env);
    }
    case 'exec': {
      const { createExecStore } = await import('./exec-store.ts');
      return withEnvironmentFallback(
        createExecStore({ ...options.exec, command: options.exec?.command ?? [], env }),
        env,
      );
    }
    case 'environment':
      return createEnvironmentStore(env);
    case 'none':
      return withEnvironmentFallback(createEmptyStore(), env);
  }
}

/** A new password goes into the keyring only after it has opened the file. */
async function openEncrypted({
  paths,
  env,
  logger,
  askPassword,
  password: supplied,
}: OpenProviderOptions): Promise<SecretsStore> {
  const { openEncryptedStore } = await import('./encrypted-store.ts');
  const password = await obtainPassword({ env, logger, askPassword, supplied });
  keepSecret(password.text);
  const store = await openEncryptedStore(paths, password.text);
  await password.remember();
  return store;
}
