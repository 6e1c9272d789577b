import { createCommand, formatFlag, printJson, renderBoxedTable } from '../cli/index.ts';
import { openClientSettings } from './client-settings.ts';

export const clientStatus = createCommand({
  usage: '[flags]',
  long: 'Show which of the supported MCP clients are installed and which are registered.',
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: 'none',
  async run(invocation) {
    const { options, terminal } = invocation;
    const clients = await (await openClientSettings(invocation)).detect();
    if (options.format === 'json') {
      printJson(
        terminal,
        clients.map((client) => ({
          client_type: client.id,
          installed: client.installed,
          registered: client.registered,
          supports_skills: client.supportsSkills,
          supports_plugins: client.supportsPlugins,
        })),
      );
      return;
    }
    const mark = (is: boolean) => (is ? '✅ Yes' : '❌ No');
    terminal.out(
      renderBoxedTable([
        ['CLIENT TYPE', 'INSTALLED', 'REGISTERED'],
        ...clients.map(({ id, installed, registered }) => [id, mark(installed), mark(registered)]),
      ]),
    );
  },
});
