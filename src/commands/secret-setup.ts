import { createCommand, type Invocation } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { PROVIDER_TYPES, type ProviderType, setUpSecrets } from '../secrets/index.ts';
import { secretsOptions, withAdvice } from './secret-store.ts';

/** From a pipe; a person may go on. */
const LARGEST_ATTEMPTS = 3;

const BANNER = `ToolHive Secrets Setup
======================

Choose where your secrets are kept:
  encrypted     a file on this machine; its password is kept in the OS keyring
  1password     1Password, with a service account; read-only
  environment   variables TOOLHIVE_SECRET_<name>; read-only
  exec          a command of yours that prints one secret; read-only

`;

const NOTES: Readonly<Record<ProviderType, string>> = {
  encrypted: 'Secrets are encrypted with a password, which is kept in the OS keyring.',
  '1password': 'OP_SERVICE_ACCOUNT_TOKEN must be set whenever secrets are read.',
  environment: 'The secret NAME is read from the variable TOOLHIVE_SECRET_NAME.',
  exec: 'The command is started without a shell whenever a secret is read.',
};

export const secretSetup = createCommand({
  usage: '[flags]',
  long: 'Set up the secrets provider. Asks which, tries it, and uses it from now on.',
  examples: `
  thv secret setup
  printf 'encrypted\\nPASSWORD\\n' | thv secret setup`,
  flags: {},
  positionals: 'none',
  async run(invocation) {
    const { terminal } = invocation;
    terminal.out(BANNER);
    const type = await askProvider(invocation);
    terminal.out(`\nYou selected: ${type}\n${NOTES[type]}\n`);
    const execCommand = type === 'exec' ? await askCommand(invocation) : undefined;
    terminal.out('Validating provider setup...\n');
    await withAdvice(terminal, async () =>
      setUpSecrets({ ...(await secretsOptions(invocation)), type, execCommand }),
    );
    terminal.out(`✓ Secrets provider '${type}' has been successfully configured!\n`);
  },
});

async function askProvider(invocation: Invocation): Promise<ProviderType> {
  const { terminal } = invocation;
  for (let attempt = 1; ; attempt++) {
    const answer = await ask(invocation, `Enter provider (${PROVIDER_TYPES.join('/')}): `);
    const type = PROVIDER_TYPES.find((known) => known === answer);
    if (type !== undefined) return type;
    const invalid = "Invalid provider. Please enter 'encrypted', '1password', 'environment', or 'exec'.";
    if (!terminal.stdinIsTty && attempt === LARGEST_ATTEMPTS)
      throw new ThvError('ERR_INPUT_INVALID', { reason: invalid });
    terminal.out(`${invalid}\n`);
  }
}

/** Splits at blanks. Users who need quotes pass the arguments to `thv secret provider exec -- …` instead. */
async function askCommand(invocation: Invocation): Promise<readonly string[]> {
  const line = await ask(invocation, 'Enter the command, with {name} for the name of the secret: ');
  if (/["'\\]/.test(line))
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `quotes and backslashes mean nothing here: ${line}` },
      { hint: 'thv secret provider exec -- COMMAND ARGS... takes arguments as your shell hands them over' },
    );
  return line.split(/\s+/).filter((word) => word !== '');
}

async function ask({ input, signal, terminal }: Invocation, question: string): Promise<string> {
  terminal.out(question);
  const line = await input.readLine({ signal });
  if (line === undefined) throw new ThvError('ERR_INPUT_INVALID', { reason: 'failed to read input: EOF' });
  return line.trim();
}
