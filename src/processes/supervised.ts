import { exitOf, hasEnded, takeChannel, waitForEnd } from './child.ts';
import { writeOrder } from './order.ts';
import { withoutView } from './own-folders.ts';
import { LIFELINE, type SuperviseOrder } from './supervise.ts';
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
  const { command, cwd, env } = withoutView(spec, options.self);
  const order: SuperviseOrder = {
    command: [...options.prefix, ...command],
    cwd,
    env: { ...env, ...options.environment },
  };
  const child = Bun.spawn([...options.self, '__sandbox', 'supervise'], {
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const lifeline = takeChannel(child, LIFELINE);
  const exited = child.exited.then(async (): Promise<ProcessExit> => {
    lifeline[Symbol.dispose]();
    await options.onEnd?.();
    return exitOf(child);
  });
  await writeOrder(child.stdin, order);
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    async stop(graceMs) {
      child.kill('SIGTERM');
      await waitForEnd(child, graceMs);
      // Not by killing the supervisor: it would leave behind what it stands by.
      if (!hasEnded(child)) child.kill('SIGINT');
      await exited;
    },
  };
}
