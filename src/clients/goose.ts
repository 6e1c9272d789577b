import { existsSync } from 'node:fs';
import { win32 } from 'node:path';
import type { Client, Places } from './types.ts';

/** Goose wants more of a server than its URL, and looks elsewhere on Windows than the reference writes. */
export const goose: Client = {
  id: 'goose',
  displayName: 'Goose AI agent',
  settingsFile,
  format: 'yaml-map',
  section: 'extensions',
  speaks: ['streamable-http', 'sse'],
  entry: ({ name, url, endpoint }) => ({
    name,
    uri: url,
    type: endpoint === 'sse' ? 'sse' : 'streamable_http',
    enabled: true,
    timeout: 60,
    description: '',
  }),
  urlKeys: ['uri'],
  installedWhen: 'folder',
  supportsSkills: true,
  supportsPlugins: false,
};

/** Goose itself reads `%APPDATA%\Block\goose\config\config.yaml`; that one is used where its folder exists (spec 09 §10.19). */
function settingsFile({ platform, env, home, settings }: Places): string {
  if (platform !== 'win32') return home('.config', 'goose', 'config.yaml');
  const appData = env['APPDATA'] || settings();
  const own = win32.join(appData, 'Block', 'goose', 'config');
  return existsSync(own) ? win32.join(own, 'config.yaml') : home('AppData', 'Block', 'goose', 'config.yaml');
}
