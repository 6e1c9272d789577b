import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { ENGINE, FOLDERS, type Home, openWorkloads, type Workloads } from './workloads.ts';

const SETTINGS = '.cursor/mcp.json';
const BEFORE = '{\n  "mcpServers": {}\n}\n';
const INSPECTOR = process.env['THV_TEST_INSPECTOR'] ?? '';
const FASTMCP = FOLDERS['fastmcp'] ?? '';

/** Programs made with the SDKs have no settings of their own: they read those of Cursor. */
const SDKS: Readonly<
  Record<string, readonly [folder: string | undefined, command: (folder: string) => string[]]>
> = {
  'the TypeScript SDK': [
    FOLDERS['@modelcontextprotocol/sdk'],
    (folder) => ['node', join(import.meta.dir, 'sdk-client.mjs'), folder],
  ],
  'the Python SDK': [
    FASTMCP,
    (folder) => [join(folder, 'bin/python'), join(import.meta.dir, 'sdk_client.py')],
  ],
  'the Go SDK': [FOLDERS['go-sdk'], (folder) => [join(folder, 'client')]],
};

describe.if(ENGINE !== undefined)('entries that register writes', () => {
  let workloads: Workloads;
  beforeAll(async () => {
    workloads = await openWorkloads();
  });
  afterAll(() => workloads[Symbol.asyncDispose]());

  /** Registers, asks, removes, and looks at what is left. */
  async function registered<T>(id: string, settings: string, ask: (home: Home) => Promise<T>): Promise<T> {
    const home = await workloads.openHome(`${id}-${Bun.randomUUIDv7()}`, settings);
    await home.write(BEFORE);
    await home.client('register', id);
    const answer = await ask(home);
    await home.client('remove', id);
    expect(await home.text()).toBe(BEFORE);
    return answer;
  }

  for (const [title, [folder = '', command]] of Object.entries(SDKS)) {
    test.if(folder !== '')(`a program with ${title} connects to both by the entries of Cursor`, async () => {
      const { stdout } = await registered('cursor', SETTINGS, (home) =>
        home.run([...command(folder), home.path]),
      );
      const tools = expect.arrayContaining(['echo', 'get-sum']);
      expect(JSON.parse(stdout)).toEqual({ [workloads.http]: tools, [workloads.sse]: tools });
    });
  }

  test.if(INSPECTOR !== '')('the MCP Inspector takes a server out of Cursor’s file', async () => {
    await registered('cursor', SETTINGS, async (home) => {
      for (const name of [workloads.http, workloads.sse]) {
        const wanted = ['--config', home.path, '--server', name, '--method', 'tools/list'];
        const { stdout } = await home.run([process.execPath, INSPECTOR, '--cli', ...wanted]);
        expect(JSON.parse(stdout).tools.map((tool: { name: string }) => tool.name)).toContain('get-sum');
      }
    });
  });

  test.if(FASTMCP !== '').each([
    ['claude-code', '.claude.json'],
    ['gemini', '.gemini/settings.json'],
    // Its entries start `thv proxy stdio`, for it knows no URLs.
    ['claude-desktop', '.config/Claude/claude_desktop_config.json'],
  ])('fastmcp finds the servers in the settings of %s and lists their tools', async (source, settings) => {
    const id = source === 'gemini' ? 'gemini-cli' : source;
    const ask = async (home: Home, name: string) => {
      const { stdout } = await home.run([
        ...[join(FASTMCP, 'bin/python'), '-c', 'from fastmcp.cli import app; app()'],
        ...['list', `${source}:${name}`, '--json'],
      ]);
      return JSON.parse(stdout).tools.map((tool: { name: string }) => tool.name);
    };
    const tools = await registered(id, settings, (home) =>
      Promise.all([workloads.http, workloads.sse].map((name) => ask(home, name))),
    );
    for (const names of tools) expect(names).toContain('get-sum');
  });
});
