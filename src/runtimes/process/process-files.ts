import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../errors/index.ts';
import { type Logger, type Paths, removeLeftTrees, removeTree } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';

/** What a workload that is a process keeps: its work folder, and what it printed. */
export function processFolder(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(paths.data, 'processes', name);
}

/** What its server printed, stdout of stdio servers excepted, which is the protocol. Older parts end in `.1` and `.2`. */
export function outputPath(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(processFolder(paths, name), 'output.log');
}

/**
 * Sets how long the server gets to end when its run is ended next. It is kept on disk, because a dedicated process may serve the
 * workload, and only a signal reaches that.
 */
export function grantStopTime(paths: Pick<Paths, 'data'>, name: WorkloadName, seconds: number): void {
  mkdirSync(processFolder(paths, name), { recursive: true, mode: 0o700 });
  writeFileSync(stopTimePath(paths, name), String(seconds), { mode: 0o600 });
}

/** Seconds that were granted since the last call; `undefined` when none were. */
export function takeStopTime(paths: Pick<Paths, 'data'>, name: WorkloadName): number | undefined {
  const path = stopTimePath(paths, name);
  try {
    const text = readFileSync(path, 'utf8');
    rmSync(path, { force: true });
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined; // nobody said anything
  }
}

function stopTimePath(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(processFolder(paths, name), 'stop-seconds');
}

/**
 * With everything the server wrote to its work folder. Throws `ERR_REMOVAL_FAILED` with the place of what is left, where the next
 * workload of that name does not find it.
 */
export async function deleteProcessFolder(
  paths: Pick<Paths, 'data'>,
  name: WorkloadName,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await removeTree(processFolder(paths, name), options);
}

/**
 * Before a workload is made: one that had its name may have left a folder, by way of a crash or because it could not be removed, and
 * what is in there is not the new one's. Throws `ERR_REMOVAL_FAILED` when it stays in the way.
 */
export async function clearProcessFolder(
  paths: Pick<Paths, 'data'>,
  name: WorkloadName,
  logger: Logger,
): Promise<void> {
  try {
    await deleteProcessFolder(paths, name);
  } catch (error) {
    if (existsSync(processFolder(paths, name))) throw error;
    logger.warn('failed to delete what an earlier workload of this name left', { error: messageOf(error) });
  }
}

/** Tries again to delete what could not be deleted of workloads that are gone. */
export async function deleteProcessLeftovers(
  paths: Pick<Paths, 'data'>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  await removeLeftTrees(join(paths.data, 'processes'), options);
}
