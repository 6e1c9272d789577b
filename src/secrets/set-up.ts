import { createConfigStore } from '../config/index.ts';
import { hasCode, ThvError, within } from '../errors/index.ts';
import { type OpenSecretsOptions, openProvider } from './open.ts';
import type { ProviderType, SecretsStore } from './types.ts';

interface SetUpOptions extends OpenSecretsOptions {
  readonly type: ProviderType;
  /** Password of the encrypted provider; used only while the keyring has none. */
  readonly password?: string | undefined;
  /** Command of the exec provider; the configured one unless given. */
  readonly execCommand?: readonly string[] | undefined;
}

/**
 * Tries the provider and makes it the one in use; the configuration changes only if it works (spec 09 §5.3). Resolves with
 * whether one was set up before.
 */
export async function setUpSecrets(options: SetUpOptions): Promise<{ readonly wasSetUp: boolean }> {
  const { type, execCommand } = options;
  const config = createConfigStore(options.paths);
  const before = await config.read();
  const exec = {
    ...before.secrets_exec,
    ...(execCommand === undefined ? {} : { command: [...execCommand] }),
  };
  const isEmpty = await within('provider validation failed', async () => {
    const store = await openProvider(type, { ...options, exec });
    if (type === 'exec') requireProgram(exec.command?.[0] ?? '', options.env);
    await validate(store);
    return type === 'encrypted' && (await store.list()).length === 0;
  });
  await config.update((current) => ({
    ...current,
    secrets: { ...current.secrets, provider_type: type, setup_completed: true },
    ...(type === 'exec' ? { secrets_exec: exec } : {}),
    // What comes into an empty store from now on has the names of today: a user's must not be taken for old ones.
    ...(isEmpty ? { secret_scope_migration: true } : {}),
  }));
  return { wasSetUp: before.secrets.setup_completed };
}

function requireProgram(program: string, env: OpenSecretsOptions['env']): void {
  if (Bun.which(program, { PATH: env['PATH'] ?? '' }) !== null) return;
  throw new ThvError('ERR_INPUT_INVALID', { reason: `there is no program ${program}` });
}

/** A command of the user's is not run: whatever name we asked it for could be one that it knows. */
async function validate(store: SecretsStore): Promise<void> {
  switch (store.type) {
    case 'encrypted':
      return validateWriting(store);
    case '1password':
      await within('failed to connect to 1Password', () => store.list());
      return;
    case 'environment':
      return expectMissing(store, 'nonexistent-test-secret');
  }
}

async function validateWriting(store: SecretsStore): Promise<void> {
  const [name, value] = ['setup-validation-test', 'test-value'];
  await within('failed to write test secret', () => store.set(name, value));
  const seen = await within('failed to read test secret', () => store.get(name));
  await within('failed to delete test secret', () => store.delete(name));
  if (seen !== value)
    throw new ThvError('ERR_SECRETS_PROVIDER_FAILED', {
      provider: store.type,
      reason: 'another value was read than was written',
    });
}

async function expectMissing(store: SecretsStore, name: string): Promise<void> {
  try {
    await store.get(name);
  } catch (error) {
    if (hasCode(error, 'ERR_SECRET_NOT_FOUND')) return;
    throw error;
  }
}
