import { toThvError, within } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import { type RunEnvironment, shellOf } from './environment.ts';

interface SecretValuesOptions {
  readonly paths: Paths;
  readonly environment: RunEnvironment;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export type SecretValues = () => Promise<Readonly<Record<string, string>>>;

/**
 * The values behind a document's `secrets`, by environment variable, read again for each life of the server, so that a
 * changed secret takes effect with the next start. A store that fails later on does not end what it once gave a value to.
 */
export function createSecretValues(config: RunConfig, options: SecretValuesOptions): SecretValues {
  let known: Readonly<Record<string, string>> | undefined;
  return async () => {
    if (config.secrets.length === 0) return {};
    try {
      known = await within('error processing secrets', () => resolve(config, options));
    } catch (error) {
      if (known === undefined || options.signal.aborted) throw error;
      options.logger.warn('secrets cannot be read, using the values of the last start', {
        error: toThvError(error),
      });
    }
    return known;
  };
}

async function resolve(
  config: RunConfig,
  options: SecretValuesOptions,
): Promise<Readonly<Record<string, string>>> {
  const { resolveSecretParameters } = await import('../secrets/index.ts');
  return await resolveSecretParameters(config.secrets, await openSecrets(options), options);
}

/** Loaded by those workloads alone that have secrets: a host without any is the smaller for it. */
export async function openSecrets({
  paths,
  environment,
  logger,
  signal,
}: SecretValuesOptions): Promise<SecretsStore> {
  const { openSecretsStore } = await import('../secrets/index.ts');
  // A command of the user's that gives the values needs more of the environment than travels with a start.
  const env = shellOf(environment);
  return await openSecretsStore({ paths, env, logger, signal });
}
