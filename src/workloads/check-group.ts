import { ThvError } from '../errors/index.ts';
import { groupExists } from '../groups/index.ts';
import type { WorkloadName } from '../records/index.ts';
import type { Context } from './context.ts';

/** Spec 01 §4.4, steps 5 and 6. A workload that failed may be run again, but does not change its group by the way. */
export async function checkGroup(context: Context, name: WorkloadName, group: string): Promise<void> {
  const earlier = await context.runConfigs.find(name).catch(() => undefined); // unreadable: in no group
  if (earlier?.group && earlier.group !== group)
    throw new ThvError('ERR_WORKLOAD_IN_OTHER_GROUP', { workload: name, group: earlier.group });
  if (group !== '' && !groupExists(context.paths.state, group))
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group });
}
