import { toThvError } from '../errors/index.ts';
import type { RunConfig, StatusRecord, WorkloadName } from '../records/index.ts';
import type { Context } from './context.ts';

/** The document if it can be read: a damaged one must not keep its workload from being stopped or removed. */
export async function findReadable(
  { runConfigs }: Context,
  name: WorkloadName,
): Promise<RunConfig | undefined> {
  return await runConfigs.find(name).catch(() => undefined);
}

/** A document, readable or not, is a workload even where nothing else is left of it. */
export async function isStored({ runConfigs }: Context, name: WorkloadName): Promise<boolean> {
  return (await runConfigs.names()).includes(name);
}

/** Whether both the document and the status file are gone. */
export async function isGone(context: Context, name: WorkloadName): Promise<boolean> {
  try {
    return (await context.statuses.find(name)) === undefined && !(await isStored(context, name));
  } catch {
    return false; // what cannot be read is there
  }
}

/** An unreadable status file must not keep its workload from being started, stopped or removed. */
export async function findRecord(context: Context, name: WorkloadName): Promise<StatusRecord | undefined> {
  try {
    return await context.statuses.find(name);
  } catch (error) {
    context.logger.warn('status file cannot be read', { workload: name, error: toThvError(error) });
    return undefined;
  }
}
