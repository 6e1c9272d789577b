import { messageOf, ThvError } from '../errors/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { createActRecord } from './act-record.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { deleteCreatedSecrets } from './created-secrets.ts';
import { writeLearnedProfile } from './learn.ts';
import { leftBehind } from './left-behind.ts';
import { locateWorkload } from './locate.ts';
import { findReadable, findRecord, isStored } from './stored.ts';
import { endSupervisor } from './supervisor.ts';
import type { Acted, OperationOptions } from './types.ts';

/** Stops a workload and deletes all that is left of it. Throws `ERR_LEFT_BEHIND` with what could not be deleted. */
export async function removeWorkload(
  context: Context,
  name: WorkloadName,
  { keepLogs, signal }: OperationOptions & { readonly keepLogs: boolean },
): Promise<Acted> {
  const { logger, statuses } = context;
  const config = await findReadable(context, name);
  const place = await locateWorkload(context, name, config, { signal });
  const record = await findRecord(context, name);
  const isKnown = record !== undefined || place.isThere || (await isStored(context, name));
  await bestEffort(logger, 'failed to record that the workload is being removed', () =>
    statuses.setIf(name, () => true, 'removing'),
  );
  const wasServed = await endSupervisor(context, name, record, { signal });
  await place.remove({ wasServed, config, signal });
  await leaveClients(context, name, config);
  const note = await writeLearnedProfile(context, name, config);
  const left: string[] = [];
  for (const { what, remove } of leftBehind(context, name, config, {
    keep: keepLogs ? ['logs'] : [],
    signal,
  })) {
    try {
      await remove();
    } catch (error) {
      left.push(`${what} (${messageOf(error)})`);
    }
  }
  const status = await createActRecord(context, name).removal();
  if (status !== undefined) left.push(`its status file (${status})`);
  await deleteSecretsOf(context, config, { signal });
  if (left.length > 0) throw new ThvError('ERR_LEFT_BEHIND', { workload: name, left });
  return { result: isKnown || wasServed ? 'done' : 'not-found', note };
}

/** Takes back a run that failed or was cancelled before it was over. Each step is taken whatever became of the others. */
export async function discardWorkload(
  context: Context,
  name: WorkloadName,
  config: RunConfig,
): Promise<void> {
  const { logger, desired, statuses } = context;
  const attempt = (what: string, step: () => unknown) => bestEffort(logger, what, async () => step());
  // A host may have taken it, though its answer was lost.
  await attempt('failed to end what serves the workload', async () =>
    endSupervisor(context, name, await findRecord(context, name)),
  );
  await attempt('failed to forget that the workload is meant to run', () => desired.remove(name));
  await attempt('failed to remove the server', async () => {
    const place = await locateWorkload(context, name, config, {});
    await place.remove({ wasServed: false, config: undefined });
  });
  await leaveClients(context, name, config);
  for (const { what, remove } of leftBehind(context, name, config, { keep: ['logs', 'profile'] }))
    await attempt(`failed to delete ${what}`, remove);
  await attempt('failed to delete its status file', () => statuses.delete(name));
  await deleteSecretsOf(context, config, {});
}

/** After the document, which would count as one of their users. */
async function deleteSecretsOf(
  context: Context,
  config: RunConfig | undefined,
  options: OperationOptions,
): Promise<void> {
  if (config === undefined) return;
  await bestEffort(context.logger, 'failed to delete the secrets of the workload', () =>
    deleteCreatedSecrets(context, config, options),
  );
}
