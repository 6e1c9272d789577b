import { describe, expect, test } from 'bun:test';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ThvError } from '../../src/errors/index.ts';
import type { RunRequest, Workload } from '../../src/workloads/index.ts';
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
    const stop = async (names: readonly string[], { graceSeconds }: { graceSeconds: number }) => {
      calls.push([names, graceSeconds]);
      return names.map((name) => ({ name, result: 'done' }) as const);
    };
    expect(await runInProcess(['stop', 'a', 'b', 'a', '--timeout', '5'], { workloads: { stop } })).toEqual(
      SILENT,
    );
    expect(calls).toEqual([[['a', 'b'], 5]]);
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

describe('start', () => {
  const done = async (name: string) => ({ name, result: 'done' }) as const;

  test('of one is quiet', async () => {
    expect(await runInProcess(['start', 'a'], { workloads: { start: done } })).toEqual(SILENT);
  });

  test('on a terminal shows the URL', async () => {
    const workloads = { start: done, get: async (name: string) => workload(name) };
    expect(await runInProcess(['start', 'a'], { workloads, isTerminal: true })).toEqual({
      ...SILENT,
      stderr: 'a is running at http://127.0.0.1:14001/sse#a\n',
    });
  });

  test('of many reports each', async () => {
    const workloads = {
      list: async () => [workload('a'), workload('b')],
      start: async (name: string) =>
        name === 'a' ? done(name) : ({ name, result: 'failed', error: new Error('busy') } as const),
    };
    expect(await runInProcess(['start', '--all'], { workloads })).toEqual({
      exit: 1,
      stdout:
        'Restarting a...\nRestarting b... failed: busy\n\nRestart summary: 1 succeeded, 1 failed\n\nFailed restarts:\n  - b: busy\n',
      stderr: 'Error: 1 workload(s) failed to restart\n',
    });
  });

  test('--wait returns when it runs, and fails with the reason', async () => {
    const states: Workload['status'][] = ['starting', 'starting', 'running'];
    const get = async (name: string) => workload(name, { status: states.shift() ?? 'error' });
    expect(await runInProcess(['start', 'a', '--wait'], { workloads: { start: done, get } })).toEqual(SILENT);
    expect(states).toEqual([]);
    const failed = async (name: string) => workload(name, { status: 'error', statusContext: 'exit code 1' });
    expect(await runInProcess(['start', 'a', '--wait'], { workloads: { start: done, get: failed } })).toEqual(
      {
        exit: 1,
        stdout: '',
        stderr:
          "Error: workload 'a' did not start: exit code 1. Hint: see 'thv logs a' and 'thv logs a --proxy'\n",
      },
    );
  });

  test('--wait-timeout ends the waiting', async () => {
    const get = async (name: string) => workload(name, { status: 'starting' });
    const workloads = { start: done, get };
    expect(await runInProcess(['start', 'a', '--wait', '--wait-timeout', '1ms'], { workloads })).toEqual({
      exit: 1,
      stdout: '',
      stderr: "Error: workload 'a' is not running after 1ms (status: starting)\n",
    });
  });
});

describe('run', () => {
  const outcome = { name: 'a', url: 'http://127.0.0.1:14001/sse#a' };

  test('hands on what was asked for', async () => {
    let request: RunRequest | undefined;
    const run = async (asked: RunRequest) => {
      request = asked;
      return outcome;
    };
    const args = [
      ...[
        'run',
        '--name',
        'a',
        'img:1',
        '--transport',
        'STDIO',
        '-e',
        'A=1,2',
        '-eB=',
        '--proxy-port=0x1F90',
      ],
      ...['-p', '80', '--label', 'k=v', '--network', 'host', '--debug', '--', '--name', 'x', '--', 'y'],
    ];
    expect(await runInProcess(args, { workloads: { run } })).toEqual(SILENT);
    expect(request).toEqual({
      source: 'img:1',
      serverArguments: ['--name', 'x', '--', 'y'],
      name: 'a',
      transport: 'stdio',
      proxyMode: 'sse',
      proxyPort: 8080,
      host: '127.0.0.1',
      targetPort: 0,
      targetHost: '127.0.0.1',
      environment: ['A=1,2', 'B='],
      environmentFile: undefined,
      environmentFolder: undefined,
      labels: ['k=v'],
      volumes: [],
      publish: ['80'],
      networkMode: 'host',
      debug: true,
    });
  });

  test('warns of arguments that it ignores', async () => {
    const run = async () => outcome;
    expect(await runInProcess(['run', 'img', 'x', 'y'], { workloads: { run } })).toEqual({
      ...SILENT,
      stderr: "Warning: ignored: x y. Arguments for the server go behind '--'\n",
    });
  });

  test('progress: finished steps on stdout, the present one on a terminal only', async () => {
    const run = async (
      _request: RunRequest,
      { progress }: { progress: { line(text: string): void; update(text: string): void } },
    ) => {
      progress.update('Pulling img 50%');
      progress.line('Successfully pulled img');
      return outcome;
    };
    expect(await runInProcess(['run', 'img'], { workloads: { run } })).toEqual({
      ...SILENT,
      stdout: 'Successfully pulled img\n',
    });
    expect(await runInProcess(['run', 'img'], { workloads: { run }, isTerminal: true })).toEqual({
      exit: 0,
      stdout: 'Successfully pulled img\n',
      stderr: '\r\u001b[KPulling img 50%\r\u001b[Ka is starting at http://127.0.0.1:14001/sse#a\n',
    });
  });

  test('cut short by Ctrl-C: 130, and only what there is to say', async () => {
    const controller = new AbortController();
    const run = async (): Promise<never> => {
      controller.abort();
      throw new ThvError('ERR_CANCELLED', { reason: 'image pull was canceled' });
    };
    const cut = await runInProcess(['run', 'img'], { workloads: { run }, signal: controller.signal });
    expect(cut).toEqual({ exit: 130, stdout: '', stderr: 'Error: image pull was canceled\n' });
    const aborting = async (): Promise<never> => controller.signal.throwIfAborted() as never;
    expect(
      await runInProcess(['run', 'img'], { workloads: { run: aborting }, signal: controller.signal }),
    ).toEqual({ exit: 130, stdout: '', stderr: '' });
  });

  test('in the foreground Ctrl-C is the normal end', async () => {
    const controller = new AbortController();
    const runForeground = async (
      _request: RunRequest,
      { onReady }: { onReady: (ready: typeof outcome) => void },
    ) => {
      onReady(outcome);
      controller.abort();
    };
    const result = await runInProcess(['run', '-f', 'img'], {
      workloads: { runForeground },
      signal: controller.signal,
    });
    expect(result).toMatchObject({ exit: 0, stdout: '' });
    expect(JSON.parse(result.stderr)).toEqual({
      time: expect.any(String),
      level: 'INFO',
      msg: 'workload started successfully, press Ctrl+C to stop',
    });
  });
});

