import { createCommand, type Invocation } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { userSecrets } from '../secrets/index.ts';
import { naming, openSecrets, warnOfUsers } from './secret-store.ts';

export const secretSet = createCommand({
  usage: 'NAME [flags]',
  long: `Set a secret, or replace it.

On a terminal the value is asked for and not shown. Otherwise all of stdin is the value, less one newline at its end.`,
  examples: `
  thv secret set github-token
  printf %s "$TOKEN" | thv secret set github-token`,
  flags: {},
  positionals: { exactly: 1 },
  async run(invocation) {
    const [name = ''] = invocation.words;
    const value = await readValue(invocation);
    if (value === '')
      throw new ThvError('ERR_INPUT_INVALID', { reason: 'validation error: secret value cannot be empty' });
    const secrets = userSecrets(await openSecrets(invocation));
    await naming(`failed to set secret ${name}`, () => secrets.set(name, value));
    await warnOfUsers(invocation, name);
  },
});

async function readValue({ input, signal, terminal }: Invocation): Promise<string> {
  if (!terminal.stdinIsTty) return (await input.readAll({ signal })).replace(/\n$/, '');
  const value = await input.readHidden({
    signal,
    ask: () => terminal.out('Enter secret value (input will be hidden): '),
  });
  terminal.out('\n');
  return value ?? '';
}
