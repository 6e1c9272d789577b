import { endInput, exitOf, hasEnded, takeChannel, waitForEnd } from './child.ts';
import { holdLimits } from './limits/hold-limits.ts';
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
  const limits = holdLimits({
    root: child.pid,
    // It has become the server before it could be put anywhere.
    first: undefined,
    limits: spec.limits ?? {},
    byResourceLimit: new Set(),
    // Not by killing the supervisor: it would leave behind what it stands by.
    end: () => child.kill('SIGINT'),
    logger: spec.logger,
  });
  const exited = child.exited.then(async (): Promise<ProcessExit> => {
    lifeline[Symbol.dispose]();
    const limit = limits.reached();
    await Promise.allSettled([options.onEnd?.(), limits.release()]);
    return { ...exitOf(child), ...(limit === undefined ? {} : { limit }) };
  });
  await writeOrder(child.stdin, order);
  return {
    pid: child.pid,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    held: limits.held,
    async stop(graceMs) {
      const leftMs = spec.port === undefined ? await endInput(child, graceMs) : graceMs;
      if (!hasEnded(child)) child.kill('SIGTERM');
      await waitForEnd(child, leftMs);
      // Not by killing the supervisor: it would leave behind what it stands by.
      if (!hasEnded(child)) child.kill('SIGINT');
      await exited;
    },
  };
}
