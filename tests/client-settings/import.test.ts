import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openWorld, type World } from '../harness/world.ts';
import { openRemoteServer } from '../remote/remote-server.ts';

const SHOWN = 'Nothing was changed. Add --yes to import them, or name a client and its servers.\n';

async function writeSettings(world: World, path: string, content: string): Promise<string> {
  const file = join(world.home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

const servers = (mcpServers: object) => JSON.stringify({ mcpServers });

describe('thv client import without a client', () => {
  test('shows the servers of all installed clients, each once, and changes nothing', async () => {
    await using world = await openWorld(undefined);
    const gh = { command: 'npx', args: ['-y', 'gh@1'], env: { GITHUB_TOKEN: 'planted' }, timeout: 5 };
    await writeSettings(
      world,
      '.cursor/mcp.json',
      servers({ gh, 天気: { command: 'uvx', args: ['tenki'] } }),
    );
    await writeSettings(world, '.claude.json', servers({ gh }));
    await writeSettings(
      world,
      '.kiro/settings/mcp.json',
      servers({ gh: { command: 'npx', args: ['gh@2'] } }),
    );
    await writeSettings(
      world,
      '.codex/config.toml',
      '[mcp_servers.xx]\nurl = "https://x/mcp"\nbearer_token_env_var = "X_TOKEN"\n',
    );
    expect(await world.thv(['client', 'import'], { env: { X_TOKEN: 'planted' } })).toEqual({
      exitCode: 0,
      stdout: `CLIENT        SERVER   WORKLOAD   SOURCE          NOTES
claude-code   gh       gh         npx://gh@1      secrets: GITHUB_TOKEN; not taken over: timeout
codex         xx       xx         https://x/mcp   secrets: Authorization
cursor        天気       tenki      uvx://tenki     
kiro          gh       gh-kiro    npx://gh@2      
`,
      stderr: SHOWN,
    });
  });

  test('settings that cannot be read leave the other clients', async () => {
    await using world = await openWorld(undefined);
    await writeSettings(world, '.cursor/mcp.json', '{ "a": ');
    await writeSettings(world, '.claude.json', servers({ a: { command: 'uvx', args: ['aa'] } }));
    const { exitCode, stdout, stderr } = await world.thv(['client', 'import']);
    expect([exitCode, stdout]).toEqual([
      0,
      'CLIENT        SERVER   WORKLOAD   SOURCE     NOTES\nclaude-code   a        aa         uvx://aa   \n',
    ]);
    expect(stderr).toStartWith('cursor is left out: failed to validate config file format: ');
    expect(stderr).toEndWith(SHOWN);
  });

  test('no client, no servers', async () => {
    await using world = await openWorld(undefined);
    for (const args of [[], ['--yes']])
      expect(await world.thv(['client', 'import', ...args])).toEqual({
        exitCode: 0,
        stdout: 'No servers found in the settings of installed clients\n',
        stderr: '',
      });
  });
});

test.each([
  [['cursor', '--as', 'x'], 'Error: --as needs a client and the name of one server\n'],
  [['--as', 'x'], 'Error: --as needs a client and the name of one server\n'],
  [['cursor', 'a', 'b', '--as', 'x'], 'Error: --as needs a client and the name of one server\n'],
  [['cursor', 'a', '--as', 'x y'], /^Error: invalid workload name 'x y': /],
  [['cursor', 'a', '--as', ''], /^Error: /],
])('thv client import %j is refused', async (args, message) => {
  await using world = await openWorld(undefined);
  await writeSettings(world, '.cursor/mcp.json', servers({ a: { command: 'uvx', args: ['a'] } }));
  const { exitCode, stdout, stderr } = await world.thv(['client', 'import', ...args, '--yes']);
  expect([exitCode, stdout]).toEqual([1, '']);
  if (typeof message === 'string') expect(stderr).toBe(message);
  else expect(stderr).toMatch(message);
});

test('a remote server comes with its headers: the secret one by way of the store, under the name that --as gives', async () => {
  await using world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' } });
  await world.ok(['secret', 'provider', 'encrypted']);
  await using remote = await openRemoteServer();
  const name = world.name('weather');
  const headers = { Authorization: 'Bearer {env:WEATHER}', 'X-Units': 'metric' };
  await writeSettings(
    world,
    '.config/opencode/opencode.jsonc',
    JSON.stringify({ mcp: { 天気: { type: 'remote', url: `${remote.origin}/v1/mcp`, headers } } }),
  );
  await world.ok(['client', 'import', 'opencode', '天気', '--as', name, '--yes'], {
    env: { WEATHER: 'planted-value' },
  });
  const document = await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8');
  expect(document).not.toContain('planted-value');
  expect(document).toContain('metric');
  expect(await world.ok(['secret', 'get', `${name}-Authorization`])).toBe('Bearer planted-value\n');
  await world.reached(name);
  await world.ok(['mcp', 'list', 'tools', '--server', name]);
  expect(remote.asked.at(-1)?.headers).toMatchObject({
    authorization: 'Bearer planted-value',
    'x-units': 'metric',
  });
});
