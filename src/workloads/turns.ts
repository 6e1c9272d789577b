import { join } from 'node:path';
import { hasCode, messageOf } from '../errors/index.ts';
import { acquireLock, isLocked, type Logger, type Paths } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';

/** Longest time that a change of one workload may take (spec 10 §11.7), and so the longest wait for a turn. */
const TURN_TIMEOUT_MS = 5 * 60_000;

function lockPath(paths: Paths, name: WorkloadName): string {
  return join(paths.data, 'statuses', `${name}.change.lock`);
}

/** Whether somebody is changing the workload at this moment. */
export function isChanging(paths: Paths, name: WorkloadName): boolean {
  return isLocked(lockPath(paths, name));
}

/**
 * One change of a workload at a time: a stop, a removal and a start that come at once would undo parts of each other. In
 * this process they queue. A lock file keeps out other processes; only the head of the queue tries to take it. Where no lock file can
 * be made, as on a read-only disk, a change goes on without it, because a stop matters more than what a second change might do.
 */
export function createTurns(paths: Paths, logger: Logger) {
  const last = new Map<WorkloadName, Promise<void>>();

  return async (name: WorkloadName, signal?: AbortSignal): Promise<Disposable> => {
    const before = last.get(name);
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    last.set(name, over);
    const leave = () => {
      if (last.get(name) === over) last.delete(name);
      end();
    };
    try {
      await before;
      signal?.throwIfAborted();
      const held = await acquireLock(lockPath(paths, name), {
        timeoutMs: TURN_TIMEOUT_MS,
        purpose: `failed to wait for another change of workload ${name}`,
      }).catch((error: unknown) => {
        if (hasCode(error, 'ERR_LOCK_TIMEOUT')) throw error;
        logger.warn('no lock against other changes of the workload', {
          workload: name,
          error: messageOf(error),
        });
        return undefined;
      });
      return {
        [Symbol.dispose]() {
          held?.release();
          leave();
        },
      };
    } catch (error) {
      leave();
      throw error;
    }
  };
}
