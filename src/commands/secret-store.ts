import type { Invocation } from '../cli/index.ts';
import { hasCode, within } from '../errors/index.ts';
import { openSecretsStore, type SecretsStore } from '../secrets/index.ts';

type Needed = Pick<Invocation, 'env' | 'findPaths' | 'input' | 'openLog' | 'signal' | 'terminal'>;

/** Opens the configured store for a command, which may ask a person at the terminal for the password. */
export async function openSecrets(invocation: Needed): Promise<SecretsStore> {
  return withAdvice(invocation.terminal, async () =>
    within('failed to create secrets manager', async () =>
      openSecretsStore(await secretsOptions(invocation)),
    ),
  );
}

/** What the functions of the secrets room ask for. */
export async function secretsOptions(invocation: Needed) {
  const { env, findPaths, openLog, signal } = invocation;
  return {
    paths: await findPaths(),
    env,
    logger: await openLog(),
    signal,
    askPassword: () => askPassword(invocation),
  };
}

/** Typed without being shown, or the next line of what is piped in. */
async function askPassword({ input, signal, terminal }: Needed): Promise<string> {
  // A value that is printed to a file or a variable must not have the question in front of it.
  const say = terminal.stdoutIsTty ? terminal.out : terminal.err;
  say(`ToolHive keeps your secrets encrypted with a password.
It is stored in the OS keyring, so you will not need to enter it each time.
`);
  const ask = () => void say('Please enter your keyring password: ');
  const password = await input.readHidden({ signal, ask });
  say('\n');
  return password ?? '';
}

/** Tells what to do about a secrets file that the password does not open (spec 01 §8). */
export async function withAdvice<T>(
  terminal: Pick<Invocation['terminal'], 'err'>,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (hasCode(error, 'ERR_SECRETS_FILE_INVALID'))
      terminal.err(
        `Secrets file decryption failed: ${error.facts.path}
  The password in the OS keyring (or in TOOLHIVE_SECRETS_PASSWORD, or the one just typed) is not the one it was written with,
  or the file was damaged.
  - File damaged: put back a copy of it, or move it away and set the secrets again.
  - Wrong password in the keyring: run 'thv secret reset-keyring', then give the right one when asked.
  - Password lost: move the file away, run 'thv secret reset-keyring', and set the secrets again.
`,
      );
    throw error;
  }
}

/** The prefix of the command's errors, except where the provider cannot do it at all (spec 09 §5.8). */
export async function naming<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (hasCode(error, 'ERR_SECRETS_UNSUPPORTED')) throw error;
    return within(what, () => Promise.reject(error));
  }
}

/** Says on stderr which workloads keep the value that they were started with. */
export async function warnOfUsers(
  { openWorkloads, terminal }: Pick<Invocation, 'openWorkloads' | 'terminal'>,
  secret: string,
): Promise<void> {
  const users = await (await openWorkloads()).usersOfSecret(secret);
  if (users.length === 0) return;
  terminal.err(
    `\nWarning: The following MCP servers use this secret and may need to be restarted:\n${users.map((name) => `  - ${name}\n`).join('')}`,
  );
}
