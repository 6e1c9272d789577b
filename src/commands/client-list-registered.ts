import { createCommand, formatFlag, printJson, renderBoxedTable } from '../cli/index.ts';
import { openClientSettings } from './client-settings.ts';

export const clientListRegistered = createCommand({
  usage: '[flags]',
  long: 'List the MCP clients that are registered, with the groups whose servers they see.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run(invocation) {
    const { options, terminal } = invocation;
    const registered = await (await openClientSettings(invocation)).registrations();
    if (options.format === 'json') {
      printJson(
        terminal,
        registered.map(({ id, groups }) => ({ name: id, groups })),
      );
      return;
    }
    if (registered.length === 0) {
      terminal.out('No clients are currently registered.\n');
      return;
    }
    const hasGroups = registered.some(({ groups }) => groups.length > 0);
    terminal.out(
      renderBoxedTable([
        ['CLIENT TYPE', ...(hasGroups ? ['GROUPS'] : [])],
        ...registered.map(({ id, groups }) => [id, ...(hasGroups ? [groups.join(', ')] : [])]),
      ]),
    );
  },
});
