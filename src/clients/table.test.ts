import { describe, expect, test } from 'bun:test';
import { placesOf } from './places.ts';
import { CLIENTS, getClient } from './table.ts';

/** `~` and `P` as in spec 09 §6.1; one path, or Windows apart. */
const FILES: Readonly<Record<string, string | readonly [elsewhere: string, windows: string]>> = {
  'amp-cli': ['~/.config/amp/settings.json', 'P/amp/settings.json'],
  'amazon-q': '~/.aws/amazonq/mcp.json',
  antigravity: '~/.gemini/antigravity/mcp_config.json',
  auggie: '~/.augment/settings.json',
  'claude-code': '~/.claude.json',
  'claude-desktop': 'P/Claude/claude_desktop_config.json',
  cline: 'P/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
  'cline-cli': '~/.cline/data/settings/cline_mcp_settings.json',
  codex: '~/.codex/config.toml',
  continue: '~/.continue/config.yaml',
  'copilot-cli': '~/.copilot/mcp-config.json',
  'copilot-jetbrains': [
    '~/.config/github-copilot/intellij/mcp.json',
    '~/AppData/Local/github-copilot/intellij/mcp.json',
  ],
  crush: ['~/.config/crush/crush.json', '~/AppData/Local/crush/crush.json'],
  cursor: '~/.cursor/mcp.json',
  factory: '~/.factory/mcp.json',
  'gemini-cli': '~/.gemini/settings.json',
  goose: ['~/.config/goose/config.yaml', '~/AppData/Block/goose/config.yaml'],
  junie: '~/.junie/mcp/mcp.json',
  kilo: '~/.config/kilo/kilo.jsonc',
  'kimi-cli': '~/.kimi/mcp.json',
  'kimi-code': '~/.kimi-code/mcp.json',
  kiro: '~/.kiro/settings/mcp.json',
  'lm-studio': '~/.lmstudio/mcp.json',
  'mistral-vibe': '~/.vibe/config.toml',
  opencode: '~/.config/opencode/opencode.json',
  qoder: ['~/.qoder/mcp.json', 'P/Qoder/SharedClientCache/mcp.json'],
  'qoder-cli': '~/.qoder/settings.json',
  'qwen-code': '~/.qwen/settings.json',
  'roo-code': 'P/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json',
  trae: 'P/Trae/User/mcp.json',
  vscode: 'P/Code/User/mcp.json',
  'vscode-insider': 'P/Code - Insiders/User/mcp.json',
  'vscode-server': '~/.vscode-server/data/User/mcp.json',
  warp: '~/.warp/.mcp.json',
  windsurf: '~/.codeium/windsurf/mcp_config.json',
  'windsurf-jetbrains': '~/.codeium/mcp_config.json',
  zed: ['~/.config/zed/settings.json', 'P/zed/settings.json'],
};

