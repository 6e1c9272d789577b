import { lstatSync } from 'node:fs';
import { copyFile, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, messageOf, ThvError, toThvError } from '../errors/index.ts';
import { acquireLock, formatLocalTime, type Logger, writeFileAtomic } from '../platform/index.ts';
import { createFileMemory } from './file-memory.ts';
import { toJsonText } from './json-text.ts';
import { isMissing, readIfPresent } from './run-config-store.ts';
import { parseStatusFile, type StatusRecord, type WorkloadStatus } from './status.ts';
import { parseWorkloadName, type WorkloadName } from './workload-name.ts';

/** What a status change may depend on; the record is read under the lock. */
export type Condition = (record: StatusRecord) => boolean;

/** One change of a status file; what it does not name stays as it is. */
export interface StatusChange {
  readonly status?: WorkloadStatus;
  /** Goes with `status`; default ''. */
  readonly context?: string;
  readonly processId?: number;
  /** With it, the file is changed only when it exists and this holds for it; without it, a missing file is made. */
  readonly when?: Condition | undefined;
}

export interface StatusListing {
  readonly records: ReadonlyMap<WorkloadName, StatusRecord>;
  /** Files that are there and cannot be read, and why. */
  readonly unreadable: ReadonlyMap<WorkloadName, ThvError>;
}

/**
 * `<data>/toolhive/statuses/<base>.json`, shared with other versions of the program (spec 02 §4). Its writes throw; what must not
 * depend on them goes through a `StatusRecorder`.
 */
export interface StatusStore {
  /** `undefined` when there is no file. Takes a lock only to mend a damaged one. Throws `ERR_STATUS_FILE_INVALID`. */
  find(name: WorkloadName): Promise<StatusRecord | undefined>;
  /** Throws only when the folder itself cannot be read. */
  list(): Promise<StatusListing>;
  /** Sets status and context, creating the file, or replacing one that cannot be read; keeps process id and creation time. */
  set(name: WorkloadName, status: WorkloadStatus, context?: string): Promise<void>;
  /** As `set`, but only when the file exists and `condition` holds for it under the lock. */
  setIf(name: WorkloadName, condition: Condition, status: WorkloadStatus, context?: string): Promise<boolean>;
  /** `false` when the condition did not hold. */
  change(name: WorkloadName, change: StatusChange): Promise<boolean>;
  /** No effect when the file is missing. */
  setProcessId(name: WorkloadName, processId: number): Promise<void>;
  /** Sets it to 0 when the file names exactly this process: a dying supervisor must not clobber its successor. */
  resetProcessId(name: WorkloadName, processId: number): Promise<void>;
  /** A missing file is fine. With `when`, one that can be read is deleted only when it holds. */
  delete(name: WorkloadName, when?: Condition): Promise<void>;
  /** Path of the status file, to name it in messages. */
  pathOf(name: WorkloadName): string;
}

