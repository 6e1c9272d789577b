import { ThvError } from '../errors/index.ts';
import { similarNames } from '../platform/index.ts';
import { geminiCli } from './gemini-cli.ts';
import { goose } from './goose.ts';
import type { Client, Entry, FormatName, Places, Server } from './types.ts';

/** Words for the two endpoints under `key`. */
interface TypeKey {
  readonly key: string;
  readonly http: string;
  readonly sse: string;
}

/** What is particular to a client that writes a URL and perhaps a type. */
interface Row {
  readonly name: string;
  readonly file: (places: Places) => string;
  readonly format?: FormatName;
  readonly section?: string;
  readonly url?: string;
  readonly type?: TypeKey;
  /** Entries are elements of a list and carry their name. */
  readonly named?: boolean;
  readonly skills?: boolean;
  readonly plugins?: boolean;
  readonly installedWhen?: Client['installedWhen'];
  readonly discontinued?: string;
}

const HTTP: TypeKey = { key: 'type', http: 'http', sse: 'sse' };
const VS_CODE = { section: 'servers', type: HTTP };

/** Spec 09 §6.1, in the order of its table. */
const ROWS: Readonly<Record<string, Row>> = {
  'amp-cli': {
    name: 'Sourcegraph Amp CLI',
    file: ({ platform, home, settings }) =>
      platform === 'win32' ? settings('amp', 'settings.json') : home('.config', 'amp', 'settings.json'),
    section: 'amp.mcpServers',
    type: HTTP,
  },
  antigravity: {
    name: 'Google Antigravity IDE',
    file: ({ home }) => home('.gemini', 'antigravity', 'mcp_config.json'),
    url: 'serverUrl',
  },
  'claude-code': {
    name: 'Claude Code CLI',
    file: ({ home }) => home('.claude.json'),
    type: HTTP,
    plugins: true,
    installedWhen: 'file', // its folder is the home folder, which always exists
  },
  cline: {
    name: 'VS Code Cline extension',
    file: extensionFile('saoudrizwan.claude-dev', 'cline_mcp_settings.json'),
    type: { key: 'type', http: 'streamableHttp', sse: 'sse' },
  },
  codex: {
    name: 'OpenAI Codex CLI',
    file: ({ home }) => home('.codex', 'config.toml'),
    format: 'toml-table',
    section: 'mcp_servers',
    plugins: true,
  },
  continue: {
    name: 'Continue.dev IDE plugins',
    file: ({ home }) => home('.continue', 'config.yaml'),
    format: 'yaml-list',
    named: true,
    type: { key: 'type', http: 'streamable-http', sse: 'sse' },
    skills: false,
  },
  'copilot-cli': {
    name: 'GitHub Copilot CLI',
    file: ({ home }) => home('.copilot', 'mcp-config.json'),
    type: HTTP,
    skills: false,
  },
  cursor: { name: 'Cursor editor', file: ({ home }) => home('.cursor', 'mcp.json'), type: HTTP },
  factory: {
    name: 'Factory.ai Droid CLI',
    file: ({ home }) => home('.factory', 'mcp.json'),
    type: HTTP,
  },
  'kimi-cli': { name: 'Kimi Code CLI', file: ({ home }) => home('.kimi', 'mcp.json') },
  kiro: { name: 'Kiro AI IDE', file: ({ home }) => home('.kiro', 'settings', 'mcp.json') },
  'lm-studio': {
    name: 'LM Studio application',
    file: ({ home }) => home('.lmstudio', 'mcp.json'),
    type: HTTP,
    skills: false,
  },
  'mistral-vibe': {
    name: 'Mistral Vibe IDE',
    file: ({ home }) => home('.vibe', 'config.toml'),
    format: 'toml-array',
    section: 'mcp_servers',
    named: true,
    type: { key: 'transport', http: 'streamable-http', sse: 'http' },
  },
  opencode: {
    name: 'OpenCode editor',
    file: ({ home }) => home('.config', 'opencode', 'opencode.json'),
    section: 'mcp',
    type: { key: 'type', http: 'remote', sse: 'remote' },
  },
  qoder: {
    name: 'Qoder IDE',
    file: ({ platform, home, settings }) =>
      platform === 'win32' ? settings('Qoder', 'SharedClientCache', 'mcp.json') : home('.qoder', 'mcp.json'),
    type: HTTP,
  },
  'roo-code': {
    name: 'VS Code Roo Code extension',
    file: extensionFile('rooveterinaryinc.roo-cline', 'mcp_settings.json'),
    type: { key: 'type', http: 'streamable-http', sse: 'sse' },
    discontinued: "Roo Code is discontinued; Cline carries on: 'thv client register cline'",
  },
  trae: { name: 'Trae IDE', file: ({ settings }) => settings('Trae', 'User', 'mcp.json') },
  vscode: {
    name: 'Visual Studio Code',
    file: ({ settings }) => settings('Code', 'User', 'mcp.json'),
    ...VS_CODE,
  },
  'vscode-insider': {
    name: 'Visual Studio Code Insiders',
    file: ({ settings }) => settings('Code - Insiders', 'User', 'mcp.json'),
    ...VS_CODE,
  },
  'vscode-server': {
    name: "Microsoft's VS Code Server (remote development)",
    file: ({ home }) => home('.vscode-server', 'data', 'User', 'mcp.json'),
    ...VS_CODE,
    skills: false,
  },
  windsurf: {
    name: 'Windsurf IDE',
    file: ({ home }) => home('.codeium', 'windsurf', 'mcp_config.json'),
    url: 'serverUrl',
    type: HTTP,
  },
  'windsurf-jetbrains': {
    name: 'Windsurf plugin for JetBrains IDEs',
    file: ({ home }) => home('.codeium', 'mcp_config.json'),
    url: 'serverUrl',
    type: HTTP,
    skills: false,
  },
  zed: {
    name: 'Zed editor',
    file: ({ platform, home, settings }) =>
      platform === 'win32' ? settings('zed', 'settings.json') : home('.config', 'zed', 'settings.json'),
    section: 'context_servers',
    skills: false,
  },
};

