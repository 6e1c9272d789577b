import { readFileSync } from 'node:fs';
import { beginOfProcess } from '../../platform/index.ts';
import { type Child, endInput, exitOf, hasEnded, waitForEnd } from '../child.ts';
import type { HeldTree } from '../limits/hold-limits.ts';
import type { ProcessExit, SandboxedProcess } from '../types.ts';

const LOOK_MS = 20;

export interface Tree {
  readonly process: SandboxedProcess;
  /** Process 1 of the namespace, as it is known here; `undefined` when it is gone. */
  first(): number | undefined;
  /** Lets the limits go when it has ended; they say which of them ended it. */
  hold(held: HeldTree): void;
  /** Runs `task` when the process has ended. */
  onEnd(task: () => Promise<void>): void;
}

/**
 * A process whose children live in a process id namespace, as one thing: the kernel ends all of them with the first, which
 * our child waits for. A server that `readsInput` is told to end by the end of that.
 */
export function watchTree(child: Child, { readsInput }: { readonly readsInput: boolean }): Tree {
  const tasks: (() => Promise<void>)[] = [];
  let first: Init | undefined;
  let limits: HeldTree | undefined;
  const exited = child.exited.then(async (): Promise<ProcessExit> => {
    // A signal from another process may have killed ours alone; then the kernel ends it a moment later.
    if (first !== undefined) await untilGone(first);
    const limit = limits?.reached();
    await Promise.allSettled([...tasks.map((task) => task()), limits?.release()]);
    return { ...exitOf(child), ...(limit === undefined ? {} : { limit }) };
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
      get held() {
        return limits?.held ?? {};
      },
      async stop(graceMs) {
        const init = find();
        const leftMs = readsInput ? await endInput(child, graceMs) : graceMs;
        if (init !== undefined && leftMs > 0 && !hasEnded(child)) {
          send(init, 'SIGTERM');
          await waitForEnd(child, leftMs);
        }
        if (!hasEnded(child)) {
          child.kill('SIGKILL');
          if (init !== undefined) send(init, 'SIGKILL');
        }
        await exited;
      },
    },
    first: () => find()?.pid,
    hold(held) {
      limits = held;
    },
    onEnd(task) {
      find();
      tasks.push(task);
    },
  };
}

interface Init {
  readonly pid: number;
  /** When it began: another process may get its number when it is gone. */
  readonly beganAt: string;
}

/** Process 1 of the namespace, as it is known outside; `undefined` when it is gone or cannot be learned. */
function onlyChildOf(pid: number): Init | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean);
    const beganAt = child === undefined ? undefined : beginOfProcess(Number(child));
    return child === undefined || beganAt === undefined ? undefined : { pid: Number(child), beganAt };
  } catch {
    return undefined; // ended in the meantime
  }
}

function isAlive({ pid, beganAt }: Init): boolean {
  return beginOfProcess(pid) === beganAt;
}

async function untilGone(init: Init): Promise<void> {
  send(init, 'SIGKILL');
  while (isAlive(init)) await Bun.sleep(LOOK_MS);
}

function send(init: Init, signal: NodeJS.Signals): void {
  try {
    if (isAlive(init)) process.kill(init.pid, signal);
  } catch {
    // gone already
  }
}
