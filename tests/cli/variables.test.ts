import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiProcess, startApi } from '../api/server.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openStreamable } from '../harness/raw-client.ts';
import { openWorld, type World } from '../harness/world.ts';

/**
 * The attack: a name with a line break is one variable to us, and two to a program that prints the list of a server's
 * variables and reads it again. Each way to a variable is tried with each kind of a bad name; nothing may be left behind.
 */
const REMOTE = 'http://127.0.0.1:9/mcp';
const NAMES: readonly (readonly [name: string, shown: string, why: string])[] = [
  ['A\nB', '"A\\nB"', 'a line break'],
  ['A\r', '"A\\r"', 'a line break'],
  ['A B', '"A B"', 'a space'],
  ['\tA', '"\\tA"', 'U+0009'],
  ['A\u001b[2J', '"A\\u001b[2J"', 'U+001B'],
  ['A\u0085', '"A\u0085"', 'U+0085'],
  ['A\u00a0', '"A\u00a0"', 'U+00A0'],
  ['A\u202eB', '"A\u202eB"', 'U+202E'],
  ['A\u200bB', '"A\u200bB"', 'U+200B'],
];

/** Those that a command line cannot carry. */
const FOR_JSON: typeof NAMES = [...NAMES, ['A=B', '"A=B"', '"="'], ['A\0', '"A\\u0000"', 'U+0000']];

let world: World;
let api: ApiProcess;
beforeAll(async () => {
  world = await openWorld(undefined, { env: { TOOLHIVE_SECRETS_PROVIDER: 'environment' } });
  api = await startApi(world);
});
afterAll(async () => {
  // Whatever was tried, no workload came of it.
  expect(await readdir(join(world.state, 'runconfigs')).catch(() => [])).toEqual([]);
  await api[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const problem = (shown: string, why: string) =>
  `invalid environment variable name ${shown}: ${why} cannot stand in a name`;
/** `-e` takes what is before the first `=`. */
const run = (...flags: string[]) => world.thv(['run', REMOTE, '--name', world.name(), ...flags]);
/** Files with variables are for servers that run here. They are read before anything is installed. */
const runHere = (...flags: string[]) =>
  world.thv(['run', 'npx://example', '--runtime', 'process', '--name', world.name(), ...flags]);

describe('a name of a variable', () => {
  test.each([...NAMES])('%j is refused with -e', async (name, shown, why) => {
    const { exitCode, stderr } = await run('-e', `${name}=x`);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: `Error: failed to parse environment variables: ${problem(shown, why)}\n`,
    });
  });

  test.each([...NAMES])('%j is refused as the target of a secret', async (name, shown, why) => {
    const { exitCode, stderr } = await run('--secret', `s,target=${name}`);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(problem(shown, why))]);
  });

  test.each([...NAMES.filter(([name]) => !/^\s|\s$|[\r\n]/.test(name))])(
    '%j is refused in an env file',
    async (name, shown, why) => {
      const file = join(world.work, 'some.env');
      await writeFile(file, `GOOD=1\n${name}=x\n`);
      const { exitCode, stderr } = await runHere('--env-file', file);
      expect([exitCode, stderr]).toEqual([1, expect.stringContaining(problem(shown, why))]);
    },
  );

  test('one file of a folder with such a name is skipped, and it is said why', async () => {
    const folder = join(world.work, 'env');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'bad.env'), 'A B=x\n');
    const taken = new URL(api.url).port;
    const { stderr } = await runHere('--env-file-dir', folder, '--proxy-port', taken);
    expect(stderr).toContain('skipping env file');
    expect(stderr).toContain('a space cannot stand in a name');
  });

  test.each([...FOR_JSON])('%j is refused by the API', async (name, shown, why) => {
    const body = { name: world.name('api'), image: 'example/none', env_vars: { [name]: 'x' } };
    const reply = await api.ask('POST', '/api/v1beta/workloads', { body });
    expect([reply.status, reply.text]).toEqual([400, expect.stringContaining(problem(shown, why))]);
  });

  test.each([...FOR_JSON])('%j is refused in a document', async (name, shown, why) => {
    const file = join(world.work, 'config.json');
    const document = { schema_version: 'v0.1.0', name: world.name('doc'), transport: 'streamable-http' };
    await writeFile(file, JSON.stringify({ ...document, remote_url: REMOTE, env_vars: { [name]: 'x' } }));
    const { exitCode, stderr } = await world.thv(['run', '--from-config', file]);
    const expected = shown === undefined ? 'empty environment variable key' : problem(shown, why ?? '');
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(expected)]);
  });

  test('is refused in the settings of a client', async () => {
    await mkdir(join(world.home, '.cursor'), { recursive: true });
    const servers = { evil: { command: 'npx', args: ['-y', 'example'], env: { 'A=B\nC': 'x' } } };
    await writeFile(join(world.home, '.cursor', 'mcp.json'), JSON.stringify({ mcpServers: servers }));
    const { exitCode, stderr } = await world.thv([
      'client',
      'import',
      'cursor',
      'evil',
      '--yes',
      '--plain-secrets',
    ]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(problem('"A=B\\nC"', '"="'))]);
  });
});

