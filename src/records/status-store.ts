import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, toThvError } from '../errors/index.ts';
import { acquireLock, formatLocalTime, type Logger, writeFileAtomic } from '../platform/index.ts';
import { createFileMemory } from './file-memory.ts';
import { toJsonText } from './json-text.ts';
import { listJsonNames, readIfPresent } from './run-config-store.ts';
import { parseStatusFile, type StatusRecord, type WorkloadStatus } from './status.ts';
import { parseWorkloadName, type WorkloadName } from './workload-name.ts';

/** What a status change may depend on; the record is read under the lock. */
type Condition = (record: StatusRecord) => boolean;

/** `<data>/toolhive/statuses/<base>.json`, shared with other versions of the program (spec 02 §4). */
export interface StatusStore {
  /** `undefined` when there is no file. Throws `ERR_STATUS_FILE_INVALID`, `ERR_LOCK_TIMEOUT`. */
  find(name: WorkloadName): Promise<StatusRecord | undefined>;
  /** All readable records; one that cannot be read is skipped with a warning. */
  list(): Promise<ReadonlyMap<WorkloadName, StatusRecord>>;
  /** Sets status and context, creating the file, or making one anew that cannot be read; keeps process id and creation time. */
  set(name: WorkloadName, status: WorkloadStatus, context?: string): Promise<void>;
  /** As `set`, but only when the file exists and `condition` holds for it under the lock. */
  setIf(name: WorkloadName, condition: Condition, status: WorkloadStatus, context?: string): Promise<boolean>;
  /** No effect when the file is missing. */
  setProcessId(name: WorkloadName, processId: number): Promise<void>;
  /** To 0, when the file names exactly this process: a dying supervisor must not clobber its successor. */
  resetProcessId(name: WorkloadName, processId: number): Promise<void>;
  delete(name: WorkloadName): Promise<void>;
}

export function createStatusStore(
  dataFolder: string,
  logger: Logger,
  now: () => Date = () => new Date(),
): StatusStore {
  const folder = join(dataFolder, 'statuses');
  const pathOf = (name: WorkloadName) => join(folder, `${name}.json`);
  const memory = createFileMemory<StatusRecord>();

  function lock(name: WorkloadName, mode: 'exclusive' | 'shared') {
    const purpose = mode === 'shared' ? 'failed to acquire read lock' : 'failed to acquire lock';
    return acquireLock(join(folder, `${name}.lock`), { mode, purpose: `${purpose} for workload ${name}` });
  }

  async function read(name: WorkloadName): Promise<StatusRecord | undefined> {
    const path = pathOf(name);
    const text = await readIfPresent(path);
    if (text === undefined) return undefined;
    try {
      const { record, repaired } = parseStatusFile(text, path);
      if (repaired) await write(name, record);
      return record;
    } catch (error) {
      await copyFile(path, `${path}.corrupted`).catch(() => undefined); // the copy is for people; the error stands anyway
      throw error;
    }
  }

  /** A sound file needs no lock to be read, for it is replaced as a whole; a damaged one is mended under it. */
  async function readForList(name: WorkloadName): Promise<StatusRecord | undefined> {
    const text = await readIfPresent(pathOf(name));
    if (text === undefined) return undefined;
    try {
      const { record, repaired } = parseStatusFile(text, pathOf(name));
      if (!repaired) return record;
    } catch {
      // Read again below, where what is wrong is told and kept for people.
    }
    using _ = await lock(name, 'exclusive');
    return await read(name);
  }

  async function write(name: WorkloadName, record: StatusRecord): Promise<void> {
    const { status, status_context, created_at, updated_at, process_id, ...rest } = record;
    await writeFileAtomic(
      pathOf(name),
      toJsonText({
        status,
        status_context: status_context || undefined,
        created_at,
        updated_at,
        process_id,
        ...rest,
      }),
    );
  }

  /** What a change starts from: a file that cannot be read counts as missing, or its workload could never be removed. */
  async function readForChange(name: WorkloadName): Promise<StatusRecord | undefined> {
    try {
      return await read(name);
    } catch (error) {
      if (!hasCode(error, 'ERR_STATUS_FILE_INVALID')) throw error;
      return undefined; // its content is kept in the copy
    }
  }

  /** Reads, changes and writes under the lock; `change` returns `undefined` to leave the file alone. */
  async function update(
    name: WorkloadName,
    change: (record: StatusRecord | undefined) => StatusRecord | undefined,
  ): Promise<boolean> {
    using _ = await lock(name, 'exclusive');
    const changed = change(await readForChange(name));
    if (changed === undefined) return false;
    await write(name, changed);
    return true;
  }

  function withStatus(
    record: StatusRecord | undefined,
    status: WorkloadStatus,
    context: string,
  ): StatusRecord {
    const time = formatLocalTime(now(), 'milliseconds');
    return {
      created_at: time,
      process_id: 0,
      ...record,
      status,
      status_context: context,
      updated_at: time,
    };
  }

  return {
    async find(name) {
      using _ = await lock(name, 'shared');
      return await read(name);
    },
    async list() {
      const records = new Map<WorkloadName, StatusRecord>();
      for (const entry of await listJsonNames(folder)) {
        try {
          const name = parseWorkloadName(entry);
          const record = await memory.through(pathOf(name), () => readForList(name));
          if (record !== undefined) records.set(name, record);
        } catch (error) {
          logger.warn('skipping workload with unreadable status', {
            workload: entry,
            error: toThvError(error),
          });
        }
      }
      return records;
    },
    async set(name, status, context = '') {
      await update(name, (record) => withStatus(record, status, context));
    },
    setIf: (name, condition, status, context = '') =>
      update(name, (record) =>
        record !== undefined && condition(record) ? withStatus(record, status, context) : undefined,
      ),
    async setProcessId(name, processId) {
      await update(name, (record) =>
        record === undefined ? undefined : { ...record, process_id: processId },
      );
    },
    async resetProcessId(name, processId) {
      await update(name, (record) =>
        record?.process_id === processId ? { ...record, process_id: 0 } : undefined,
      );
    },
    async delete(name) {
      using _ = await lock(name, 'exclusive');
      for (const path of [pathOf(name), `${pathOf(name)}.corrupted`]) await rm(path, { force: true });
    },
  };
}
