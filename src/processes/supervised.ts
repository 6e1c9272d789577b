import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep } from '../platform/index.ts';
import { writeOrder } from './order.ts';
import { RUNTIME } from './packages/npm.ts';
import type { SuperviseOrder } from './supervise.ts';
import type { ProcessExit, ProcessSpec, SandboxedProcess } from './types.ts';

interface SupervisedOptions {
  /** The command that starts this program. */
  readonly self: readonly string[];
  /** Before the server's own command, to confine it. */
  readonly prefix: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onEnd?: () => Promise<void>;
}

/** Starts a process in the network and among the files of this machine, with a supervisor of ours that ends its whole tree. */
export async function startSupervised(
  spec: ProcessSpec,
  options: SupervisedOptions,
): Promise<SandboxedProcess> {
  const { work, temporary } = ownFolders(spec.folder);
  const [program = '', ...args] = spec.command;
  const order: SuperviseOrder = {
    command: [...options.prefix, program === RUNTIME ? (options.self[0] ?? '') : program, ...args],
    cwd: spec.cwd ?? work,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: work,
      TMPDIR: temporary,
      LANG: 'C.UTF-8',
      ...spec.env,
      ...options.environment,
    },
  };
  const child = Bun.spawn([...options.self, '__sandbox', 'supervise'], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  await writeOrder(child.stdin, order);
  const exited = child.exited.then(async (): Promise<ProcessExit> => {
    await options.onEnd?.();
    return {
      exitCode: child.exitCode ?? undefined,
      signal: child.signalCode === null ? undefined : String(child.signalCode),
    };
  });
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    async stop(graceMs) {
      child.kill('SIGTERM');
      const timer = new AbortController();
      await Promise.race([child.exited, sleep(graceMs, timer.signal)]);
      timer.abort();
      // Not by killing the supervisor: it would leave behind what it stands by.
      if (child.exitCode === null) child.kill('SIGINT');
      await exited;
    },
  };
}

/** Made if they are missing, for their owner only. */
export function ownFolders(folder: string): { readonly work: string; readonly temporary: string } {
  const work = join(folder, 'work');
  const temporary = join(folder, 'tmp');
  for (const path of [work, temporary]) mkdirSync(path, { recursive: true, mode: 0o700 });
  return { work, temporary };
}
