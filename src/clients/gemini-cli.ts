import type { Client } from './types.ts';

/** Gemini tells the two transports apart by the key of the URL. */
export const geminiCli: Client = {
  id: 'gemini-cli',
  displayName: 'Google Gemini CLI',
  settingsFile: ({ home }) => home('.gemini', 'settings.json'),
  format: 'json',
  section: 'mcpServers',
  entry: ({ url, endpoint }) => ({ [endpoint === 'sse' ? 'url' : 'httpUrl']: url }),
  urlKeys: ['httpUrl', 'url'],
  installedWhen: 'folder',
  supportsSkills: true,
  supportsPlugins: false,
};
