import { selfCommand } from '../platform/index.ts';
import type { Client } from './types.ts';

/** Folders that this program looks up by these; a desktop application need not have them in its environment. */
const FOLDERS = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'] as const;

/**
 * The settings file of Claude Desktop knows no URLs: connectors with a URL belong to the account. It starts programs and
 * talks to their stdin and stdout, so it gets `thv proxy stdio NAME`.
 */
export const claudeDesktop: Client = {
  id: 'claude-desktop',
  displayName: 'Claude Desktop application',
  settingsFile: ({ settings }) => settings('Claude', 'claude_desktop_config.json'),
  format: 'json',
  section: 'mcpServers',
  speaks: ['streamable-http', 'sse'],
  entry({ name }, { env }) {
    const [command = '', ...words] = selfCommand();
    const folders = FOLDERS.flatMap((variable) => {
      const folder = env[variable];
      return folder === undefined || folder === '' ? [] : [[variable, folder] as const];
    });
    return {
      command,
      args: [...words, ...argumentsFor(name)],
      ...(folders.length > 0 ? { env: Object.fromEntries(folders) } : {}),
    };
  },
  urlKeys: [],
  startsOurs({ args }, name) {
    const wanted = argumentsFor(name);
    return Array.isArray(args) && wanted.every((word, index) => args.at(index - wanted.length) === word);
  },
  installedWhen: 'folder',
  supportsSkills: false,
  supportsPlugins: false,
};

function argumentsFor(name: string): readonly string[] {
  return ['proxy', 'stdio', name];
}