export function createStatusStore(
  dataFolder: string,
  logger: Logger,
  now: () => Date = () => new Date(),
): StatusStore {
  const folder = join(dataFolder, 'statuses');
  const pathOf = (name: WorkloadName) => join(folder, `${name}.json`);
  const memory = createFileMemory<StatusRecord>();

  function lock(name: WorkloadName) {
    return acquireLock(join(folder, `${name}.lock`), {
      purpose: `failed to acquire lock for workload ${name}`,
    });
  }

  async function textOf(name: WorkloadName): Promise<string | undefined> {
    const path = pathOf(name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    // Reading a pipe would wait for ever; links are followed by the system's own rules.
    if (found.isFile() || found.isSymbolicLink()) return await readIfPresent(path);
    const reason = `${path} is not a regular file`;
    throw new ThvError('ERR_STATUS_FILE_INVALID', { path, reason }, { hint: 'move it away' });
  }

  /** Under the lock: a damaged file is mended, one beyond repair is copied for people to look at. */
  async function read(name: WorkloadName): Promise<StatusRecord | undefined> {
    const path = pathOf(name);
    const text = await textOf(name);
    if (text === undefined) return undefined;
    try {
      const { record, repaired } = parseStatusFile(text, path);
      if (repaired) await write(name, record).catch(() => undefined); // the next reader mends it as well
      return record;
    } catch (error) {
      await copyFile(path, `${path}.corrupted`).catch(() => undefined); // the copy is for people; the error stands anyway
      throw error;
    }
  }

  /** A sound file needs no lock to be read, because it is replaced as a whole; a damaged one is mended under it, where it can be had. */
  async function find(name: WorkloadName): Promise<StatusRecord | undefined> {
    const text = await textOf(name);
    if (text === undefined) return undefined;
    let mended: StatusRecord | undefined;
    let problem: unknown;
    try {
      const { record, repaired } = parseStatusFile(text, pathOf(name));
      if (!repaired) return record;
      mended = record;
    } catch (error) {
      problem = error;
    }
    try {
      using _ = await lock(name);
      return await read(name);
    } catch (error) {
      if (mended !== undefined) return mended;
      throw hasCode(error, 'ERR_STATUS_FILE_INVALID') ? error : problem;
    }
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
    using _ = await lock(name);
    const changed = change(await readForChange(name));
    if (changed === undefined) return false;
    await write(name, changed);
    return true;
  }

  function changed(
    record: StatusRecord | undefined,
    { status, context = '', processId, when }: StatusChange,
  ): StatusRecord | undefined {
    if (when !== undefined && (record === undefined || !when(record))) return undefined;
    if (record === undefined && status === undefined) return undefined;
    const time = formatLocalTime(now(), 'milliseconds');
    return {
      status: 'unknown',
      created_at: time,
      process_id: 0,
      ...record,
      ...(status === undefined ? {} : { status, status_context: context, updated_at: time }),
      ...(processId === undefined ? {} : { process_id: processId }),
    };
  }

  const change = (name: WorkloadName, wanted: StatusChange) =>
    update(name, (record) => changed(record, wanted));

  async function list(): Promise<StatusListing> {
    const records = new Map<WorkloadName, StatusRecord>();
    const unreadable = new Map<WorkloadName, ThvError>();
    for (const entry of await entriesOf(folder)) {
      let name: WorkloadName | undefined;
      try {
        const known = parseWorkloadName(entry);
        name = known;
        const record = await memory.through(pathOf(known), () => find(known));
        if (record !== undefined) records.set(known, record);
      } catch (error) {
        const problem = toThvError(error);
        logger.warn('status of a workload cannot be read', { workload: entry, error: problem });
        if (name !== undefined) unreadable.set(name, problem);
      }
    }
    return { records, unreadable };
  }

  return {
    pathOf,
    find,
    list,
    change,
    async set(name, status, context = '') {
      await change(name, { status, context });
    },
    setIf: (name, when, status, context = '') => change(name, { status, context, when }),
    async setProcessId(name, processId) {
      await change(name, { processId });
    },
    async resetProcessId(name, processId) {
      await change(name, { processId: 0, when: (record) => record.process_id === processId });
    },
    async delete(name, when) {
      using _ = await lock(name);
      const record = when === undefined ? undefined : await read(name).catch(() => undefined); // unreadable: goes
      if (record !== undefined && when?.(record) === false) return;
      await remove(pathOf(name));
      await remove(`${pathOf(name)}.corrupted`);
    },
  };
}

/** An empty folder in the place of a file goes as well; one with something in it is nothing that this program made. */
async function remove(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === true) await rmdir(path);
  else await rm(path, { force: true });
}

/** Every entry that is to be a status file, whatever it is. */
async function entriesOf(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    return names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
  } catch (error) {
    if (isMissing(error)) return [];
    const reason = `failed to read the status files: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path: folder, reason }, { cause: error });
  }
}
