import { createCommand } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import { userSecrets } from '../secrets/index.ts';
import { openSecrets } from './secret-store.ts';

export const secretGet = createCommand({
  usage: 'NAME [flags]',
  long: 'Print the value of a secret, followed by a newline.',
  flags: {},
  positionals: { exactly: 1 },
  async run(invocation) {
    const { signal, terminal, words } = invocation;
    const [name = ''] = words;
    const secrets = userSecrets(await openSecrets(invocation));
    terminal.out(`${await within(`failed to get secret ${name}`, () => secrets.get(name, { signal }))}\n`);
  },
});
