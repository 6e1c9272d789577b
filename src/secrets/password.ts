import { ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { Keyring } from './keyring/types.ts';
import type { Environment } from './types.ts';

interface PasswordOptions {
  readonly env: Environment;
  readonly logger: Logger;
  /** Asks the person; not given where nobody can be asked. */
  readonly askPassword?: (() => Promise<string>) | undefined;
  /** Password given with a request; used only while the keyring has none. */
  readonly supplied?: string | undefined;
}

export interface Password {
  readonly text: string;
  /** Keeps the password in the keyring, if it is a new one that belongs there; called once it has opened the file. */
  remember(): Promise<void>;
}

/**
 * The password of the encrypted provider (spec 09 §5.3, §10-4): the keyring's, else `TOOLHIVE_SECRETS_PASSWORD`, which is never
 * stored, else the one that came with the request or that a person types. The last two need a keyring that can keep them.
 * Throws `ERR_KEYRING_UNAVAILABLE`, `ERR_SECRETS_PASSWORD`.
 */
export async function obtainPassword(options: PasswordOptions): Promise<Password> {
  const { openKeyring } = await import('./keyring/open-keyring.ts');
  const keyring = await openKeyring(options);
  const stored = await keyring?.find();
  if (stored) return { text: stored, remember: async () => undefined };
  const fromEnvironment = options.env['TOOLHIVE_SECRETS_PASSWORD'];
  if (fromEnvironment) return { text: fromEnvironment, remember: async () => undefined };
  if (keyring === undefined) throw keyringUnavailable();
  const text = options.supplied ?? (await ask(options));
  if (text === '') throw new ThvError('ERR_SECRETS_PASSWORD', { reason: 'password cannot be empty' });
  return { text, remember: () => keyring.save(text) };
}

/** Forgets the password; the secrets file stays (spec 09 §5.3). Throws `ERR_KEYRING_UNAVAILABLE`. */
export async function resetKeyring(options: {
  readonly env: Environment;
  readonly logger: Logger;
}): Promise<void> {
  const { openKeyring } = await import('./keyring/open-keyring.ts');
  const keyring: Keyring | undefined = await openKeyring(options);
  if (keyring === undefined)
    throw new ThvError('ERR_KEYRING_UNAVAILABLE', {
      reason: 'failed to reset keyring secret: no keyring provider available',
    });
  await keyring.delete();
}

async function ask({ env, askPassword }: PasswordOptions): Promise<string> {
  if (askPassword === undefined || env['TOOLHIVE_DETACHED'] === '1')
    throw new ThvError(
      'ERR_SECRETS_PASSWORD',
      { reason: 'detached process detected, cannot ask for password' },
      { hint: "run 'thv secret setup', or set TOOLHIVE_SECRETS_PASSWORD" },
    );
  return askPassword();
}

function keyringUnavailable(): ThvError {
  return new ThvError(
    'ERR_KEYRING_UNAVAILABLE',
    {
      reason:
        'OS keyring is not available. The encrypted provider requires an OS keyring to securely store passwords. Please use a different secrets provider (e.g., 1password), or ensure your system has a keyring service available',
    },
    { hint: 'on a machine without one, give the password in TOOLHIVE_SECRETS_PASSWORD' },
  );
}
