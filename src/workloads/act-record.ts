import { messageOf, ThvError } from '../errors/index.ts';
import type { StatusRecord, WorkloadName, WorkloadStatus } from '../records/index.ts';
import type { Context } from './context.ts';

/**
 * How a command records what it does to a workload: it acts first, and what cannot be recorded neither keeps it from acting nor goes
 * untold. What is left at the end is handed to the workload host, which tries again; without one, the next command sees it by itself.
 */
export interface ActRecord {
  /** A step on the way; nobody needs it once the act is over. */
  step(status: WorkloadStatus, context?: string): Promise<void>;
  /** The outcome. Throws `ERR_NOT_RECORDED`, which says what was done all the same. */
  outcome(status: WorkloadStatus, done: string): Promise<void>;
  /** The workload is gone. `undefined`, or what to tell of the file that is left. */
  removal(): Promise<string | undefined>;
}

export function createActRecord(context: Context, name: WorkloadName): ActRecord {
  const { statuses, logger } = context;

  /** Gives the remedy: who is going to try again. */
  async function handOver(status: WorkloadStatus | undefined, before: StatusRecord | undefined) {
    try {
      const host = await context.findHost();
      if (host === undefined) return "the next 'thv list --all' tries again";
      const updatedAt = before?.updated_at;
      await host.record(name, {
        ...(status === undefined ? {} : { status }),
        ...(updatedAt === undefined ? {} : { updatedAt }),
      });
      return 'the workload host goes on trying';
    } catch (error) {
      logger.debug('record not handed to the workload host', { workload: name, error });
      return "the next 'thv list --all' tries again";
    }
  }

  const present = () => statuses.find(name).catch(() => undefined); // unreadable: replaced by whatever is recorded next

  return {
    async step(status, text) {
      try {
        await statuses.set(name, status, text);
      } catch (error) {
        logger.debug('step not recorded', { workload: name, status, error: messageOf(error) });
      }
    },
    async outcome(status, done) {
      try {
        await statuses.set(name, status);
      } catch (error) {
        const hint = await handOver(status, await present());
        const reason = messageOf(error);
        throw new ThvError('ERR_NOT_RECORDED', { workload: name, done, reason }, { hint, cause: error });
      }
    },
    async removal() {
      try {
        await statuses.delete(name);
        return undefined;
      } catch (error) {
        const next = await handOver(undefined, await present());
        return `${statuses.pathOf(name)}: ${messageOf(error)} (${next})`;
      }
    },
  };
}
