import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { OutputChunk } from '../engine/index.ts';
import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import { findContainer, outputPath } from '../host/index.ts';
import { followFile } from '../platform/index.ts';

import { isContainer, isProcess, parseWorkloadName, type WorkloadName } from '../records/index.ts';

import type { Context } from './context.ts';
import { listWorkloads } from './list.ts';
import type { OperationOptions } from './types.ts';

/** Log of the workload host itself; belongs to no workload and is never pruned. */
const HOST_LOG = 'thv-host';

/** What a workload's server printed (spec 02 §11). Throws `ERR_LOGS_NOT_FOUND`. */
export async function* containerLogs(
  context: Context,
  rawName: string,
  {
    follow,
    tail = 'all',
    signal,
  }: OperationOptions & { readonly follow: boolean; readonly tail?: number | 'all' },
): AsyncGenerator<OutputChunk> {
  const name = parseWorkloadName(rawName);
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: the engine may know more
  if (config !== undefined && isProcess(config)) {
    const lifetime = signal ?? new AbortController().signal;
    for await (const bytes of followFile(outputPath(context.paths, name), {
      follow,
      signal: lifetime,
      ...(tail === 'all' ? {} : { lines: tail }),
      isComplete: () => hasEndedForGood(context, name),
    })) {
      yield { stream: 'stdout', bytes };
    }
    return;
  }
  const engine = config === undefined || isContainer(config) ? await context.engine(signal) : undefined;
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  const notFound = new ThvError('ERR_LOGS_NOT_FOUND', { workload: name });
  if (engine === undefined || container === undefined) {
    const isUnknown = config === undefined && (await context.statuses.find(name)) === undefined;
    throw isUnknown ? new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: name }) : notFound;
  }
  try {
    yield* engine.containers.logs(container.Id, { follow, tail, signal });
  } catch (error) {
    throw hasCode(error, 'ERR_CONTAINER_NOT_FOUND') ? notFound : error;
  }
}

/** Stopped, failed or removed, as opposed to on its way to its next life. */
async function hasEndedForGood(context: Context, name: WorkloadName): Promise<boolean> {
  const record = await context.statuses.find(name);
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
