import { existsSync } from 'node:fs';
import type { Client, FormatName, Places } from './types.ts';

/** Words for the two endpoints under `key`. */
interface TypeKey {
  readonly key: string;
  /** Absent where the client assumes this endpoint. */
  readonly http?: string;
  /** Likewise. */
  readonly sse?: string;
}

/** What is particular to a client that writes a URL and perhaps a type. */
export interface Row {
  readonly name: string;
  /** Version of the client's package whose code was read for this row. */
  readonly seen?: string;
  /** Without a package to read: the month in which its makers' pages and settings that users publish were compared with this row. */
  readonly compared?: string;
  readonly file: (places: Places) => string;
  readonly otherFiles?: Client['otherFiles'];
  readonly format?: FormatName;
  readonly section?: string;
  readonly url?: string;
  readonly type?: TypeKey;
  /** False for clients that connect to streamable HTTP alone. */
  readonly speaksSse?: boolean;
  readonly emptyFile?: string;
  /** Entries are elements of a list and carry their name. */
  readonly named?: boolean;
  readonly skills?: boolean;
  readonly plugins?: boolean;
  readonly installedWhen?: Client['installedWhen'];
  readonly discontinued?: string;
}

const HTTP: TypeKey = { key: 'type', http: 'http', sse: 'sse' };
/** Both transports are tried. */
const REMOTE: TypeKey = { key: 'type', http: 'remote', sse: 'remote' };
const VS_CODE = { section: 'servers', type: HTTP };

