import { describe, expect, test } from 'bun:test';
import { placesOf } from './places.ts';
import { CLIENTS, getClient } from './table.ts';

/** `~` and `P` as in spec 09 §6.1; one path, or Windows apart. */
const FILES: Readonly<Record<string, string | readonly [elsewhere: string, windows: string]>> = {
  'amp-cli': ['~/.config/amp/settings.json', 'P/amp/settings.json'],
  antigravity: '~/.gemini/antigravity/mcp_config.json',
  'claude-code': '~/.claude.json',
  cline: 'P/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
  codex: '~/.codex/config.toml',
  continue: '~/.continue/config.yaml',
  'copilot-cli': '~/.copilot/mcp-config.json',
  cursor: '~/.cursor/mcp.json',
  factory: '~/.factory/mcp.json',
  'gemini-cli': '~/.gemini/settings.json',
  goose: ['~/.config/goose/config.yaml', '~/AppData/Block/goose/config.yaml'],
  'kimi-cli': '~/.kimi/mcp.json',
  kiro: '~/.kiro/settings/mcp.json',
  'lm-studio': '~/.lmstudio/mcp.json',
  'mistral-vibe': '~/.vibe/config.toml',
  opencode: '~/.config/opencode/opencode.json',
  qoder: ['~/.qoder/mcp.json', 'P/Qoder/SharedClientCache/mcp.json'],
  'roo-code': 'P/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json',
  trae: 'P/Trae/User/mcp.json',
  vscode: 'P/Code/User/mcp.json',
  'vscode-insider': 'P/Code - Insiders/User/mcp.json',
  'vscode-server': '~/.vscode-server/data/User/mcp.json',
  windsurf: '~/.codeium/windsurf/mcp_config.json',
  'windsurf-jetbrains': '~/.codeium/mcp_config.json',
  zed: ['~/.config/zed/settings.json', 'P/zed/settings.json'],
};

/** Entry for streamable HTTP, and for SSE where it differs by more than the URL's own key. */
const ENTRIES: Readonly<Record<string, readonly [http: object, sse: object]>> = {
  'amp-cli': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  antigravity: [{ serverUrl: 'H' }, { serverUrl: 'S' }],
  'claude-code': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  cline: [
    { url: 'H', type: 'streamableHttp' },
    { url: 'S', type: 'sse' },
  ],
  codex: [{ url: 'H' }, { url: 'S' }],
  continue: [
    { name: 'fetch', url: 'H', type: 'streamable-http' },
    { name: 'fetch', url: 'S', type: 'sse' },
  ],
  'copilot-cli': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  cursor: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  factory: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'gemini-cli': [{ httpUrl: 'H' }, { url: 'S' }],
  goose: [
    { name: 'fetch', uri: 'H', type: 'streamable_http', enabled: true, timeout: 60, description: '' },
    { name: 'fetch', uri: 'S', type: 'sse', enabled: true, timeout: 60, description: '' },
  ],
  'kimi-cli': [{ url: 'H' }, { url: 'S' }],
  kiro: [{ url: 'H' }, { url: 'S' }],
  'lm-studio': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'mistral-vibe': [
    { name: 'fetch', url: 'H', transport: 'streamable-http' },
    { name: 'fetch', url: 'S', transport: 'http' },
  ],
  opencode: [
    { url: 'H', type: 'remote' },
    { url: 'S', type: 'remote' },
  ],
  qoder: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'roo-code': [
    { url: 'H', type: 'streamable-http' },
    { url: 'S', type: 'sse' },
  ],
  trae: [{ url: 'H' }, { url: 'S' }],
  vscode: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'vscode-insider': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'vscode-server': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  windsurf: [
    { serverUrl: 'H', type: 'http' },
    { serverUrl: 'S', type: 'sse' },
  ],
  'windsurf-jetbrains': [
    { serverUrl: 'H', type: 'http' },
    { serverUrl: 'S', type: 'sse' },
  ],
  zed: [{ url: 'H' }, { url: 'S' }],
};

const SECTIONS: Readonly<Record<string, string>> = {
  'amp-cli': 'amp.mcpServers',
  codex: 'mcp_servers',
  goose: 'extensions',
  'mistral-vibe': 'mcp_servers',
  opencode: 'mcp',
  vscode: 'servers',
  'vscode-insider': 'servers',
  'vscode-server': 'servers',
  zed: 'context_servers',
};

const NO_SKILLS = ['continue', 'copilot-cli', 'lm-studio', 'vscode-server', 'windsurf-jetbrains', 'zed'];

test('there are 25 clients, sorted', () => {
  expect(CLIENTS.map(({ id }) => id)).toEqual(Object.keys(FILES).sort());
  expect(CLIENTS).toHaveLength(25);
});

const SYSTEMS = [
  ['linux', '/home/u', '/home/u/.config'],
  ['darwin', '/Users/u', '/Users/u/Library/Application Support'],
  ['win32', 'C:\\Users\\u', 'C:\\Users\\u\\AppData\\Roaming'],
] as const;

describe.each(SYSTEMS)('on %s', (platform, homeFolder, settings) => {
  const places = placesOf({ platform, env: {}, homeFolder });
  test.each(Object.entries(FILES))('%s has its settings where its makers say', (id, file) => {
    const spelled = typeof file === 'string' ? file : platform === 'win32' ? file[1] : file[0];
    const path = spelled.replace(/^P/, settings).replace(/^~/, homeFolder);
    expect(getClient(id).settingsFile(places)).toBe(platform === 'win32' ? path.replaceAll('/', '\\') : path);
  });
});

test.each(Object.entries(ENTRIES))('%s is told the kind of endpoint that is served', (id, [http, sse]) => {
  const client = getClient(id);
  const server = { name: 'fetch' };
  expect(client.entry({ ...server, url: 'H', endpoint: 'streamable-http' })).toEqual(http as never);
  expect(client.entry({ ...server, url: 'S', endpoint: 'sse' })).toEqual(sse as never);
});

test('sections and abilities are those of the chapter', () => {
  for (const { id, section, supportsSkills, supportsPlugins } of CLIENTS) {
    expect([id, section]).toEqual([id, SECTIONS[id] ?? 'mcpServers']);
    expect([id, supportsSkills]).toEqual([id, !NO_SKILLS.includes(id)]);
    expect([id, supportsPlugins]).toEqual([id, id === 'claude-code' || id === 'codex']);
  }
});
