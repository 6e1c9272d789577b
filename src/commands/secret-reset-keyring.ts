import { createCommand } from '../cli/index.ts';
import { resetKeyring } from '../secrets/index.ts';

export const secretResetKeyring = createCommand({
  usage: '[flags]',
  long: `Forget the password of the encrypted provider that is kept in the keyring. The secrets file stays as it is;
the password is asked for the next time that it is needed.`,
  flags: {},
  positionals: 'none',
  async run({ env, openLog }) {
    await resetKeyring({ env, logger: await openLog() });
  },
});
