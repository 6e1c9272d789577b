import { describe, expect, test } from 'bun:test';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openWorld, type World } from '../harness/world.ts';

const ok = (stdout = '') => ({ exitCode: 0, stdout, stderr: '' });
const failed = (message: string) => ({ exitCode: 1, stdout: '', stderr: `Error: ${message}\n` });

async function writeSettings(world: World, path: string, content: string): Promise<string> {
  const file = join(world.home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
  return file;
}

/** The document of a workload that is stopped. */
async function store(world: World, name: string, group: string | undefined): Promise<void> {
  const document = { schema_version: 'v0.1.0', image: 'img:1', name, base_name: name, container_name: name };
  const settings = { transport: 'stdio', host: '127.0.0.1', port: 14_001, proxy_mode: 'sse' };
  await mkdir(join(world.state, 'runconfigs'), { recursive: true });
  await writeFile(
    join(world.state, 'runconfigs', `${name}.json`),
    JSON.stringify({
      ...document,
      ...settings,
      permission_profile: null,
      env_vars: {},
      ...(group && { group }),
    }),
  );
}

async function groupOf(world: World, name: string): Promise<unknown> {
  return JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8')).group;
}

describe('thv group', () => {
  test('create and list need no engine and are quiet', async () => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['group', 'list'])).toEqual(ok('NAME\ndefault\n'));
    expect(await world.thv(['group', 'create', 'web'])).toEqual(ok());
    expect(await world.thv(['group', 'create', 'a b'])).toEqual(ok());
    expect(await world.thv(['group', 'list'])).toEqual(ok('NAME\na b\ndefault\nweb\n'));
    expect(JSON.parse(await world.ok(['group', 'list', '--format', 'json']))).toEqual([
      { name: 'a b' },
      { name: 'default' },
      { name: 'web' },
    ]);
    expect(await world.thv(['group', 'create', 'web'])).toEqual(failed('group already exists: web'));
    expect(await world.thv(['group', 'create', 'Web'])).toEqual(
      failed('invalid group name: group name must be lowercase'),
    );
    expect(await world.thv(['group', 'foo'])).toEqual(failed('unknown command "foo" for "thv group"'));
    expect(await world.thv(['group', 'run', 'web'])).toEqual(
      failed(
        "registry-based groups are no longer supported; use 'thv group create' and 'thv run --group <name>' instead",
      ),
    );
  });

  test('of two creators at once one succeeds', async () => {
    await using world = await openWorld(undefined);
    const results = await Promise.all([1, 2, 3, 4].map(() => world.thv(['group', 'create', 'web'])));
    expect(results.map(({ exitCode }) => exitCode).sort()).toEqual([0, 1, 1, 1]);
  });

  test('rm refuses the default group and one that is not there; an empty one goes without a question', async () => {
    await using world = await openWorld(undefined);
    expect((await world.thv(['group', 'rm', 'default'])).stderr).toStartWith(
      'Error: cannot delete the default group. Hint: ',
    );
    expect(await world.thv(['group', 'rm', 'nope'])).toEqual(
      failed("group 'nope' does not exist. Hint: use 'thv group list' to see available groups"),
    );
    await world.ok(['group', 'create', 'web']);
    expect(await world.thv(['group', 'rm', 'web'])).toEqual(ok());
    expect(await world.ok(['group', 'list'])).toBe('NAME\ndefault\n');
  });

  const QUESTION = `⚠️  WARNING: This will delete group 'web' and move all workloads to the 'default' group
   The following 2 workload(s) will be affected:
   - one (will be moved to the 'default' group)
   - two (will be moved to the 'default' group)

Are you sure you want to continue? [y/N]: `;

  test.each([
    ['n\n', 'Group deletion cancelled.\n'],
    ['\n', 'Group deletion cancelled.\n'],
    ['yess\n', 'Group deletion cancelled.\n'],
  ])('the answer %j leaves the group', async (stdin, said) => {
    await using world = await openWorld(undefined);
    await world.ok(['group', 'create', 'web']);
    await store(world, 'one', 'web');
    await store(world, 'two', 'web');
    expect(await world.thv(['group', 'rm', 'web'], { stdin })).toEqual(ok(QUESTION + said));
    expect(await world.ok(['group', 'list'])).toBe('NAME\ndefault\nweb\n');
  });

  test.each([['y\n'], ['YES \n'], ['y']])('the answer %j moves the workloads', async (stdin) => {
    await using world = await openWorld(undefined);
    await world.ok(['group', 'create', 'web']);
    await store(world, 'one', 'web');
    await store(world, 'two', 'web');
    await store(world, 'other', 'else');
    expect(await world.thv(['group', 'rm', 'web'], { stdin })).toEqual(ok(QUESTION));
    expect(await world.ok(['group', 'list'])).toBe('NAME\ndefault\n');
    expect(await Promise.all(['one', 'two', 'other'].map((name) => groupOf(world, name)))).toEqual([
      'default',
      'default',
      'else',
    ]);
  });

  test('no answer is an error, --yes needs none', async () => {
    await using world = await openWorld(undefined);
    await world.ok(['group', 'create', 'web']);
    await store(world, 'one', 'web');
    expect(await world.thv(['group', 'rm', 'web'], { stdin: '' })).toMatchObject({
      exitCode: 1,
      stderr: 'Error: failed to read user input: EOF\n',
    });
    expect(await world.thv(['group', 'rm', 'web', '-y'])).toEqual(ok());
    expect(await groupOf(world, 'one')).toBe('default');
  });

  test('with the workloads it says so', async () => {
    await using world = await openWorld(undefined);
    await world.ok(['group', 'create', 'web']);
    await store(world, 'one', 'web');
    const { stdout } = await world.thv(['group', 'rm', 'web', '--with-workloads'], { stdin: 'n\n' });
    expect(stdout).toBe(`⚠️  WARNING: This will delete group 'web' and DELETE all workloads belonging to it.
   The following 1 workload(s) will be affected:
   - one (will be DELETED)

This action cannot be undone. Are you sure you want to continue? [y/N]: Group deletion cancelled.
`);
  });

  test('what is left of a group in the settings of its clients goes with it', async () => {
    await using world = await openWorld(undefined);
    const file = await writeSettings(
      world,
      '.cursor/mcp.json',
      '{"mcpServers":{"mine":{"url":"http://x"},"gone":{"url":"http://localhost:9/mcp"}}}',
    );
    await world.ok(['group', 'create', 'web']);
    await world.ok(['client', 'register', 'cursor', '--group', 'web']);
    await mkdir(join(world.state, 'clients'));
    await writeFile(
      join(world.state, 'clients', 'cursor.json'),
      JSON.stringify({ file, servers: { gone: 'http://localhost:9/mcp' } }),
    );
    await world.ok(['group', 'rm', 'web']);
    expect(await readFile(file, 'utf8')).toBe('{"mcpServers":{"mine":{"url":"http://x"}}}');
  });
});

