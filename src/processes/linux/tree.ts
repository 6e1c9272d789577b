import { readFileSync } from 'node:fs';
import { isProcessAlive } from '../../platform/index.ts';
import { type Child, exitOf, hasEnded, waitForEnd } from '../child.ts';
import type { ProcessExit, SandboxedProcess } from '../types.ts';

const LOOK_MS = 20;

interface Tree {
  readonly process: SandboxedProcess;
  /** Runs `task` when the process has ended. */
  onEnd(task: () => Promise<void>): void;
}

/**
 * A process whose children live in a process id namespace, as one thing: the kernel ends all of them with the first, which
 * our child waits for.
 */
export function watchTree(child: Child): Tree {
  const tasks: (() => Promise<void>)[] = [];
  let first: number | undefined;
  const exited = child.exited.then(async (): Promise<ProcessExit> => {
    // Ours may have died without it, by a signal of somebody else's; then the kernel ends it a moment later.
    if (first !== undefined) await untilGone(first);
    await Promise.allSettled(tasks.map((task) => task()));
    return exitOf(child);
  });
  const find = () => {
    first ??= onlyChildOf(child.pid);
    return first;
  };
  return {
    process: {
      pid: child.pid,
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exited,
      async stop(graceMs) {
        const init = find();
        if (init !== undefined && graceMs > 0 && !hasEnded(child)) {
          send(init, 'SIGTERM');
          await waitForEnd(child, graceMs);
        }
        if (!hasEnded(child)) {
          child.kill('SIGKILL');
          if (init !== undefined) send(init, 'SIGKILL');
        }
        await exited;
      },
    },
    onEnd(task) {
      find();
      tasks.push(task);
    },
  };
}

/** Process 1 of the namespace, by the number it has outside; `undefined` when it is gone or cannot be learned. */
function onlyChildOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    return child === undefined ? undefined : Number(child);
  } catch {
    return undefined; // ended in the meantime
  }
}

async function untilGone(pid: number): Promise<void> {
  send(pid, 'SIGKILL');
  while (isProcessAlive(pid)) await Bun.sleep(LOOK_MS);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}
