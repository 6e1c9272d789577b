import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ThvError, toThvError } from '../errors/index.ts';
import { parseWorkloadName, type WorkloadName } from '../records/index.ts';
import type { OutputChunk } from '../runtimes/index.ts';
import type { Context } from './context.ts';
import { listWorkloads } from './list.ts';
import type { OperationOptions } from './types.ts';

/** Log of the workload host itself; belongs to no workload and is never pruned. */
const HOST_LOG = 'thv-host';

/** What a workload's server printed (spec 02 §11). Throws `ERR_LOGS_NOT_FOUND`. */
export async function* serverLogs(
  context: Context,
  rawName: string,
  {
    follow,
    tail = 'all',
    signal,
  }: OperationOptions & { readonly follow: boolean; readonly tail?: number | 'all' },
): AsyncGenerator<OutputChunk> {
  const name = parseWorkloadName(rawName);
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: its runtime may know more
  const hasEnded = () => hasEndedForGood(context, name);
  const chunks = await context.runtimes
    .of(config)
    .logs(name, { follow, tail, signal, hasEndedForGood: hasEnded });
  if (chunks === undefined) {
    const isUnknown = config === undefined && (await context.statuses.find(name)) === undefined;
    throw new ThvError(isUnknown ? 'ERR_WORKLOAD_NOT_FOUND' : 'ERR_LOGS_NOT_FOUND', { workload: name });
  }
  yield* chunks;
}

/** Stopped, failed or removed, as opposed to on its way to its next life. */
async function hasEndedForGood(context: Context, name: WorkloadName): Promise<boolean> {
  const record = await context.statuses.find(name).catch(() => 'unreadable' as const); // it may go on
  if (record === 'unreadable') return false;
  return record === undefined || record.status === 'stopped' || record.status === 'error';
}

export interface PruneResult {
  readonly folderExists: boolean;
  readonly logFiles: number;
  readonly removed: readonly string[];
  readonly failed: readonly { readonly path: string; readonly error: Error }[];
}

/** Deletes the log files, older parts included, whose workload does not exist in any state. */
export async function pruneLogs(context: Context, options: OperationOptions = {}): Promise<PruneResult> {
  const folder = join(context.paths.data, 'logs');
  const files = await logFilesIn(folder);
  if (files === undefined) return { folderExists: false, logFiles: 0, removed: [], failed: [] };
  const listed = await listWorkloads(context, { all: true }, options);
  // Where a status file cannot be read, the document still tells that there is such a workload.
  const known = new Set<string>([...listed.map(({ name }) => name), ...(await context.runConfigs.names())]);
  const removed: string[] = [];
  const failed: { path: string; error: Error }[] = [];
  for (const file of files) {
    if (known.has(basename(file).replace(/\.log(?:\.\d+)?$/, ''))) continue;
    const path = join(folder, file);
    try {
      await rm(path);
      removed.push(path);
    } catch (error) {
      failed.push({ path, error: toThvError(error) });
    }
  }
  return { folderExists: true, logFiles: files.length, removed, failed };
}

async function logFilesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => /\.log(?:\.\d+)?$/.test(name) && !name.startsWith(`${HOST_LOG}.log`))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
