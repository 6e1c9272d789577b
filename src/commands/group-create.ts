import { createCommand } from '../cli/index.ts';
import { createGroupStore, ensureDefaultGroup } from '../groups/index.ts';
import { confirm } from './progress.ts';

export const groupCreate = createCommand({
  usage: 'NAME',
  long: 'Create a new group of MCP servers.',
  examples: `
  thv group create dev
  thv run IMAGE --group dev`,
  flags: {},
  positionals: { exactly: 1 },
  async run({ words: [name = ''], terminal, findPaths }) {
    const { state } = await findPaths();
    await ensureDefaultGroup(state);
    await createGroupStore(state).create(name);
    confirm(terminal, `created: ${name}`);
  },
});
