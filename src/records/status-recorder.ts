import { messageOf } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import type { Condition, StatusChange, StatusStore } from './status-store.ts';
import type { WorkloadName } from './workload-name.ts';

/**
 * Writes what was observed to status files and never throws: what happened has happened, whether or not it can be written down.
 * A change that cannot be written waits in memory, is tried again with growing delays, and is told once a minute.
 */
export interface StatusRecorder extends AsyncDisposable {
  /** Resolves after the first attempt, with whether nothing has to be tried again. */
  record(name: WorkloadName, change: StatusChange): Promise<boolean>;
  /** The same for the deletion of the file; see `StatusStore.delete`. */
  delete(name: WorkloadName, when?: Condition): Promise<boolean>;
  /** Gives up what waits for this workload, because someone else has the last word on it now. */
  drop(name: WorkloadName): void;
  /** How many workloads have something waiting. */
  waiting(): number;
}

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 15_000;
const TELL_EVERY_MS = 60_000;

/** What is to become of a status file. */
type Wanted =
  | { readonly type: 'change'; readonly change: StatusChange }
  | { readonly type: 'delete'; readonly when: Condition | undefined };

interface Waiting {
  readonly wanted: Wanted;
  delayMs: number;
  toldAt: number | undefined;
  timer: Timer | undefined;
}

export function createStatusRecorder(statuses: StatusStore, logger: Logger): StatusRecorder {
  const waiting = new Map<WorkloadName, Waiting>();
  /** The last attempt of each workload, so that an older one never writes over a newer one. */
  const attempts = new Map<WorkloadName, Promise<boolean>>();

  function attempt(name: WorkloadName, entry: Waiting): Promise<boolean> {
    const before = attempts.get(name);
    const present = (before ?? Promise.resolve()).then(() => write(name, entry));
    attempts.set(name, present);
    return present.finally(() => {
      if (attempts.get(name) === present) attempts.delete(name);
    });
  }

  async function write(name: WorkloadName, entry: Waiting): Promise<boolean> {
    if (waiting.get(name) !== entry) return false; // a newer change holds this one, or it was dropped
    entry.timer = undefined;
    try {
      if (entry.wanted.type === 'delete') await statuses.delete(name, entry.wanted.when);
      else await statuses.change(name, entry.wanted.change);
    } catch (error) {
      if (waiting.get(name) !== entry) return false;
      tell(name, entry, error);
      entry.timer = setTimeout(() => void attempt(name, entry), entry.delayMs);
      entry.timer.unref();
      entry.delayMs = Math.min(entry.delayMs * 2, LAST_DELAY_MS);
      return false;
    }
    if (waiting.get(name) === entry) waiting.delete(name);
    if (entry.toldAt !== undefined) logger.info('status recorded at last', { workload: name });
    return true;
  }

  function tell(name: WorkloadName, entry: Waiting, error: unknown): void {
    const now = performance.now();
    if (entry.toldAt !== undefined && now - entry.toldAt < TELL_EVERY_MS) return;
    entry.toldAt = now;
    const status = entry.wanted.type === 'delete' ? 'deleted' : entry.wanted.change.status;
    logger.warn('status cannot be recorded, trying again', {
      workload: name,
      status,
      error: messageOf(error),
    });
  }

  function want(name: WorkloadName, wanted: Wanted): Promise<boolean> {
    const before = waiting.get(name);
    clearTimeout(before?.timer);
    const entry: Waiting = {
      wanted: before === undefined ? wanted : merged(before.wanted, wanted),
      delayMs: FIRST_DELAY_MS,
      toldAt: before?.toldAt,
      timer: undefined,
    };
    waiting.set(name, entry);
    return attempt(name, entry);
  }

  function drop(name: WorkloadName): void {
    clearTimeout(waiting.get(name)?.timer);
    waiting.delete(name);
  }

  return {
    record: (name, change) => want(name, { type: 'change', change }),
    delete: (name, when) => want(name, { type: 'delete', when }),
    drop,
    waiting: () => waiting.size,
    async [Symbol.asyncDispose]() {
      const last = [...waiting].map(([name, entry]) => attempt(name, entry));
      await Promise.all(last);
      for (const name of [...waiting.keys()]) drop(name);
    },
  };
}

/** Both changes in one. A file that the earlier one was to make is still to be made. */
function merged(earlier: Wanted, later: Wanted): Wanted {
  if (earlier.type === 'delete' || later.type === 'delete') return later;
  const when = earlier.change.when === undefined ? undefined : later.change.when;
  const { when: _, ...change } = { ...earlier.change, ...later.change };
  return { type: 'change', change: { ...change, when } };
}
