import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../harness/engine.ts';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { occupyPort } from '../harness/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';

/** Refused before any engine is asked: arguments behind `thv`, and the whole of stderr. */
const REFUSALS: readonly (readonly [what: string, args: readonly string[], stderr: string])[] = [
  [
    'an unknown command',
    ['rum'],
    'Error: unknown command "rum" for "thv"\n\nDid you mean this?\n\trm\n\trun\n\nRun \'thv --help\' for usage.\n',
  ],
  ['a word behind a command group', ['runtime', 'chek'], 'Error: unknown command "chek" for "thv runtime"\n'],
  ['run without a server', ['run'], 'Error: requires at least 1 arg(s), only received 0\n'],
  [
    'run with a server only behind --',
    ['run', '--', 'x'],
    'Error: requires at least 1 arg(s), only received 0\n',
  ],
  ['status without a name', ['status'], 'Error: accepts 1 arg(s), received 0\n'],
  ['a surplus name for status', ['status', 'a', 'b'], 'Error: accepts 1 arg(s), received 2\n'],
  ['a surplus word for list', ['list', 'x'], 'Error: unknown command "x" for "thv list"\n'],
  ['an unknown flag of list', ['list', '--al'], 'Error: unknown flag: --al\n'],
  ['an unknown shorthand', ['list', '-x'], "Error: unknown shorthand flag: 'x' in -x\n"],
  ['a flag without its value', ['run', 'x', '--name'], 'Error: flag needs an argument: --name\n'],
  ['a shorthand without its value', ['run', 'x', '-e'], "Error: flag needs an argument: 'e' in -e\n"],
  [
    'a port that is no number',
    ['run', 'x', '--proxy-port', 'abc'],
    'Error: invalid argument "abc" for "--proxy-port" flag: strconv.ParseInt: parsing "abc": invalid syntax\n',
  ],
  [
    'a switch that is neither true nor false',
    ['list', '--all=maybe'],
    'Error: invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax\n',
  ],
  [
    'an unknown format',
    ['list', '--format', 'yaml'],
    'Error: invalid format "yaml", must be one of: json, text, mcpservers\n',
  ],
  [
    'an unknown proxy mode',
    ['run', 'x', '--proxy-mode', 'bogus'],
    'Error: invalid value for --proxy-mode: bogus\n',
  ],
  [
    'an unknown transport',
    ['run', 'x', '--transport', 'carrier-pigeon'],
    'Error: failed to validate run config: invalid transport mode: carrier-pigeon. Valid modes are: sse, streamable-http, stdio\n',
  ],
  [
    'a port beyond the last',
    ['run', 'x', '--proxy-port', '70000'],
    'Error: failed to validate run config: requested proxy port 70000 is not available (ports are 1 to 65535; 0 takes a free one)\n',
  ],
  [
    'a variable without a value',
    ['run', 'x', '-e', 'KEY'],
    'Error: failed to parse environment variables: invalid environment variable format: KEY (expected KEY=VALUE, as in -e KEY="$KEY")\n',
  ],
  [
    'a variable without a name',
    ['run', 'x', '-e', '=v'],
    'Error: failed to parse environment variables: empty environment variable key\n',
  ],
  [
    'stop without a name',
    ['stop'],
    "Error: at least one workload name must be provided. Hint: use 'thv list' to see available workloads\n",
  ],
  [
    'stop --all together with --group',
    ['stop', '--all', '--group', 'g'],
    'Error: if any flags in the group [all group] are set none of the others can be; [all group] were all set\n',
  ],
];

describe('refused without an engine', () => {
  test.each(REFUSALS)('%s', async (_, args, stderr) => {
    await using world = await openWorld(undefined);
    expect(await world.thv(args)).toEqual({ exitCode: 1, stdout: '', stderr });
    expect(await filesOf(world)).toEqual([]);
  });

  test.each([
    ['--help'],
    ['run', '--help'],
    ['help', 'stop'],
    ['version'],
    ['version', '--format', 'json'],
    ['completion', 'bash'],
    [],
  ])('but answered: thv %p %p %p', async (...args) => {
    await using world = await openWorld(undefined);
    const { exitCode, stdout, stderr } = await world.thv(args.filter((word) => word !== undefined));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).not.toBe('');
    expect(await filesOf(world)).toEqual([]);
  });
});