describe('a value', () => {
  test('with a NUL is refused by the API, without the value', async () => {
    const body = { name: world.name('nul'), image: 'example/none', env_vars: { KEY: 'top\0secret' } };
    const reply = await api.ask('POST', '/api/v1beta/workloads', { body });
    expect([reply.status, reply.text]).toEqual([
      400,
      'invalid run configuration provided: Failed to build run config: failed to validate run config: invalid value of environment variable "KEY": a NUL cannot stand in a value\n',
    ]);
  });

  test.each([
    [
      'a value',
      { env_vars: { KEY: 'a\0b' } },
      'invalid value of environment variable "KEY": a NUL cannot stand in a value',
    ],
    [
      'an argument',
      { cmd_args: ['--x\0y'] },
      'invalid argument of the server "--x\\u0000y": a NUL cannot stand in it',
    ],
    ['a volume', { volumes: ['/a\0:/b'] }, 'invalid volume "/a\\u0000:/b": a NUL cannot stand in it'],
  ])('with a NUL is refused in a document: %s', async (_, part, expected) => {
    const file = join(world.work, 'config.json');
    const document = { schema_version: 'v0.1.0', name: world.name('nul'), transport: 'streamable-http' };
    await writeFile(file, JSON.stringify({ ...document, remote_url: REMOTE, ...part }));
    const { exitCode, stderr } = await world.thv(['run', '--from-config', file]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(expected)]);
  });
});

describe('siblings on the command line', () => {
  test.each([
    ['a workload’s name', ['--name', 'a\nb'], 'workload name can only contain'],
    ['the name of a forwarded header', ['--remote-forward-headers', 'A\nB=x'], 'invalid header name'],
    [
      'the value of a forwarded header',
      ['--remote-forward-headers', 'A=x\nB: y'],
      'it holds control characters',
    ],
    ['a group', ['--group', 'a\nb'], 'group'],
  ])('%s with a line break is refused', async (_, flags, expected) => {
    const { exitCode, stderr } = await world.thv(['run', REMOTE, ...flags]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(expected)]);
  });
});

onEachEngine((engine) => {
  test('a value with line breaks reaches the server as it is', async () => {
    await using own = await openWorld(engine);
    const name = own.name('key');
    const key = '-----BEGIN KEY-----\nabc=\n\n-----END KEY-----\n';
    await own.ok([
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '-e',
      `KEY=${key}`,
      '--wait',
    ]);
    await using client = await openStreamable(new URL('/mcp', (await own.reached(name)).url).href);
    expect(await callTool(client, 1, 'env', { name: 'KEY' })).toBe(key);
  });

  test('a registry cannot name a variable so', async () => {
    await using own = await openWorld(engine);
    const file = join(own.work, 'registry.json');
    const entry = {
      image: FIXTURE_IMAGE,
      description: 'x',
      tier: 'Community',
      status: 'Active',
      transport: 'stdio',
      tools: ['echo'],
      env_vars: [{ name: 'GOOD', description: 'x', required: false, default: 'x' }],
    };
    const document = { version: '1.0.0', last_updated: '2026-01-01T00:00:00Z', servers: { evil: entry } };
    await writeFile(file, JSON.stringify(document));
    await own.ok(['registry', 'convert', '--in', file, '--in-place']);
    await writeFile(file, (await readFile(file, 'utf8')).replace('"GOOD"', '"A\\nB"'));
    await own.ok(['config', 'set-registry', file]);
    const { exitCode, stderr } = await own.thv([
      'run',
      'io.github.stacklok/evil',
      '--name',
      own.name('evil'),
    ]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(problem('"A\\nB"', 'a line break'))]);
  });
});