describe('logs', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  async function* output() {
    yield { stream: 'stdout', bytes: bytes('out\n') } as const;
    yield { stream: 'stderr', bytes: bytes('err\n') } as const;
  }

  test('are merged, and kept apart while followed', async () => {
    const workloads = { logs: output };
    expect(await runInProcess(['logs', 'a'], { workloads })).toEqual({ ...SILENT, stdout: 'out\nerr\n' });
    expect(await runInProcess(['logs', 'a', '-f'], { workloads })).toEqual({
      exit: 0,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('--proxy prints the file; a missing one is told of, exit 0', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-logs-'));
    const path = join(folder, 'a.log');
    const workloads = { proxyLogPath: () => path };
    expect(await runInProcess(['logs', 'a', '--proxy'], { workloads })).toEqual({
      ...SILENT,
      stderr: `no proxy log found for workload a (${path})\n`,
    });
    writeFileSync(path, 'one\ntwo\n');
    expect(await runInProcess(['logs', 'a', '-p'], { workloads })).toEqual({
      ...SILENT,
      stdout: 'one\ntwo\n',
    });
    await rm(folder, { recursive: true });
  });

  test('--proxy --follow waits for the file and survives its rotation', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'thv-logs-'));
    const path = join(folder, 'a.log');
    const controller = new AbortController();
    const workloads = { proxyLogPath: () => path };
    const following = runInProcess(['logs', 'a', '-fp'], {
      workloads,
      signal: controller.signal,
      onStdout(stdout) {
        if (stdout === 'one\n') {
          appendFileSync(path, 'two\n');
          renameSync(path, `${path}.1`);
          writeFileSync(path, 'three\n');
        }
        if (stdout.endsWith('three\n')) controller.abort();
      },
    });
    writeFileSync(path, 'one\n');
    expect(await following).toEqual({ ...SILENT, stdout: 'one\ntwo\nthree\n' });
    await rm(folder, { recursive: true });
  });

  const nothing = { folderExists: true, logFiles: 1, removed: [], failed: [] };
  test.each([
    [
      'removed files',
      { ...nothing, removed: ['/l/a.log', '/l/b.log'] },
      0,
      'Removed: /l/a.log\nRemoved: /l/b.log\n',
      '',
    ],
    ['no orphans', nothing, 0, 'No orphaned log files found to prune\n', ''],
    ['no files', { ...nothing, logFiles: 0 }, 0, 'No log files found\n', ''],
    [
      'no folder',
      { ...nothing, folderExists: false, logFiles: 0 },
      0,
      'No logs directory found, nothing to prune\n',
      '',
    ],
    [
      'a failure',
      { ...nothing, failed: [{ path: '/l/a.log', error: new Error('EACCES') }] },
      1,
      '',
      'Error: failed to remove /l/a.log: EACCES\n',
    ],
  ])('prune: %s', async (_sentence, pruned, exit, stdout, stderr) => {
    const workloads = { pruneLogs: async () => pruned };
    expect(await runInProcess(['logs', 'prune'], { workloads })).toEqual({ exit, stdout, stderr });
    expect(await runInProcess(['logs', '--', 'prune'], { workloads })).toEqual({ exit, stdout, stderr });
  });
});
