import { ThvError } from '../errors/index.ts';
import { parseWorkloadName, type WorkloadName } from '../records/index.ts';
import { type NetworkAttempts, networkLogPath, readNetworkAttempts } from '../runtimes/index.ts';
import type { Context } from './context.ts';

/** What the server of a workload tried to reach and was refused, the newest first. Throws `ERR_WORKLOAD_NOT_FOUND`. */
export async function networkAttempts(
  context: Context,
  rawName: string,
): Promise<readonly NetworkAttempts[]> {
  return readNetworkAttempts(context.paths, await known(context, rawName));
}

/** The file of the lines that `networkAttempts` sums up. Throws `ERR_WORKLOAD_NOT_FOUND`. */
export async function networkLogOf(context: Context, rawName: string): Promise<string> {
  return networkLogPath(context.paths, await known(context, rawName));
}

async function known(context: Context, rawName: string): Promise<WorkloadName> {
  const name = parseWorkloadName(rawName);
  // What cannot be read is there all the same.
  const isThere = async (record: Promise<unknown>) => (await record.catch(() => true)) !== undefined;
  if ((await isThere(context.runConfigs.find(name))) || (await isThere(context.statuses.find(name))))
    return name;
  throw new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: name });
}
