import { describe, expect, test } from 'bun:test';
import { ThvError } from '../../src/errors/index.ts';
import { NO_OIDC } from '../../src/oidc/index.ts';
import type { RunRequest, Workload } from '../../src/workloads/index.ts';
import { runInProcess, workload } from './in-process.ts';

const SILENT = { exit: 0, stdout: '', stderr: '' };
/** What a script is told of a run: one line of the log, with the URL. */
const STARTED = {
  exit: 0,
  stdout: '',
  stderr: expect.stringMatching(
    /^\{"time":"[^"]+","level":"INFO","msg":"workload is (?:starting|running)","workload":"a","url":"http:\/\/127\.0\.0\.1:14001\/sse#a"\}\n$/,
  ),
};

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
  const outcome = { name: 'a', url: 'http://127.0.0.1:14001/sse#a', port: 14_001 };

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
    expect(await runInProcess(args, { workloads: { run } })).toEqual(STARTED);
    expect(request).toEqual({
      name: 'a',
      group: 'default',
      transport: 'stdio',
      labels: { k: 'v' },
      proxy: {
        mode: 'sse',
        port: 8080,
        host: '127.0.0.1',
        allowedOrigins: [],
        trustProxyHeaders: false,
        strictProtocolValidation: false,
        stateless: false,
        sessionTtlMs: 0,
        endpointPrefix: '',
        tools: [],
        toolsOverrideFile: undefined,
        toolsOverride: {},
        authzConfigFile: undefined,
        locksTools: false,
        audit: undefined,
        tokenExchange: undefined,
        webhookFiles: [],
        callers: { oidc: NO_OIDC, resourceUrl: '', requireToken: false, forwardAuthorization: false },
      },
      target: {
        kind: 'word',
        word: 'img:1',
        server: {
          arguments: ['--name', 'x', '--', 'y'],
          targetPort: 0,
          targetHost: '127.0.0.1',
          environment: { A: '1,2', B: '' },
          environmentFile: undefined,
          environmentFolder: undefined,
          secrets: [],
          volumes: [],
          ignore: { loadGlobal: true, printOverlays: false },
          publish: [{ hostPort: '', containerPort: '80' }],
          permissions: undefined,
          networkMode: 'host',
          isolation: 'none',
          allowDockerGateway: false,
          caCertificate: undefined,
          runtime: undefined,
          noSandbox: false,
          allowInstallScripts: false,
          jsRuntime: undefined,
          limits: undefined,
          runtimeOverride: undefined,
        },
        remote: { headers: {}, headerSecrets: {} },
      },
      debug: true,
    });
  });

  test('hands on how the proxy is to behave', async () => {
    let request: RunRequest | undefined;
    const run = async (asked: RunRequest) => {
      request = asked;
      return outcome;
    };
    const args = [
      ...['run', 'img', '--tools', 'a, b', '--tools=c', '--tools-override', 'o.json', '--session-ttl', '90m'],
      ...['--allowed-origins', 'http://a', '--allowed-origins', 'http://b,c', '--endpoint-prefix', '/x'],
      ...['--trust-proxy-headers', '--strict-protocol-validation', '--stateless'],
      ...['--ignore-globally=false', '--print-resolved-overlays'],
    ];
    expect(await runInProcess(args, { workloads: { run } })).toEqual(STARTED);
    expect(request).toMatchObject({
      proxy: {
        tools: ['a', 'b', 'c'],
        toolsOverrideFile: 'o.json',
        allowedOrigins: ['http://a', 'http://b,c'],
        trustProxyHeaders: true,
        strictProtocolValidation: true,
        stateless: true,
        sessionTtlMs: 5_400_000,
        endpointPrefix: '/x',
      },
      target: { server: { ignore: { loadGlobal: false, printOverlays: true } } },
    });
  });

  test.each([
    [['--tools', ''], 'failed to validate run config: tool name cannot be empty'],
    [['--tools', 'a,,b'], 'failed to validate run config: tool name cannot be empty'],
    [
      ['--session-ttl', '-1s'],
      'failed to apply run config option: session-ttl must be non-negative, got -1s',
    ],
    [
      ['--session-ttl', '500ms'],
      'failed to apply run config option: session-ttl must be at least 1s, got 500ms',
    ],
    [['--endpoint-prefix', 'x'], "endpoint-prefix must start with '/' when provided, got: x"],
  ])('%p is refused before anything is asked for', async (args, message) => {
    expect(await runInProcess(['run', 'img', ...args], { workloads: {} })).toEqual({
      exit: 1,
      stdout: '',
      stderr: `Error: ${message}\n`,
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
      ...STARTED,
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
