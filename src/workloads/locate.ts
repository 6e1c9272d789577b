import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { Place } from '../runtimes/index.ts';
import type { Context } from './context.ts';
import { findDedicated } from './supervisor.ts';
import type { OperationOptions } from './types.ts';

/** Where a workload's server is; `config` is missing where it cannot be read. Throws `ERR_ENGINE_UNAVAILABLE` when that cannot be asked. */
export async function locateWorkload(
  context: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
  { signal }: OperationOptions,
): Promise<Place> {
  return await context.runtimes.ofWorkload(name, config).locate(name, {
    isDocumented: config !== undefined,
    isServed: () => isServed(context, name),
    signal,
  });
}

async function isServed(context: Context, name: WorkloadName): Promise<boolean> {
  const record = await context.statuses.find(name).catch(() => undefined); // unreadable: the claim knows more
  return (await context.desired.has(name)) || findDedicated(context, name, record) !== undefined;
}
