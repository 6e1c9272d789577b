import * as v from 'valibot';
import { createCommand, GroupNames } from '../cli/index.ts';
import { completeClient, describeClients, warnOfDiscontinued } from './client-settings.ts';
import { confirm } from './progress.ts';

export const clientRemove = createCommand({
  usage: 'CLIENT [flags]',
  long: `Remove an MCP client: servers that were written into its settings are taken out again.

Without --group it is removed everywhere. Valid clients:
${describeClients()}`,
  examples: `
  thv client remove cursor
  thv client remove claude-code --group dev`,
  flags: {
    group: {
      kind: 'strings',
      help: 'Groups whose servers the client is no longer to see (default all)',
      checkedFirst: true,
      schema: v.optional(GroupNames, []),
    },
  },
  positionals: { exactly: 1 },
  complete: completeClient,
  async run({ options, words, terminal, openWorkloads }) {
    const groups = options.group.length === 0 ? undefined : options.group;
    await (await openWorkloads()).removeClients(words, groups);
    warnOfDiscontinued(words, terminal);
    confirm(terminal, `removed: ${words.join(', ')}`);
  },
});
