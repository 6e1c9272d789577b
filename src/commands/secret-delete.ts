import * as v from 'valibot';
import { createCommand } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { isReservedName, userSecrets } from '../secrets/index.ts';
import { naming, openSecrets, warnOfUsers } from './secret-store.ts';

export const secretDelete = createCommand({
  usage: 'NAME [flags]',
  long: `Delete a secret.

With --system one of the program's own, by the full name that 'thv secret list --system' shows.`,
  flags: {
    system: {
      kind: 'bool',
      help: 'Delete a secret that the program keeps for itself',
      schema: v.optional(v.boolean(), false),
    },
  },
  positionals: { exactly: 1 },
  async run(invocation) {
    const { options, words } = invocation;
    const [name = ''] = words;
    if (options.system && !isReservedName(name))
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `--system flag requires a system key (starting with "__thv_"); got ${JSON.stringify(name)}`,
      });
    const store = await openSecrets(invocation);
    const secrets = options.system ? store : userSecrets(store);
    if (!options.system && !isReservedName(name) && store.capabilities.canDelete)
      await warnOfUsers(invocation, name);
    await naming(`failed to delete secret ${name}`, () => secrets.delete(name));
  },
});
