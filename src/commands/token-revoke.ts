import { createCommand } from '../cli/index.ts';
import { createTokenStore } from '../tokens/index.ts';
import { confirm } from './progress.ts';

export const tokenRevoke = createCommand({
  usage: 'NAME',
  long: `Take an access token back. It is refused from the next request on, and open event streams of those who
brought it end within a second or two.`,
  flags: {},
  positionals: { exactly: 1 },
  async run({ words: [name = ''], terminal, findPaths }) {
    await createTokenStore((await findPaths()).state).revoke(name);
    confirm(terminal, `revoked: ${name}`);
  },
});