/** All clients, sorted by id. */
export const CLIENTS: readonly Client[] = [
  geminiCli,
  goose,
  ...Object.entries(ROWS).map(([id, row]) => clientOf(id, row)),
].sort((one, other) => (one.id < other.id ? -1 : 1));

/** Ids and names of all clients, as help shows them. */
export const CLIENT_IDS: readonly (readonly [id: string, name: string])[] = CLIENTS.map(
  ({ id, displayName, discontinued }) => [
    id,
    discontinued === undefined ? displayName : `${displayName} (deprecated)`,
  ],
);

/** Throws `ERR_CLIENT_INVALID` naming all valid ones. */
export function getClient(id: string): Client {
  const client = CLIENTS.find((candidate) => candidate.id === id);
  if (client === undefined) {
    const valid = CLIENTS.map((known) => known.id);
    const meant = similarNames(id, valid);
    throw new ThvError(
      'ERR_CLIENT_INVALID',
      { client: id, valid },
      meant.length === 0 ? {} : { hint: `did you mean ${meant.join(' or ')}?` },
    );
  }
  return client;
}

/** What to tell whoever still uses a client that its makers have given up. */
export function discontinuationOf(id: string): string | undefined {
  return CLIENTS.find((client) => client.id === id)?.discontinued;
}

function clientOf(id: string, row: Row): Client {
  const { url = 'url', type, named = false } = row;
  return {
    id,
    displayName: row.name,
    settingsFile: row.file,
    format: row.format ?? 'json',
    section: row.section ?? 'mcpServers',
    // In the order of spec 09 §6.3.
    entry: ({ name, url: value, endpoint }: Server): Entry => ({
      ...(named ? { name } : {}),
      [url]: value,
      ...(type === undefined ? {} : { [type.key]: endpoint === 'sse' ? type.sse : type.http }),
    }),
    urlKeys: [url],
    installedWhen: row.installedWhen ?? 'folder',
    supportsSkills: row.skills ?? true,
    supportsPlugins: row.plugins ?? false,
    ...(row.discontinued === undefined ? {} : { discontinued: row.discontinued }),
  };
}

/** Where extensions of Visual Studio Code keep their own files. */
function extensionFile(extension: string, file: string): (places: Places) => string {
  return ({ settings }) => settings('Code', 'User', 'globalStorage', extension, 'settings', file);
}
