import * as v from 'valibot';
import { createCommand, GroupNames } from '../cli/index.ts';
import {
  completeClient,
  describeClients,
  tellOfTokens,
  tellRegistered,
  warnOfDiscontinued,
} from './client-settings.ts';
import { confirm } from './progress.ts';

export const clientRegister = createCommand({
  usage: 'CLIENT [flags]',
  long: `Register an MCP client: the servers of its groups are written into its settings while they run.

Valid clients:
${describeClients()}`,
  examples: `
  thv client register cursor
  thv client register claude-code --group dev --group web`,
  flags: {
    group: {
      kind: 'strings',
      help: 'Groups whose servers the client is to see',
      checkedFirst: true,
      schema: v.optional(GroupNames, ['default']),
    },
  },
  positionals: { exactly: 1 },
  complete: completeClient,
  async run({ options, words, signal, terminal, openWorkloads }) {
    const manager = await openWorkloads();
    const outcomes = await manager.registerClients(words, options.group, { signal });
    warnOfDiscontinued(words, terminal);
    tellRegistered(outcomes, terminal);
    await tellOfTokens(manager, options.group, terminal);
    confirm(terminal, `registered: ${words.join(', ')}`);
  },
});