/** The clients of spec 09 §6.1 and more, by id. Those with a version were read in that version of their package. */
export const ROWS: Readonly<Record<string, Row>> = {
  'amp-cli': {
    name: 'Sourcegraph Amp CLI',
    seen: '0.0.1790142911',
    file: ({ platform, home, settings }) =>
      platform === 'win32' ? settings('amp', 'settings.json') : home('.config', 'amp', 'settings.json'),
    section: 'amp.mcpServers',
    type: HTTP,
  },
  'amazon-q': {
    name: 'Amazon Q Developer CLI',
    compared: '2026-12',
    file: ({ home }) => home('.aws', 'amazonq', 'mcp.json'),
    type: { key: 'type', http: 'http' },
    speaksSse: false,
    skills: false,
  },
  antigravity: {
    name: 'Google Antigravity IDE',
    compared: '2026-12',
    // From version 2 on the IDE and the CLI share a folder, which they create.
    file: ({ home }) =>
      existing(home('.gemini', 'config')) === undefined
        ? home('.gemini', 'antigravity', 'mcp_config.json')
        : home('.gemini', 'config', 'mcp_config.json'),
    otherFiles: ({ home }) => [
      home('.gemini', 'antigravity', 'mcp_config.json'),
      home('.gemini', 'config', 'mcp_config.json'),
    ],
    url: 'serverUrl',
  },
  auggie: {
    name: 'Augment Auggie CLI',
    seen: '0.36.0',
    file: ({ home }) => home('.augment', 'settings.json'),
    type: HTTP,
  },
  'claude-code': {
    name: 'Claude Code CLI',
    seen: '2.1.332',
    file: ({ home }) => home('.claude.json'),
    type: HTTP,
    plugins: true,
    installedWhen: 'file', // its folder is the home folder, which always exists
  },
  cline: {
    name: 'VS Code Cline extension',
    compared: '2026-12',
    file: extensionFile('saoudrizwan.claude-dev', 'cline_mcp_settings.json'),
    type: { key: 'type', http: 'streamableHttp', sse: 'sse' },
  },
  'cline-cli': {
    name: 'Cline CLI',
    seen: '3.0.65',
    file: ({ home }) => home('.cline', 'data', 'settings', 'cline_mcp_settings.json'),
    type: { key: 'type', http: 'streamableHttp', sse: 'sse' },
  },
  codex: {
    name: 'OpenAI Codex CLI',
    seen: '0.171.0',
    file: ({ home }) => home('.codex', 'config.toml'),
    format: 'toml-table',
    section: 'mcp_servers',
    speaksSse: false,
    plugins: true,
  },
  continue: {
    name: 'Continue.dev IDE plugins and CLI',
    seen: '1.5.47',
    file: ({ home }) => home('.continue', 'config.yaml'),
    format: 'yaml-list',
    named: true,
    type: { key: 'type', http: 'streamable-http', sse: 'sse' },
    // Without these three the whole file is refused.
    emptyFile: 'name: Local Assistant\nversion: 1.0.0\nschema: v1\n',
    skills: false,
  },
  'copilot-cli': {
    name: 'GitHub Copilot CLI',
    seen: '1.0.102',
    file: ({ home }) => home('.copilot', 'mcp-config.json'),
    type: HTTP,
    skills: false,
  },
  'copilot-jetbrains': {
    name: 'GitHub Copilot plugin for JetBrains IDEs',
    compared: '2026-12',
    file: ({ platform, home }) =>
      platform === 'win32'
        ? home('AppData', 'Local', 'github-copilot', 'intellij', 'mcp.json')
        : home('.config', 'github-copilot', 'intellij', 'mcp.json'),
    section: 'servers',
    skills: false,
  },
  crush: {
    name: 'Charm Crush CLI',
    compared: '2026-12',
    file: ({ platform, home }) =>
      platform === 'win32'
        ? home('AppData', 'Local', 'crush', 'crush.json')
        : home('.config', 'crush', 'crush.json'),
    section: 'mcp',
    type: HTTP,
  },
  cursor: {
    name: 'Cursor editor',
    compared: '2026-12',
    file: ({ home }) => home('.cursor', 'mcp.json'),
    type: HTTP,
  },
  factory: {
    name: 'Factory.ai Droid CLI',
    seen: '0.215.0',
    file: ({ home }) => home('.factory', 'mcp.json'),
    type: HTTP,
  },
  junie: {
    name: 'JetBrains Junie',
    compared: '2026-12',
    file: ({ home }) => home('.junie', 'mcp', 'mcp.json'),
  },
  kilo: {
    name: 'Kilo Code CLI and extension',
    compared: '2026-12',
    file: ({ home }) =>
      existing(home('.config', 'kilo', 'kilo.json')) ?? home('.config', 'kilo', 'kilo.jsonc'),
    otherFiles: ({ home }) => [home('.config', 'kilo', 'kilo.json'), home('.config', 'kilo', 'kilo.jsonc')],
    section: 'mcp',
    type: REMOTE,
  },
  'kimi-cli': {
    name: 'Kimi Code CLI',
    seen: '1.52.0',
    file: ({ home }) => home('.kimi', 'mcp.json'),
    type: { key: 'transport', sse: 'sse' },
  },
  'kimi-code': {
    name: 'Kimi Code',
    seen: '2.1.0',
    file: ({ home }) => home('.kimi-code', 'mcp.json'),
    type: { key: 'transport', http: 'http', sse: 'sse' },
  },
  kiro: {
    name: 'Kiro AI IDE',
    compared: '2026-12',
    file: ({ home }) => home('.kiro', 'settings', 'mcp.json'),
  },
  'lm-studio': {
    name: 'LM Studio application',
    compared: '2026-12',
    file: ({ home }) => home('.lmstudio', 'mcp.json'),
    type: HTTP,
    skills: false,
  },
  'mistral-vibe': {
    name: 'Mistral Vibe IDE',
    seen: '3.0.3',
    file: ({ home }) => home('.vibe', 'config.toml'),
    format: 'toml-array',
    section: 'mcp_servers',
    named: true,
    // Its other word, `http`, is streamable HTTP too.
    type: { key: 'transport', http: 'streamable-http' },
    speaksSse: false,
  },
  opencode: {
    name: 'OpenCode editor',
    seen: '1.18.33',
    // It creates the former today and reads both.
    file: ({ home }) =>
      existing(home('.config', 'opencode', 'opencode.jsonc')) ?? home('.config', 'opencode', 'opencode.json'),
    otherFiles: ({ home }) => [
      home('.config', 'opencode', 'opencode.json'),
      home('.config', 'opencode', 'opencode.jsonc'),
    ],
    section: 'mcp',
    type: REMOTE,
  },
  qoder: {
    name: 'Qoder IDE',
    compared: '2026-12',
    // The application keeps it in its cache on every system; the other place is that of the reference.
    file: ({ platform, home, settings }) =>
      platform === 'win32' || existing(settings('Qoder', 'SharedClientCache')) !== undefined
        ? settings('Qoder', 'SharedClientCache', 'mcp.json')
        : home('.qoder', 'mcp.json'),
    otherFiles: ({ home, settings }) => [
      home('.qoder', 'mcp.json'),
      settings('Qoder', 'SharedClientCache', 'mcp.json'),
    ],
    type: HTTP,
  },
  'qoder-cli': {
    name: 'Qoder CLI',
    seen: '1.1.52',
    file: ({ home }) => home('.qoder', 'settings.json'),
    type: HTTP,
  },
  'roo-code': {
    name: 'VS Code Roo Code extension',
    compared: '2026-12',
    file: extensionFile('rooveterinaryinc.roo-cline', 'mcp_settings.json'),
    type: { key: 'type', http: 'streamable-http', sse: 'sse' },
    discontinued: "Roo Code is discontinued; Cline carries on: 'thv client register cline'",
  },
  trae: {
    name: 'Trae IDE',
    compared: '2026-12',
    file: ({ settings }) => settings('Trae', 'User', 'mcp.json'),
  },
  vscode: {
    name: 'Visual Studio Code',
    compared: '2026-12',
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
  warp: { name: 'Warp terminal', compared: '2026-12', file: ({ home }) => home('.warp', '.mcp.json') },
  windsurf: {
    name: 'Windsurf IDE',
    compared: '2026-12',
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
    compared: '2026-12',
    file: ({ platform, home, settings }) =>
      platform === 'win32' ? settings('zed', 'settings.json') : home('.config', 'zed', 'settings.json'),
    section: 'context_servers',
    skills: false,
  },
};

/** Where extensions of Visual Studio Code keep their own files. */
function extensionFile(extension: string, file: string): (places: Places) => string {
  return ({ settings }) => settings('Code', 'User', 'globalStorage', extension, 'settings', file);
}

function existing(path: string): string | undefined {
  return existsSync(path) ? path : undefined;
}
