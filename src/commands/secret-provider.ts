import { createCommand, type Suggestion } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { PROVIDER_TYPES, parseProviderType, setUpSecrets } from '../secrets/index.ts';
import { secretsOptions, withAdvice } from './secret-store.ts';

export const secretProvider = createCommand({
  usage: 'NAME [flags] [-- COMMAND ARGS...]',
  long: `Set up a secrets provider and use it from now on.

Providers:
  encrypted     a file on this machine; its password is kept in the OS keyring
  1password     1Password, with a service account (OP_SERVICE_ACCOUNT_TOKEN); read-only
  environment   variables TOOLHIVE_SECRET_<name>; read-only
  exec          a command of yours that prints one secret; read-only. It is started without a shell, {name} in one
                of its arguments stands for the name of the secret`,
  examples: `
  thv secret provider encrypted
  thv secret provider exec -- bw get password {name}`,
  flags: {},
  positionals: { exactly: 1 },
  serverArguments: true,
  complete: async ({ words }): Promise<readonly Suggestion[]> =>
    words.length > 0 ? [] : PROVIDER_TYPES.map((value) => ({ value })),
  async run(invocation) {
    const { serverArguments: command, terminal, words } = invocation;
    const type = parseProviderType(words[0] ?? '');
    if (type !== 'exec' && command.length > 0)
      throw new ThvError('ERR_USAGE', {
        reason: `the ${type} secrets provider takes no command: ${command.join(' ')}`,
      });
    const execCommand = command.length === 0 ? undefined : command;
    await withAdvice(terminal, async () =>
      setUpSecrets({ ...(await secretsOptions(invocation)), type, execCommand }),
    );
  },
});
