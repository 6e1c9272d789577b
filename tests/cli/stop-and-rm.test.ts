import { describe, expect, test } from 'bun:test';
import { ThvError } from '../../src/errors/index.ts';
import type { Workload } from '../../src/workloads/index.ts';
import { runInProcess, workload } from './in-process.ts';

const SILENT = { exit: 0, stdout: '', stderr: '' };

describe('stop and rm', () => {
  const states: readonly Workload['status'][] = [
    ...([
      'running',
      'stopped',
      'unhealthy',
      'starting',
      'unauthenticated',
      'auth_retrying',
      'error',
    ] as const),
  ];
  const list = async () => states.map((status) => workload(status, { status }));

  test('names are served once each, quietly', async () => {
    const calls: unknown[] = [];
    const stop = async (names: readonly string[], { graceSeconds }: { graceSeconds?: number }) => {
      calls.push([names, graceSeconds]);
      return names.map((name) => ({ name, result: 'done' }) as const);
    };
    expect(await runInProcess(['stop', 'a', 'b', 'a', '--timeout', '5'], { workloads: { stop } })).toEqual(
      SILENT,
    );
    await runInProcess(['stop', 'a'], { workloads: { stop } });
    expect(calls).toEqual([
      [['a', 'b'], 5],
      [['a'], undefined],
    ]);
  });

  test('on a terminal one line says what was done', async () => {
    const stop = async (names: readonly string[]) => names.map((name) => ({ name, result: 'done' }) as const);
    const result = await runInProcess(['stop', 'a', 'b'], { workloads: { stop }, isTerminal: true });
    expect(result).toEqual({ ...SILENT, stderr: 'stopped: a, b\n' });
  });

  test('--all stops everything that lives', async () => {
    let stopped: readonly string[] = [];
    const stop = async (names: readonly string[]) => {
      stopped = names;
      return [];
    };
    await runInProcess(['stop', '--all'], { workloads: { list, stop } });
    expect(stopped).toEqual(['running', 'unhealthy', 'starting', 'unauthenticated', 'auth_retrying']);
  });

  test('rm --all removes everything', async () => {
    let removed: readonly string[] = [];
    const remove = async (names: readonly string[]) => {
      removed = names;
      return [];
    };
    await runInProcess(['rm', '--all'], { workloads: { list, remove } });
    expect(removed).toEqual(states);
  });

  test.each([
    ['stop', '--all', 'No running workloads to stop\n'],
    ['stop', '--group=g', "No running MCP servers found in group 'g'\n"],
    ['rm', '--all', 'No running workloads to delete\n'],
    ['rm', '-gg', "No workloads found in group 'g'\n"],
  ])('%s %s of nothing', async (command, flag, stdout) => {
    const workloads = { list: async () => [], groupExists: async () => true };
    expect(await runInProcess([command, flag], { workloads })).toEqual({ ...SILENT, stdout });
  });

  test.each([['stop'], ['rm'], ['start']])('%s of a group that does not exist', async (command) => {
    const workloads = { groupExists: async () => false };
    expect(await runInProcess([command, '--group', 'g'], { workloads })).toEqual({
      exit: 1,
      stdout: '',
      stderr: "Error: group 'g' does not exist. Hint: use 'thv group list' to see available groups\n",
    });
  });

  test('an unknown name is told of, exit 0', async () => {
    const remove = async (names: readonly string[]) =>
      names.map((name) => ({ name, result: 'not-found' }) as const);
    expect(await runInProcess(['rm', 'x'], { workloads: { remove } })).toEqual({
      ...SILENT,
      stderr: "workload 'x' not found. Hint: use 'thv list --all' to see available workloads\n",
    });
  });

  test('an invalid name fails the call', async () => {
    const remove = async () => {
      throw new ThvError('ERR_WORKLOAD_NAME_INVALID', { workload: '../x', reason: 'no' });
    };
    expect(await runInProcess(['rm', '../x'], { workloads: { remove } })).toEqual({
      exit: 1,
      stdout: '',
      stderr: "Error: failed to delete workloads: invalid workload name '../x': no\n",
    });
  });

  test('failures are reported one by one, after the rest was done', async () => {
    const stop = async () => [
      { name: 'a', result: 'done' } as const,
      { name: 'b', result: 'failed', error: new Error('engine says no') } as const,
      { name: 'c', result: 'failed', error: new Error('so it does') } as const,
    ];
    expect(await runInProcess(['stop', 'a', 'b', 'c'], { workloads: { stop } })).toEqual({
      exit: 1,
      stdout: '',
      stderr: 'Error: failed to stop workload b: engine says no\nfailed to stop workload c: so it does\n',
    });
  });
});
