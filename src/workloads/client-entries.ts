import type { ClientSettings, GroupedServer, Registered } from '../clients/index.ts';
import { hasCode, toThvError } from '../errors/index.ts';
import { ensureDefaultGroup } from '../groups/index.ts';
import { openClientSettings, serverOf } from '../host/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { bestEffort, type Context } from './context.ts';
import { listWorkloads } from './list.ts';
import type { OperationOptions } from './types.ts';

/** Takes a workload that is no longer served out of its clients' settings; what fails is warned about (spec 09 §6.6). */
export async function leaveClients(
  context: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
): Promise<void> {
  await bestEffort(context.logger, 'failed to change the settings of clients', async () => {
    const server = config === undefined ? { name, url: undefined } : serverOf(config);
    await (await clientsOf(context)).removeWorkload(server, config?.group || undefined);
  });
}

/** Registers clients and writes the running workloads of the groups into their settings (spec 09 §6.5). */
export async function registerClients(
  context: Context,
  ids: readonly string[],
  groups: readonly string[],
  options: OperationOptions,
): Promise<readonly Registered[]> {
  const clients = await clientsOf(context);
  clients.parseIds(ids); // before anything is asked of an engine
  await ensureDefaultGroup(context.paths.state);
  return await clients.register(ids, groups, await runningServers(context, options));
}

/** Takes clients out of groups, `undefined` for all, with the entries of every workload there, running or not. */
export async function removeClients(
  context: Context,
  ids: readonly string[],
  groups: readonly string[] | undefined,
): Promise<void> {
  const clients = await clientsOf(context);
  await clients.remove(ids, groups, await storedServers(context));
}

export function clientsOf({ paths, env, logger }: Context): Promise<ClientSettings> {
  return openClientSettings({ paths, environment: env, logger });
}

/** Without an engine nothing runs (spec 09 §10.26). */
async function runningServers(
  context: Context,
  options: OperationOptions,
): Promise<readonly GroupedServer[]> {
  let running: ReadonlySet<string>;
  try {
    const listed = await listWorkloads(context, { all: false }, options);
    running = new Set(listed.map(({ name }) => name));
  } catch (error) {
    if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
    context.logger.debug('no container engine, so no workload is running', { error });
    return [];
  }
  return await storedServers(context, running);
}

/** From the documents, so that it needs no engine. */
async function storedServers(
  context: Context,
  among?: ReadonlySet<string>,
): Promise<readonly GroupedServer[]> {
  const servers: GroupedServer[] = [];
  for (const name of await context.runConfigs.names()) {
    if (among?.has(name) === false) continue;
    try {
      const config = await context.runConfigs.find(name as WorkloadName);
      if (config !== undefined) servers.push({ ...serverOf(config), group: config.group || undefined });
    } catch (error) {
      context.logger.warn('skipping unreadable run config', { workload: name, error: toThvError(error) });
    }
  }
  return servers;
}