describe('thv client', () => {
  test('status and list-registered are boxed tables, sorted', async () => {
    await using world = await openWorld(undefined);
    await writeSettings(world, '.claude.json', '{}');
    const status = await world.ok(['client', 'status']);
    const lines = status.trimEnd().split('\n');
    expect(lines).toHaveLength(41);
    expect(lines[0]).toBe('┌────────────────────┬───────────┬────────────┐');
    expect(lines[1]).toBe('│ CLIENT TYPE        │ INSTALLED │ REGISTERED │');
    expect(lines[7]).toBe('│ claude-code        │ ✅ Yes    │ ❌ No      │');
    expect(await world.thv(['client', 'list-registered'])).toEqual(
      ok('No clients are currently registered.\n'),
    );
    await world.ok(['group', 'create', 'web']);
    expect(await world.thv(['client', 'register', 'zed'])).toEqual(ok());
    expect(await world.thv(['client', 'register', 'cursor', '--group', 'web,default'])).toEqual(ok());
    expect(await world.thv(['client', 'register', 'cursor', '--group', 'web', '--group', 'default'])).toEqual(
      ok(),
    );
    expect(await world.ok(['client', 'list-registered'])).toBe(`┌─────────────┬──────────────┐
│ CLIENT TYPE │ GROUPS       │
├─────────────┼──────────────┤
│ cursor      │ default, web │
│ zed         │ default      │
└─────────────┴──────────────┘
`);
    expect(JSON.parse(await world.ok(['client', 'status', '--format', 'json']))).toContainEqual({
      client_type: 'cursor',
      installed: false,
      registered: true,
      supports_skills: true,
      supports_plugins: false,
    });
    expect(await world.thv(['client', 'remove', 'cursor', '--group', 'web'])).toEqual(ok());
    expect(await world.thv(['client', 'remove', 'zed'])).toEqual(ok());
    expect(JSON.parse(await world.ok(['client', 'list-registered', '--format', 'json']))).toEqual([
      { name: 'cursor', groups: ['default'] },
    ]);
  });

  test('two registrations at once on one group both take effect', async () => {
    await using world = await openWorld(undefined);
    const ids = ['cursor', 'zed', 'kiro', 'trae', 'codex'];
    await Promise.all(ids.map((id) => world.ok(['client', 'register', id])));
    const registered = JSON.parse(await world.ok(['client', 'list-registered', '--format', 'json']));
    expect(registered.map(({ name }: { name: string }) => name)).toEqual(ids.toSorted());
  });

  test.each([
    [
      ['client', 'register', 'emacs'],
      /^Error: invalid client type: emacs \(valid types: amazon-q, .*, zed\)\n$/,
    ],
    [
      ['client', 'remove', 'emacs'],
      /^Error: invalid client type: emacs \(valid types: amazon-q, .*, zed\)\n$/,
    ],
    [
      ['client', 'register', 'cursor', '--group', 'nope'],
      /^Error: failed to register clients with groups: failed to get group nope: group 'nope' does not exist\n$/,
    ],
    [
      ['client', 'register', 'cursor', '--group', 'Up'],
      /^Error: invalid group name in --group: group name must be lowercase\n$/,
    ],
    [['client', 'register'], /^Error: accepts 1 arg\(s\), received 0\n$/],
    [['client', 'status', 'x'], /^Error: unknown command "x" for "thv client status"\n$/],
    [['client', 'import', 'emacs'], /^Error: invalid client type: emacs /],
    [['client', 'import', 'cursor', '--yes'], /^Error: --yes needs the names of the servers to import\n$/],
    [
      ['client', 'import', 'cursor', 'x'],
      /^Error: no server 'x' in .*mcp\.json\. Hint: there are none in it\n$/,
    ],
  ])('%j is refused and changes nothing', async (args, stderr) => {
    await using world = await openWorld(undefined);
    const result = await world.thv(args);
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(result.stderr).toMatch(stderr);
    expect(await world.ok(['client', 'list-registered'])).toBe('No clients are currently registered.\n');
  });

  test('a client that was given up by its makers is warned about, and works', async () => {
    await using world = await openWorld(undefined);
    expect(await world.thv(['client', 'register', 'roo-code'])).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: "Warning: Roo Code is discontinued; Cline carries on: 'thv client register cline'\n",
    });
    expect(await world.ok(['client', 'register', '--help'])).toContain(
      'VS Code Roo Code extension (deprecated)',
    );
  });

  test('import shows a plan without any value, and changes nothing', async () => {
    await using world = await openWorld(undefined);
    const content = `{
  "mcpServers": {
    "github": { "command": "npx", "args": ["-y", "gh@1"], "env": { "GITHUB_TOKEN": "planted", "MODE": "hidden" } },
    "local": { "command": "/opt/x" }
  }
}`;
    const file = await writeSettings(world, '.cursor/mcp.json', content);
    expect(await world.thv(['client', 'import', 'cursor'])).toEqual({
      exitCode: 0,
      stdout: `SERVER   WORKLOAD   SOURCE       NOTES
github   github     npx://gh@1   variables: MODE; secrets: GITHUB_TOKEN
local    -          -            cannot be imported: 'x' runs a program of this machine; only packages (npx, uvx, go run), images (docker run) and URLs become workloads
`,
      stderr: 'Nothing was changed. Name the servers to import and add --yes.\n',
    });
    expect(await readFile(file, 'utf8')).toBe(content);
    expect((await world.thv(['client', 'import', 'cursor', 'local', '--yes'])).stderr).toStartWith(
      "Error: 'local' cannot be imported: ",
    );
  });

  test('import keeps no secret plain unasked: without a secrets store it stops', async () => {
    await using world = await openWorld(undefined);
    const env = '{ "GITHUB_TOKEN": "planted" }';
    await writeSettings(
      world,
      '.cursor/mcp.json',
      `{"mcpServers":{"github":{"command":"npx","args":["gh"],"env":${env}}}}`,
    );
    const { exitCode, stderr } = await world.thv(['client', 'import', 'cursor', 'github', '--yes']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      "failed to import github: failed to create secrets manager: secrets provider not configured. Please run 'thv secret setup'",
    );
    expect(stderr).not.toContain('planted');
  });

  test('a file that does not parse is named, and stays', async () => {
    await using world = await openWorld(undefined);
    const file = await writeSettings(world, '.cursor/mcp.json', '{ "a": ');
    expect(await world.thv(['client', 'import', 'cursor'])).toEqual(
      failed(
        `failed to validate config file format: failed to parse JSON for file ${file}: ValueExpected at line 1, column 8`,
      ),
    );
    expect(await readFile(file, 'utf8')).toBe('{ "a": ');
  });
});
