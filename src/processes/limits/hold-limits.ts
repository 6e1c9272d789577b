import type { Logger } from '../../platform/index.ts';
import type { HeldLimits, Holder, ProcessExit, ProcessLimits } from '../types.ts';
import { type ControlGroup, type Limited, openControlGroup } from './control-groups.ts';
import { usageBelow } from './usage.ts';

interface HoldOptions {
  /** The process that looks after the tree, and is not to be limited itself. */
  readonly root: number;
  /** The first one that is; put into a control group before it becomes the server. `undefined` where it cannot be. */
  readonly first: number | undefined;
  readonly limits: ProcessLimits;
  /** What the kernel holds already. */
  readonly byResourceLimit: ReadonlySet<Limited>;
  /** Ends all processes at once. */
  readonly end: () => void;
  readonly logger: Logger;
}

export interface HeldTree {
  readonly held: HeldLimits;
  /** Which of the limits ended it. */
  reached(): ProcessExit['limit'];
  release(): Promise<void>;
}

/** Often enough for a machine that has some memory left, seldom enough not to be noticed. */
const LOOK_MS = 250;

/** Sees to it that a process tree stays within its limits, by the best means that there is here. */
export function holdLimits(options: HoldOptions): HeldTree {
  const { first, limits, byResourceLimit, logger } = options;
  const group = first === undefined ? undefined : openControlGroup(first, limits);
  const watched: ProcessLimits = {
    ...(group?.holds.has('memory') ? {} : { memoryBytes: limits.memoryBytes }),
    ...(group?.holds.has('processes') || byResourceLimit.has('processes')
      ? {}
      : { processes: limits.processes }),
  };
  const watch = startWatch(watched, options);
  const held = {
    ...by('memory', limits.memoryBytes, group, byResourceLimit),
    ...by('processes', limits.processes, group, byResourceLimit),
    ...(group?.holds.has('cpus') ? { cpus: 'control group' as const } : {}),
  };
  if (limits.cpus !== undefined && held.cpus === undefined)
    logger.warn('processors are not limited: no control group can be made here', { cpus: limits.cpus });
  return {
    held,
    reached() {
      if (watch.reached !== undefined) return watch.reached;
      return (group?.memoryKills() ?? 0) > 0 ? 'memory' : undefined;
    },
    async release() {
      watch.stop();
      const refused = group?.refusedForks() ?? 0;
      if (refused > 0)
        logger.warn('processes were refused at the limit: --pids raises it', {
          limit: limits.processes,
          refused,
        });
      await group?.remove();
    },
  };
}

function by(
  limited: 'memory' | 'processes',
  value: number | undefined,
  group: ControlGroup | undefined,
  byResourceLimit: ReadonlySet<Limited>,
): Partial<Record<'memory' | 'processes', Holder>> {
  if (value === undefined) return {};
  if (group?.holds.has(limited)) return { [limited]: 'control group' };
  return { [limited]: byResourceLimit.has(limited) ? 'resource limit' : 'watch' };
}

interface Watch {
  readonly reached: ProcessExit['limit'];
  stop(): void;
}

/** Looks at what a tree uses, and ends it when that is too much. */
function startWatch({ memoryBytes, processes }: ProcessLimits, { root, end, logger }: HoldOptions): Watch {
  let reached: ProcessExit['limit'];
  if (memoryBytes === undefined && processes === undefined) return { reached, stop() {} };
  const isOver = (bytes: number) => memoryBytes !== undefined && bytes > memoryBytes;
  const look = async () => {
    const rough = await usageBelow(root, false);
    if (processes !== undefined && rough.tasks > processes) return 'processes';
    // What is shared was counted several times.
    return isOver(rough.bytes) && isOver((await usageBelow(root, true)).bytes) ? 'memory' : undefined;
  };
  let timer: Timer | undefined;
  let isStopped = false;
  const next = () => {
    timer = setTimeout(async () => {
      reached ??= await look().catch(() => undefined);
      if (reached !== undefined) {
        logger.warn('the processes of the server are ended at a limit', { limit: reached });
        // Repeated, because one of them may be starting others.
        end();
      }
      if (!isStopped) next();
    }, LOOK_MS);
    timer.unref();
  };
  next();
  return {
    get reached() {
      return reached;
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
