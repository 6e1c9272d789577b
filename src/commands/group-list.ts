import { createCommand, formatFlag, printJson } from '../cli/index.ts';
import { createGroupStore, ensureDefaultGroup } from '../groups/index.ts';

/** A group that another program makes for its own use. */
const HIDDEN = '__mcp-optimizer__';

export const groupList = createCommand({
  usage: '[flags]',
  long: 'List all groups.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run({ options, terminal, findPaths }) {
    const { state } = await findPaths();
    await ensureDefaultGroup(state);
    const names = (await createGroupStore(state).names()).filter((name) => name !== HIDDEN);
    if (options.format === 'json') {
      printJson(
        terminal,
        names.map((name) => ({ name })),
      );
    } else if (names.length === 0) {
      terminal.out('No groups configured.\n');
    } else {
      terminal.out(['NAME', ...names].map((line) => `${line}\n`).join(''));
    }
  },
});