/** Entry for streamable HTTP, and for SSE where the client speaks it. */
const ENTRIES: Readonly<Record<string, readonly [http: object, sse?: object]>> = {
  'amp-cli': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'amazon-q': [{ url: 'H', type: 'http' }],
  antigravity: [{ serverUrl: 'H' }, { serverUrl: 'S' }],
  auggie: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'claude-code': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  cline: [
    { url: 'H', type: 'streamableHttp' },
    { url: 'S', type: 'sse' },
  ],
  'cline-cli': [
    { url: 'H', type: 'streamableHttp' },
    { url: 'S', type: 'sse' },
  ],
  codex: [{ url: 'H' }],
  continue: [
    { name: 'fetch', url: 'H', type: 'streamable-http' },
    { name: 'fetch', url: 'S', type: 'sse' },
  ],
  'copilot-cli': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'copilot-jetbrains': [{ url: 'H' }, { url: 'S' }],
  crush: [
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
  'gemini-cli': [{ httpUrl: 'H' }, { url: 'S', type: 'sse' }],
  goose: [
    { name: 'fetch', uri: 'H', type: 'streamable_http', enabled: true, timeout: 60, description: '' },
    { name: 'fetch', uri: 'S', type: 'sse', enabled: true, timeout: 60, description: '' },
  ],
  junie: [{ url: 'H' }, { url: 'S' }],
  kilo: [
    { url: 'H', type: 'remote' },
    { url: 'S', type: 'remote' },
  ],
  'kimi-cli': [{ url: 'H' }, { url: 'S', transport: 'sse' }],
  'kimi-code': [
    { url: 'H', transport: 'http' },
    { url: 'S', transport: 'sse' },
  ],
  kiro: [{ url: 'H' }, { url: 'S' }],
  'lm-studio': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'mistral-vibe': [{ name: 'fetch', url: 'H', transport: 'streamable-http' }],
  opencode: [
    { url: 'H', type: 'remote' },
    { url: 'S', type: 'remote' },
  ],
  qoder: [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'qoder-cli': [
    { url: 'H', type: 'http' },
    { url: 'S', type: 'sse' },
  ],
  'qwen-code': [{ httpUrl: 'H' }, { url: 'S', type: 'sse' }],
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
  warp: [{ url: 'H' }, { url: 'S' }],
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
  'copilot-jetbrains': 'servers',
  crush: 'mcp',
  goose: 'extensions',
  kilo: 'mcp',
  'mistral-vibe': 'mcp_servers',
  opencode: 'mcp',
  vscode: 'servers',
  'vscode-insider': 'servers',
  'vscode-server': 'servers',
  zed: 'context_servers',
};

const NO_SKILLS = [
  ...['amazon-q', 'claude-desktop', 'continue', 'copilot-cli', 'copilot-jetbrains', 'lm-studio'],
  ...['vscode-server', 'windsurf-jetbrains', 'zed'],
];

test('there are 37 clients, sorted', () => {
  expect(CLIENTS.map(({ id }) => id)).toEqual(Object.keys(FILES).sort());
  expect(CLIENTS).toHaveLength(37);
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

const LINUX = placesOf({ platform: 'linux', env: {}, homeFolder: '/home/u' });

test.each(Object.entries(ENTRIES))('%s is told the kind of endpoint that is served', (id, [http, sse]) => {
  const client = getClient(id);
  const server = { name: 'fetch' };
  expect(client.entry({ ...server, url: 'H', endpoint: 'streamable-http' }, LINUX)).toEqual(http as never);
  expect(client.speaks).toEqual(sse === undefined ? ['streamable-http'] : ['streamable-http', 'sse']);
  if (sse !== undefined)
    expect(client.entry({ ...server, url: 'S', endpoint: 'sse' }, LINUX)).toEqual(sse as never);
});

test('every client but Claude Desktop, which knows no URLs, is in the table of entries', () => {
  expect([...Object.keys(ENTRIES), 'claude-desktop'].sort()).toEqual(CLIENTS.map(({ id }) => id));
});

test('Claude Desktop is given a program that leads to the workload, and what this program finds its folders and the engine by', () => {
  const { entry, startsOurs } = getClient('claude-desktop');
  const server = { name: 'fetch', url: 'H', endpoint: 'sse' } as const;
  const plain = entry(server, LINUX);
  expect(plain).toEqual({ command: expect.any(String), args: expect.any(Array) });
  expect((plain['args'] as string[]).slice(-3)).toEqual(['proxy', 'stdio', 'fetch']);
  expect(
    entry(server, {
      ...LINUX,
      env: { XDG_STATE_HOME: '/s', XDG_DATA_HOME: '', DOCKER_HOST: 'unix:///d', TOKEN: 'x' },
    }),
  ).toMatchObject({
    env: { XDG_STATE_HOME: '/s', DOCKER_HOST: 'unix:///d' },
  });
  expect(startsOurs?.(plain, 'fetch')).toBe(true);
  for (const args of [['proxy', 'stdio', 'other'], ['stdio', 'fetch'], [], 'fetch', undefined])
    expect(startsOurs?.({ command: 'thv', args }, 'fetch')).toBe(false);
});

test('sections and abilities are those of the chapter', () => {
  for (const { id, section, supportsSkills, supportsPlugins } of CLIENTS) {
    expect([id, section]).toEqual([id, SECTIONS[id] ?? 'mcpServers']);
    expect([id, supportsSkills]).toEqual([id, !NO_SKILLS.includes(id)]);
    expect([id, supportsPlugins]).toEqual([id, id === 'claude-code' || id === 'codex']);
  }
});
