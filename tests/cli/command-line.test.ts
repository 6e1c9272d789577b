import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openHome, THV_BINARY, warnWithoutBinary } from './thv.ts';

warnWithoutBinary('tests/cli/command-line');

describe.skipIf(THV_BINARY === undefined)('the command line', () => {
  describe('bad input: exit 1, one message on stderr, nothing on stdout', () => {
    const ROOT_HINT = "Run 'thv --help' for usage.\n";
    const SEE_LIST = "Hint: use 'thv list' to see available workloads\n";
    const SEE_ALL = "Hint: use 'thv list --all' to see available workloads\n";
    const RUN = 'failed to validate run config: ';
    const rows: readonly (readonly [readonly string[], string])[] = [
      [['frobnicate'], `unknown command "frobnicate" for "thv"\n${ROOT_HINT}`],
      [['lst'], `unknown command "lst" for "thv"\n\nDid you mean this?\n\tlist\n\n${ROOT_HINT}`],
      [['list', '--version'], 'unknown flag: --version\n'],
      [['-x'], "unknown shorthand flag: 'x' in -x\n"],
      [['mcp', 'frob'], 'unknown command "frob" for "thv mcp"\n'],
      [['mcp', 'list', 'frob'], 'unknown command "frob" for "thv mcp list"\n'],
      [['runtime', 'frob'], 'unknown command "frob" for "thv runtime"\n'],
      [['proxy', 'stdio'], 'accepts 1 arg(s), received 0\n'],
      [['inspector'], 'accepts 1 arg(s), received 0\n'],
      [
        ['run', 'img', '--tools', 'a,', '--session-ttl', '-1s', '--endpoint-prefix', 'x'],
        `${RUN}tool name cannot be empty\nfailed to apply run config option: session-ttl must be non-negative, got -1s\nendpoint-prefix must start with '/' when provided, got: x\n`,
      ],
      [['completion', 'tcsh'], 'unknown command "tcsh" for "thv completion"\n'],
      [['list', 'x'], 'unknown command "x" for "thv list"\n'],
      [['version', 'x'], 'unknown command "x" for "thv version"\n'],
      [
        ['list', '--all=x'],
        'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax\n',
      ],
      [['list', '--format', 'yaml'], 'invalid format "yaml", must be one of: json, text, mcpservers\n'],
      [['list', '--group', 'A'], 'invalid group name in --group: group name must be lowercase\n'],
      [
        ['list', '-l', 'x'],
        "failed to list workloads: failed to parse label filters: invalid label filter 'x': expected key=value\n",
      ],
      [['version', '--format', 'yaml'], 'invalid format "yaml", must be one of: json, text\n'],
      [['status'], 'accepts 1 arg(s), received 0\n'],
      [['status', 'x', '--format', 'x'], 'invalid format "x", must be one of: json, text\n'],
      [['stop'], `at least one workload name must be provided. ${SEE_LIST}`],
      [['rm'], `at least one workload name must be provided. ${SEE_LIST}`],
      [
        ['stop', 'x', '--all'],
        'no arguments should be provided when --all or --group flag is set. Hint: use either names or a flag, not both\n',
      ],
      [
        ['rm', '--all', '--group', 'x'],
        'if any flags in the group [all group] are set none of the others can be; [all group] were all set\n',
      ],
      [['stop', 'x', '--timeout', '-1'], 'invalid value for --timeout: -1 (must not be negative)\n'],
      [['start'], `must specify either --all flag, --group flag, or workload name. ${SEE_ALL}`],
      [['start', 'a', 'b'], 'accepts at most 1 arg(s), received 2\n'],
      [
        ['start', 'a', '--all'],
        'cannot specify both flags and workload name. Hint: use either a name or a flag, not both\n',
      ],
      [
        ['restart', 'a', '-f', '--wait'],
        'if any flags in the group [foreground wait] are set none of the others can be; [foreground wait] were all set\n',
      ],
      [['logs'], 'accepts 1 arg(s), received 0\n'],
      [['run'], 'requires at least 1 arg(s), only received 0\n'],
      [['run', '--', 'x'], 'requires at least 1 arg(s), only received 0\n'],
      [
        ['run', '--isolate', 'a', 'img'],
        "unknown flag: --isolate. Hint: arguments for the server go behind '--': thv run IMAGE -- --isolate\n",
      ],
      [
        ['run', 'npx://x', 'arg', 'more'],
        'unexpected argument "arg" after "npx://x". Hint: arguments for the server go behind \'--\': thv run npx://x -- arg more\n',
      ],
      [
        ['run', 'npx', '-e', 'A=1', '@scope/x'],
        'unexpected argument "@scope/x" after "npx". Hint: a package is one word: thv run npx://@scope/x\n',
      ],
      [
        ['build', 'pip', 'x'],
        'unexpected argument "x" after "pip". Hint: a package is one word: thv build uvx://x\n',
      ],
      [
        ['run', '--name', 'my', 'server', 'npx://x'],
        'unexpected argument "npx://x" after "server". Hint: a value with spaces needs quotes, as in --name "my server"; what to run is one word: thv run npx://x\n',
      ],
      [
        ['run', 'npx:/x'],
        'failed to find or create the MCP server npx:/x: failed to parse image reference "npx:/x": it is not the name of an image. Hint: did you mean npx://x?\n',
      ],
      [
        ['run', '@scope/x'],
        'failed to find or create the MCP server @scope/x: failed to parse image reference "@scope/x": it is not the name of an image. Hint: did you mean npx://@scope/x?\n',
      ],
      [['run', 'img', '--name'], 'flag needs an argument: --name\n'],
      [['run', 'img', '-e'], "flag needs an argument: 'e' in -e\n"],
      [
        ['run', 'img', '--proxy-port', 'abc'],
        'invalid argument "abc" for "--proxy-port" flag: strconv.ParseInt: parsing "abc": invalid syntax\n',
      ],
      [
        ['run', 'img', '--transport', 'inspector'],
        `${RUN}invalid transport mode: inspector. Valid modes are: sse, streamable-http, stdio\n`,
      ],
      [['run', 'img', '--proxy-mode', 'bogus'], 'invalid value for --proxy-mode: bogus\n'],
      [
        ['run', 'img', '--proxy-port', '70000'],
        `${RUN}requested proxy port 70000 is not available (ports are 1 to 65535; 0 takes a free one)\n`,
      ],
      [
        ['run', 'img', '-e', 'A'],
        'failed to parse environment variables: invalid environment variable format: A (expected KEY=VALUE, as in -e A="$A")\n',
      ],
      [['run', 'img', '-e', '=1'], 'failed to parse environment variables: empty environment variable key\n'],
      [['run', 'img', '-v', '/nowhere:/x'], `${RUN}volume source path does not exist: /nowhere\n`],
      [
        ['run', 'img', '-p', '1:2:3'],
        `${RUN}invalid port specification: 1:2:3 (expected 'hostPort:containerPort' or 'containerPort')\n`,
      ],
      [
        ['run', 'img', '--proxy-mode', 'x', '-e', 'A', '-e', 'B'],
        `invalid value for --proxy-mode: x
failed to parse environment variables: invalid environment variable format: A (expected KEY=VALUE, as in -e A="$A")
failed to parse environment variables: invalid environment variable format: B (expected KEY=VALUE, as in -e B="$B")
`,
      ],
      [['mcp', 'list'], 'required flag(s) "server" not set\n'],
      [
        ['mcp', 'list', '--server', 'x', '--timeout', '30'],
        'invalid argument "30" for "--timeout" flag: time: missing unit in duration "30"\n',
      ],
      [['mcp', 'call', '--server', 'x'], 'accepts 1 arg(s), received 0\n'],
      [
        ['mcp', 'call', 't', '--server', 'x', '--args', '1', '--args-file', 'y'],
        'if any flags in the group [args args-file] are set none of the others can be; [args args-file] were all set\n',
      ],
      [
        ['mcp', 'call', 't', '--server', 'x', '--args', '[]'],
        'tool arguments must be a JSON object, got array\n',
      ],
      [['mcp', 'list', '--server', 'http://'], 'invalid server URL: http://\n'],
    ];
    test.each(rows)('thv %j', async (args, stderr) => {
      await using home = await openHome();
      expect(await home.thv(args)).toEqual({ exit: 1, stdout: '', stderr: `Error: ${stderr}` });
    });
  });

  describe('help is on stdout, exit 0', () => {
    const rows: readonly (readonly [readonly string[], string])[] = [
      [[], 'Usage:\n  thv [command]\n'],
      [['--help'], 'Usage:\n  thv [command]\n'],
      [['-h'], 'Usage:\n  thv [command]\n'],
      [['help'], 'Usage:\n  thv [command]\n'],
      [['run', '--help'], 'Usage:\n  thv run [flags] SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]\n'],
      [
        ['--debug', 'run', '-h', 'img'],
        'Usage:\n  thv run [flags] SERVER_OR_IMAGE_OR_PROTOCOL [-- ARGS...]\n',
      ],
      [['ls', '--help'], 'Aliases:\n  list, ls\n'],
      [['help', 'restart'], 'Aliases:\n  start, restart\n'],
      [['mcp'], 'Usage:\n  thv mcp [command]\n'],
      [
        ['mcp', 'list', '--help'],
        'Usage:\n  thv mcp list [tools|resources|prompts] [flags]\n  thv mcp list [command]\n',
      ],
      [['help', 'mcp', 'list', 'tools'], 'Usage:\n  thv mcp list tools [flags]\n'],
      [['runtime'], 'Usage:\n  thv runtime [command]\n'],
      [['completion', 'bash', '--help'], '      --no-descriptions   Complete without descriptions\n'],
    ];
    test.each(rows)('thv %j', async (args, part) => {
      await using home = await openHome();
      const { exit, stdout, stderr } = await home.thv(args);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toContain(part);
    });
  });

  test('the help of an unknown topic is the usage, on stderr', async () => {
    await using home = await openHome();
    const { exit, stdout, stderr } = await home.thv(['help', 'frob', 'x']);
    expect({ exit, stdout }).toEqual({ exit: 0, stdout: '' });
    expect(stderr).toStartWith('Unknown help topic [`frob` `x`]\nUsage:\n  thv [command]\n');
  });

  test('help lists every command but the hidden ones', async () => {
    await using home = await openHome();
    const { stdout } = await home.thv([]);
    const listed = [...stdout.matchAll(/^ {2}([a-z_]+) {3}/gm)].map(([, name]) => name);
    expect(listed).toEqual([
      ...[
        'authz',
        'build',
        'client',
        'completion',
        'config',
        'export',
        'group',
        'help',
        'inspector',
        'list',
        'lock',
        'logs',
        'mcp',
        'proxy',
        'registry',
        'rm',
        'run',
        'runtime',
        'search',
        'secret',
        'serve',
        'start',
        'status',
        'stop',
        'token',
        'version',
      ],
    ]);
  });

  describe('version', () => {
    test('as text', async () => {
      await using home = await openHome();
      const { exit, stdout, stderr } = await home.thv(['version']);
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
      expect(stdout).toMatch(
        /^(You are running a local build of ToolHive\n\n)?ToolHive \S+\nCommit: \S+\nBuilt: \S+\nBun version: \S+\nPlatform: \w+\/\w+\n$/,
      );
    });

    test.each([[['version', '--format', 'json']], [['--debug', 'version', '--format=json']]])(
      '%j',
      async (args) => {
        await using home = await openHome();
        const { exit, stdout, stderr } = await home.thv(args);
        expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
        expect(stdout).toEndWith('}\n');
        expect(Object.keys(JSON.parse(stdout))).toEqual([
          ...['version', 'commit', 'build_date', 'go_version', 'bun_version', 'platform'],
        ]);
      },
    );

    test('--json still works and says what to use', async () => {
      await using home = await openHome();
      const { exit, stdout, stderr } = await home.thv(['version', '--json']);
      expect({ exit, stderr }).toEqual({
        exit: 0,
        stderr: 'Flag --json has been deprecated, use --format json instead\n',
      });
      expect(JSON.parse(stdout)).toHaveProperty('version');
    });
  });

  test.skipIf(!existsSync('/dev/full'))('output that cannot be written is an error', async () => {
    await using home = await openHome();
    const child = Bun.spawn(['sh', '-c', '"$0" version > /dev/full', THV_BINARY ?? 'thv'], {
      env: { HOME: home.path },
      stderr: 'pipe',
    });
    expect(await child.exited).toBe(1);
    expect(await new Response(child.stderr).text()).toBe(
      'Error: failed to write to stdout: ENOSPC: no space left on device, write\n',
    );
  });

  describe('completion', () => {
    const rows: readonly (readonly [readonly string[], readonly string[], string])[] = [
      [['sto'], ['stop\tStop MCP servers'], ':4'],
      [['stop', ''], [], ':4'],
      [['logs', ''], ['prune\tDelete log files of servers that no longer exist'], ':4'],
      [['run', '--fore'], ['--foreground\tRun in foreground mode (block until container exits)'], ':4'],
      [['run', '--env-file', ''], [], ':0'],
      [['run', 'img', '--', ''], [], ':0'],
      [['run', './'], [], ':0'],
      [['export', 'fetch', ''], [], ':0'],
      [['export', 'fetch', 'file', ''], [], ':4'],
      [['frob', ''], [], ':4'],
      [['mcp', 'list', 'p'], ['prompts\tList the prompts of an MCP server'], ':4'],
    ];
    test.each(rows)('%j', async (words, lines, directive) => {
      await using home = await openHome();
      const stdout = [...lines, directive, ''].join('\n');
      expect(await home.thv(['__complete', ...words])).toEqual({ exit: 0, stdout, stderr: '' });
      const bare = [...lines.map((line) => line.replace(/\t.*/, '')), directive, ''].join('\n');
      expect(await home.thv(['__completeNoDesc', ...words])).toEqual({ exit: 0, stdout: bare, stderr: '' });
    });

    test.each([['bash'], ['zsh'], ['fish'], ['powershell']])('%s has a script', async (shell) => {
      await using home = await openHome();
      const full = await home.thv(['completion', shell]);
      expect({ exit: full.exit, stderr: full.stderr }).toEqual({ exit: 0, stderr: '' });
      expect(full.stdout).toContain(' __complete ');
      const short = await home.thv(['completion', shell, '--no-descriptions']);
      expect(short.stdout).toBe(full.stdout.replace(' __complete ', ' __completeNoDesc '));
    });
  });

  describe('a desktop application with an executable of its own', () => {
    async function openManagedHome() {
      const home = await openHome();
      const managed = join(home.path, 'managed-thv');
      await writeFile(managed, '');
      await chmod(managed, 0o755);
      await mkdir(join(home.path, '.toolhive'));
      const marker = {
        schema_version: 1,
        source: 'desktop',
        install_method: 'symlink',
        symlink_target: managed,
      };
      await writeFile(join(home.path, '.toolhive', '.cli-source'), JSON.stringify(marker));
      return { home, managed };
    }

    test('stops every command', async () => {
      const { home, managed } = await openManagedHome();
      await using _ = home;
      const { exit, stdout, stderr } = await home.thv(['version']);
      expect({ exit, stdout }).toEqual({ exit: 1, stdout: '' });
      expect(stderr).toStartWith('Error: CLI conflict detected\n\n');
      expect(stderr).toContain('ToolHive Desktop');
      expect(stderr).toContain(managed);
      expect(stderr).toContain(join(home.path, '.toolhive', 'bin'));
    });

    test('does not stop help, nor anything when it is switched off or manages this very file', async () => {
      const { home, managed } = await openManagedHome();
      await using _ = home;
      expect((await home.thv(['version', '--help'])).exit).toBe(0);
      expect((await home.thv(['version'], { env: { TOOLHIVE_SKIP_DESKTOP_CHECK: '1' } })).exit).toBe(0);
      await Bun.file(managed).delete();
      expect((await home.thv(['version'])).exit).toBe(0);
      await symlink(THV_BINARY ?? '', managed);
      expect((await home.thv(['version'])).exit).toBe(0);
    });
  });

  test('stdout that nobody reads is no error', async () => {
    await using home = await openHome();
    const child = Bun.spawn(['sh', '-c', `"${THV_BINARY}" run --help | true; "${THV_BINARY}" version >&-`], {
      env: { HOME: home.path, PATH: process.env['PATH'] ?? '' },
      stdout: 'pipe',
      stderr: 'pipe',
    });
    expect(await new Response(child.stderr).text()).toBe('');
    expect(await child.exited).toBe(0);
  });
});
