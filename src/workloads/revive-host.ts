import { wasHostLost } from '../host/index.ts';
import { bestEffort, type Context } from './context.ts';

/**
 * A host that was killed together with its guard, or by the end of the machine, comes back with the next look at the workloads, and
 * serves what is meant to run. One that ended as it was told stays away.
 */
export async function reviveHost(context: Context): Promise<void> {
  if (!wasHostLost(context.paths)) return;
  await bestEffort(context.logger, 'the workload host was killed and does not come back', async () => {
    if ((await context.desired.list(context.env)).size > 0) await context.ensureHost(false);
  });
}
