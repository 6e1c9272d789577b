import { describe, expect, test } from 'bun:test';
import { ThvError } from '../../src/errors/index.ts';
import { runInProcess } from './in-process.ts';

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

  test('hands its filters on', async () => {
    const queries: unknown[] = [];
    const list = async (query: unknown) => {
      queries.push(query);
      return [];
    };
    await runInProcess(['list'], { workloads: { list } });
    await runInProcess(['list', '-a', '-l', 'a=1', '--label', 'b=', '--group', 'g'], { workloads: { list } });
    expect(queries).toEqual([
      { all: false, labels: [], group: undefined },
      { all: true, labels: ['a=1', 'b='], group: 'g' },
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
