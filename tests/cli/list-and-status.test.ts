import { describe, expect, test } from 'bun:test';
import { ThvError } from '../../src/errors/index.ts';
import { runInProcess, workload } from './in-process.ts';

const SILENT = { exit: 0, stdout: '', stderr: '' };

describe('list', () => {
  test.each([
    [[], 'No MCP servers found\n'],
    [['--group', 'g'], "No MCP servers found in group 'g'\n"],
    [['--format', 'json'], '[]\n'],
    [['--format', 'mcpservers'], '{\n  "mcpServers": {}\n}\n'],
  ])('of nothing %j', async (args, stdout) => {
    expect(await runInProcess(['list', ...args], { workloads: { list: async () => [] } })).toEqual({
      ...SILENT,
      stdout,
    });
  });

  test.each([
    [[], [['a', 'starting']], "a is starting. Hint: 'thv list --all' shows every server\n"],
    [[], [['a', 'error']], "a has failed. Hint: 'thv list --all' shows every server\n"],
    [
      [],
      [
        ['a', 'starting'],
        ['b', 'unhealthy'],
        ['c', 'starting'],
        ['d', 'stopped'],
      ],
      "not running: 2 starting, 1 unhealthy. Hint: 'thv list --all' shows every server\n",
    ],
    [[], [['a', 'stopped']], ''],
    [['--all'], [['a', 'starting']], ''],
    [['--format', 'json'], [['a', 'starting']], ''],
  ] as const)('with %j and servers %j says on stderr what is left out', async (args, servers, stderr) => {
    const list = async () => servers.map(([name, status]) => workload(name, { status }));
    const shown = await runInProcess(['list', ...args], { workloads: { list } });
    expect(shown.stderr).toBe(stderr);
    expect(shown.stdout.includes('a ')).toBe(args.length > 0 && args[0] === '--all');
  });

  test('hands its filters on', async () => {
    const queries: unknown[] = [];
    const list = async (query: unknown) => {
      queries.push(query);
      return [];
    };
    await runInProcess(['list'], { workloads: { list } });
    await runInProcess(['list', '-a', '-l', 'a=1', '--label', 'b=', '--group', 'g'], { workloads: { list } });
    expect(queries).toEqual([
      // What is not shown may be worth a notice.
      { all: true, labels: [], group: undefined },
      {
        all: true,
        labels: [
          ['a', '1'],
          ['b', ''],
        ],
        group: 'g',
      },
    ]);
  });
});

describe('status', () => {
  test('of an unknown name says where names are found', async () => {
    const get = async (name: string) => {
      throw new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: name });
    };
    expect(await runInProcess(['status', 'x'], { workloads: { get } })).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        "Error: failed to get workload status: workload not found: x. Hint: use 'thv list --all' to see available workloads\n",
    });
  });
});