describe('without an engine', () => {
  test('a socket that was named but does not exist is told with its path', async () => {
    await using world = await openWorld(undefined);
    const { exitCode, stdout, stderr } = await world.thv(['list']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(stderr).toStartWith('Error: failed to create container runtime: ');
    expect(stderr).toContain(`invalid Docker socket path: `);
    expect(stderr).toContain(join(world.folder, 'no-engine.sock'));
    expect(await filesOf(world)).toEqual([]);
  });

  test('run leaves nothing behind', async () => {
    await using world = await openWorld(undefined);
    const { exitCode, stdout } = await world.thv(['run', FIXTURE_IMAGE, '--name', world.name()]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    expect(await filesOf(world)).toEqual([]);
  });
});

onEachEngine((engine) => {
  test('runtime check says that the engine answers', async () => {
    await using world = await openWorld(engine);
    expect(await world.thv(['runtime', 'check'])).toEqual({
      exitCode: 0,
      stdout: 'Container runtime is responsive\n',
      stderr: '',
    });
  });

  test('an empty list says so', async () => {
    await using world = await openWorld(engine);
    expect(await world.ok(['list', '--group', 'nobody'])).toBe("No MCP servers found in group 'nobody'\n");
    expect(await world.ok(['list', '--group', 'nobody', '--format', 'json'])).toBe('[]\n');
  });

  test('an image that no registry has is one clear message, and nothing is left', async () => {
    const registry = process.env['THV_TEST_REGISTRY'];
    const image = `${registry ?? '127.0.0.1:1'}/thv-test/absent:1`;
    await refused(engine, ['run', image], ({ errors }) => {
      expect(errors).toStartWith('Error: failed to retrieve or pull image: ');
      if (registry !== undefined)
        expect(errors).toContain(`image not found in registry, please check the image name or tag: ${image}`);
    });
  });

  test('a reference that is none is refused', async () => {
    await refused(engine, ['run', 'thv-test/UPPER case:1'], ({ errors }) => {
      expect(errors).toContain('failed to parse image reference "thv-test/UPPER case:1"');
    });
  });

  test('a busy proxy port is told with its number', async () => {
    using busy = occupyPort();
    await refused(engine, ['run', FIXTURE_IMAGE, '--proxy-port', `${busy.port}`], ({ errors }) => {
      expect(errors).toBe(
        `Error: failed to validate run config: requested proxy port ${busy.port} is not available\n`,
      );
    });
  });

  test.each([
    [
      'a missing volume source',
      ['-v', '/no/such/folder:/data'],
      'volume source path does not exist: /no/such/folder',
    ],
    ['a volume of three parts', ['-v', 'a:b:c:d'], 'invalid volume format: a:b:c:d ('],
    ['a missing env file', ['--env-file', '/no/such/file'], 'failed to process env file /no/such/file: '],
    ['a published port that is none', ['-p', '80:abc'], 'invalid container port in spec'],
    ['a published port of three parts', ['-p', '1:2:3'], 'invalid port specification: 1:2:3'],
    ['an IPv6 host', ['--host', '::1'], 'invalid host: ::1'],
    [
      'a name with spaces',
      ['--name', 'a b'],
      "failed to check if workload exists: invalid workload name 'a b': ",
    ],
    [
      'a name that climbs',
      ['--name', '../x'],
      "failed to check if workload exists: invalid workload name '..-x': ",
    ],
  ])('%s is refused and nothing is left', async (_, flags, reason) => {
    await refused(engine, ['run', FIXTURE_IMAGE, '--transport', 'stdio', ...flags], ({ errors }) => {
      expect(errors).toStartWith('Error: ');
      expect(errors).toContain(reason);
    });
  });

  test('--foreground with a server that keeps ending tells why, and Ctrl-C ends it with nothing left', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const args = ['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--foreground', '--', 'exit'];
    const running = world.start(args);
    await waitFor(
      () => running.stderr,
      (text) => text.includes('fixture: no credentials in the environment'),
      {
        what: 'the last words of the server are told',
      },
    );
    running.signal('SIGINT');
    expect(await running.finished(10_000)).toMatchObject({ exitCode: 0 });
    expect(await filesOf(world)).toEqual([]);
    expect(await engine.inspect(name)).toBeUndefined();
  });

  test('a port taken while the workload was stopped is told at start; free again, the URL is the old one', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio']);
    const { port, url } = await world.reached(name);
    await world.ok(['stop', name]);
    {
      using _ = occupyPort(port);
      const { exitCode, stdout, stderr } = await world.thv(['start', name]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
      expect(stderr).toStartWith(
        `Error: failed to restart workload ${name}: requested proxy port ${port} is not available`,
      );
      expect(await world.find(name)).toMatchObject({ status: 'stopped', port });
    }
    await world.ok(['start', name]);
    expect((await world.reached(name)).url).toBe(url);
  });

  test('an invalid label is skipped with a warning, the others are set', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    const args = [
      'run',
      FIXTURE_IMAGE,
      '--name',
      name,
      '--transport',
      'stdio',
      '-l',
      'team=a',
      '-l',
      '-bad-=x',
    ];
    const { exitCode, stderr } = await world.thv(args);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('Skipping invalid label');
    await world.reached(name);
    expect((await engine.inspect(name))?.Config.Labels).toMatchObject({ team: 'a' });
  });
});

/** Runs a command that must fail with status 1 and nothing on stdout, and must leave neither files nor containers. */
async function refused(
  engine: Engine,
  args: readonly string[],
  look: (outcome: { readonly errors: string }) => void,
): Promise<void> {
  await using world = await openWorld(engine);
  const name = world.name();
  const named = args.includes('--name') ? args : [...args, '--name', name];
  const { exitCode, stdout, stderr } = await world.thv(named);
  look({ errors: errorsIn(stderr) });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  expect(await filesOf(world)).toEqual([]);
  expect(await engine.named(name)).toEqual([]);
  expect(await world.processes()).toEqual([]);
}

/** What is on stderr besides log lines. */
function errorsIn(stderr: string): string {
  return stderr
    .split('\n')
    .filter((line) => !line.startsWith('{"time":'))
    .join('\n');
}

/** Files of workloads: documents, status files, logs of their own. */
async function filesOf(world: World): Promise<readonly string[]> {
  const folders = [join(world.state, 'runconfigs'), join(world.data, 'statuses'), join(world.data, 'logs')];
  const found = await Promise.all(
    folders.map(async (folder) => (existsSync(folder) ? await readdir(folder) : [])),
  );
  return found.flat().filter((name) => name !== 'thv-host.log');
}
