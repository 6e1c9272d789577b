import { createGroup, lazily, runCommandLine } from '../../src/cli/index.ts';
import { inspector } from '../../src/commands/inspector.ts';
import { list } from '../../src/commands/list.ts';
import { logs } from '../../src/commands/logs.ts';
import { proxy } from '../../src/commands/proxy.ts';
import { rm } from '../../src/commands/rm.ts';
import { run } from '../../src/commands/run.ts';
import { start } from '../../src/commands/start.ts';
import { status } from '../../src/commands/status.ts';
import { stop } from '../../src/commands/stop.ts';
import type { Workload, WorkloadManager } from '../../src/workloads/index.ts';

interface World {
  /** The operations a test needs; any other call fails the test. */
  readonly workloads: Partial<WorkloadManager>;
  /** Whether stderr is a terminal. */
  readonly isTerminal?: boolean;
  readonly signal?: AbortSignal;
  /** Called with all of stdout so far whenever something is added. */
  readonly onStdout?: (stdout: string) => void;
}

/** Runs a workload command against a manager made for the test; stdout and stderr as they would be on the screen. */
export async function runInProcess(
  args: readonly string[],
  { workloads, isTerminal = false, signal, onStdout }: World,
) {
  const written = { stdout: '', stderr: '' };
  const decoder = new TextDecoder();
  const write = (stream: keyof typeof written) => (content: string | Uint8Array) => {
    written[stream] += typeof content === 'string' ? content : decoder.decode(content);
    if (stream === 'stdout') onStdout?.(written.stdout);
    return true;
  };
  const commands = { inspector, list, logs, proxy, rm, run, start, status, stop };
  const exit = await runCommandLine({
    root: createGroup(
      '',
      Object.fromEntries(
        Object.entries(commands).map(([name, command]) => [
          name,
          lazily({ description: '' }, async () => command),
        ]),
      ),
    ),
    args,
    env: { HOME: '/nonexistent' },
    terminal: {
      stdinIsTty: false,
      stdoutIsTty: false,
      stderrIsTty: isTerminal,
      columns: undefined,
      hasColours: false,
      out: write('stdout'),
      err: write('stderr'),
    },
    interruption: {
      signal: signal ?? new AbortController().signal,
      exitCode: () => (signal?.aborted ? 130 : undefined),
    },
    createWorkloads: async () =>
      new Proxy(workloads as WorkloadManager, {
        get(target, name, receiver) {
          const operation: unknown = Reflect.get(target, name, receiver);
          if (operation === undefined && name !== 'then')
            throw new Error(`unexpected call of ${String(name)}`);
          return operation;
        },
      }),
  });
  return { exit, ...written };
}

export function workload(name: string, facts: Partial<Workload> = {}): Workload {
  return {
    name,
    package: 'img:1',
    url: `http://127.0.0.1:14001/sse#${name}`,
    port: 14_001,
    transport: 'stdio',
    proxyMode: 'sse',
    status: 'running',
    statusContext: undefined,
    createdAt: new Date('2026-08-21T10:00:00Z'),
    startedAt: undefined,
    labels: {},
    group: 'default',
    tools: [],
    remote: false,
    ...facts,
  };
}
