import { ThvError } from '../errors/index.ts';
import { createGroupStore, DEFAULT_GROUP, ensureDefaultGroup } from '../groups/index.ts';
import { serverOf } from '../host/index.ts';
import type { WorkloadName } from '../records/index.ts';
import { clientsOf } from './client-entries.ts';
import type { Context } from './context.ts';
import { forEachWorkload } from './for-each.ts';
import { removeWorkload } from './remove.ts';
import type { OperationOptions, Outcome } from './types.ts';

/** Names of a group's workloads, running or stopped, from their documents. */
export async function membersOf(context: Context, group: string): Promise<readonly WorkloadName[]> {
  const members: WorkloadName[] = [];
  for (const name of (await context.runConfigs.names()) as readonly WorkloadName[]) {
    const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: in no group
    if (config?.group === group) members.push(name);
  }
  return members.sort();
}

/** Throws unless the group may be deleted: `ERR_GROUP_PROTECTED`, `ERR_GROUP_NOT_FOUND`. */
export async function checkDeletable(context: Context, group: string): Promise<void> {
  if (group.toLowerCase() === DEFAULT_GROUP) {
    throw new ThvError(
      'ERR_GROUP_PROTECTED',
      { group },
      { hint: "workloads without another group live there; delete them with 'thv rm'" },
    );
  }
  if ((await createGroupStore(context.paths.state).find(group)) !== undefined) return;
  throw new ThvError(
    'ERR_GROUP_NOT_FOUND',
    { group },
    { hint: "use 'thv group list' to see available groups" },
  );
}

/**
 * Deletes a group. Its workloads are deleted too, or move to the default group with their client entries (spec 09 §7).
 * When one of them cannot be, the group stays, and the outcomes tell.
 */
export async function deleteGroup(
  context: Context,
  group: string,
  { withWorkloads, signal }: OperationOptions & { readonly withWorkloads: boolean },
): Promise<readonly Outcome[]> {
  await checkDeletable(context, group);
  const members = await membersOf(context, group);
  const outcomes = await forEachWorkload(members, async (name) => {
    using _ = await context.exclusively(name, signal);
    if (withWorkloads) return await removeWorkload(context, name, { keepLogs: false, signal });
    await moveToGroup(context, name, DEFAULT_GROUP);
    return { result: 'done' };
  });
  if (outcomes.some(({ result }) => result === 'failed')) return outcomes;
  const store = createGroupStore(context.paths.state);
  // What is left of the group in its clients' settings: entries of workloads that nobody knows any more.
  const { clients } = await store.get(group);
  const settings = await clientsOf(context);
  await settings.forget(clients, new Set(await context.runConfigs.names()));
  await store.delete(group);
  return outcomes;
}

/** Puts a workload into another group: its document, and its entries in clients' settings (spec 09 §6.6). */
export async function moveToGroup(context: Context, name: WorkloadName, group: string): Promise<void> {
  await ensureDefaultGroup(context.paths.state);
  const config = await context.runConfigs.get(name);
  if (config.group === group) return;
  const clients = await clientsOf(context);
  await context.runConfigs.save(name, { ...config, group });
  const status = (await context.statuses.find(name))?.status;
  await clients.moveWorkload(serverOf(config), {
    from: config.group || undefined,
    to: group,
    isServed: status === 'running' || status === 'unhealthy',
  });
}
