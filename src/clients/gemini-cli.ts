import type { Client } from './types.ts';

/**
 * Gemini has a key of its own for streamable HTTP. Under `url` it expects the type: without one, versions of 2026 take the
 * URL for streamable HTTP (read in 0.61.0).
 */
export const geminiCli: Client = {
  id: 'gemini-cli',
  displayName: 'Google Gemini CLI',
  settingsFile: ({ home }) => home('.gemini', 'settings.json'),
  format: 'json',
  section: 'mcpServers',
  speaks: ['streamable-http', 'sse'],
  entry: ({ url, endpoint }) => (endpoint === 'sse' ? { url, type: 'sse' } : { httpUrl: url }),
  urlKeys: ['httpUrl', 'url'],
  installedWhen: 'folder',
  supportsSkills: true,
  supportsPlugins: false,
};

/** Grown out of Gemini's; `url` alone is SSE to it, and the type does no harm (read in 0.24.4). */
export const qwenCode: Client = {
  ...geminiCli,
  id: 'qwen-code',
  displayName: 'Qwen Code CLI',
  settingsFile: ({ home }) => home('.qwen', 'settings.json'),
};
