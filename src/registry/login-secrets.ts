import type { Logger, Paths } from '../platform/index.ts';
import type { SecretsStore } from '../secrets/index.ts';

export interface LoginSecretsOptions {
  readonly paths: Paths;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** Asks a person for the password of the secrets store; absent where nobody can be asked. */
  readonly askPassword?: (() => Promise<string>) | undefined;
}

/** The part of the secrets store that holds the tokens of registries. Throws what opening the store throws. */
export async function openLoginSecrets(
  { paths, env, logger, askPassword }: LoginSecretsOptions,
  signal: AbortSignal | undefined,
): Promise<SecretsStore> {
  const { openSecretsStore, scopedSecrets } = await import('../secrets/index.ts');
  const ask = askPassword === undefined ? {} : { askPassword };
  return scopedSecrets(await openSecretsStore({ paths, env, logger, ...ask, signal }), 'registry');
}
