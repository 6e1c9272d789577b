import type {
  RunConfigStore,
  StatusChange,
  StatusRecorder,
  StatusStore,
  WorkloadName,
  WorkloadStatus,
} from '../records/index.ts';

/** A record that takes longer is not waited for: a disk that hangs must not keep a server from being started again. */
const PATIENCE_MS = 2000;

/** What a run says of its workload. */
export interface Observation {
  readonly status: WorkloadStatus;
  /** '' for none. */
  readonly context: string;
}

/**
 * The status of one run's workload: kept in memory, where others ask for it, and recorded in the status file as soon as that is
 * possible. Nothing here throws or fails a run.
 */
export interface ObservedStatus {
  present(): Observation;
  /** The run begins: makes the file if need be. */
  begin(): Promise<void>;
  set(status: WorkloadStatus, context?: string): Promise<void>;
  /** It serves; what its remote server said of a token stays. */
  serving(remark: string): Promise<void>;
  /** Puts right a file that says something else while the workload is served, or that is lost. */
  confirm(): Promise<void>;
  /** Whether someone removed the workload: neither its status file nor its document is there any more. */
  isRemoved(): Promise<boolean>;
  /** The run is over. */
  end(): Promise<void>;
}

interface ObservedStatusOptions {
  readonly statuses: StatusStore;
  readonly runConfigs: RunConfigStore;
  readonly recorder: StatusRecorder;
}

export function createObservedStatus(
  name: WorkloadName,
  { statuses, runConfigs, recorder }: ObservedStatusOptions,
): ObservedStatus {
  let present: Observation = { status: 'starting', context: '' };

  /** Records are written in the order in which they are made, waited for or not. */
  async function record(change: StatusChange): Promise<void> {
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, PATIENCE_MS);
    await Promise.race([recorder.record(name, change), patience.promise]);
    clearTimeout(timer);
  }

  async function set(status: WorkloadStatus, context = ''): Promise<void> {
    present = { status, context };
    await record({ status, context, when: (filed) => isOurs(filed.status) });
  }

  async function isRemoved(): Promise<boolean> {
    try {
      if ((await statuses.find(name)) !== undefined) return false;
      return (await runConfigs.find(name)) === undefined;
    } catch {
      return false; // what cannot be read is there
    }
  }

  return {
    present: () => present,
    set,
    isRemoved,
    begin: () => record({ status: 'starting', processId: process.pid }),
    async serving(remark) {
      if (present.status !== 'unauthenticated') present = { status: 'running', context: remark };
      const { status, context } = present;
      await record({
        status,
        context,
        processId: process.pid,
        when: (filed) => isOurs(filed.status),
      });
    },
    async confirm() {
      if (present.status !== 'running') return;
      let filed: string | undefined;
      try {
        filed = (await statuses.find(name))?.status;
      } catch {
        return; // unreadable, and not to be replaced: a person may want to look at it
      }
      if (filed === 'unhealthy') await set('running', present.context);
      else if (filed === undefined && !(await isRemoved()))
        await record({ ...present, processId: process.pid });
    },
    end: () => record({ processId: 0, when: (filed) => filed.process_id === process.pid }),
  };
}

const OURS: ReadonlySet<string> = new Set(['starting', 'running', 'unauthenticated', 'unhealthy', 'error']);

/** States in which the supervisor may write; in the others a stop or a removal is under way and has the last word. */
function isOurs(status: string): boolean {
  return OURS.has(status);
}
