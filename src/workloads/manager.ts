import { groupExists } from '../groups/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { createContext, type ManagerOptions } from './context.ts';
import { getWorkload, listWorkloads } from './list.ts';
import { reviveHost } from './revive-host.ts';
import { workloadLogPath } from './supervisor.ts';
import type { WorkloadManager } from './types.ts';

/**
 * The one service behind the commands and the API; opens the engine and the workload host when an operation needs them.
 * Operations are imported when they are called: a list must not load the proxy.
 */
export function createWorkloadManager(options: ManagerOptions): WorkloadManager {
  const context = createContext(options);
  const running = () => import('./run.ts');
  const lifecycle = () => import('./lifecycle.ts');
  const logFiles = () => import('./logs.ts');
  let migrated: Promise<void> | undefined;
  /** Before a workload may look for its secrets (spec 09 §5.6). */
  const secretsMoved = () => {
    migrated ??= import('../secrets/index.ts').then(({ migrateSecretScopes }) =>
      migrateSecretScopes(options),
    );
    return migrated;
  };
  const groups = () => import('./groups.ts');
  const clientEntries = () => import('./client-entries.ts');
  return {
    async list(query, operation) {
      const workloads = await listWorkloads(context, query, operation);
      await reviveHost(context);
      return workloads;
    },
    async get(name, operation) {
      const workload = await getWorkload(context, name, operation);
      await reviveHost(context);
      return workload;
    },
    async run(request, operation) {
      await secretsMoved();
      return (await running()).runWorkload(context, request, operation);
    },
    async runForeground(request, operation) {
      await secretsMoved();
      return (await running()).runWorkloadForeground(context, request, operation);
    },
    async start(name, operation) {
      await secretsMoved();
      const { startWorkload } = await lifecycle();
      using _ = await context.exclusively(parseWorkloadName(name), operation?.signal);
      return { name, result: await startWorkload(context, name, operation) };
    },
    async restart(name, operation) {
      const { startWorkload, stopBeforeStart } = await lifecycle();
      const checked = parseWorkloadName(name);
      using _ = await context.exclusively(checked, operation?.signal);
      await stopBeforeStart(context, checked, operation?.signal);
      return { name, result: await startWorkload(context, name, operation) };
    },
    edit: async (name, request, operation) =>
      (await import('./edit.ts')).editWorkload(context, name, request, operation),
    checkUpgrade: async (name, operation) =>
      (await import('./check-upgrade.ts')).checkUpgrade(context, name, operation),
    checkUpgrades: async (query, operation) =>
      (await import('./check-upgrade.ts')).checkUpgrades(context, query, operation),
    applyUpgrade: async (name, request, operation) =>
      (await import('./apply-upgrade.ts')).applyUpgrade(context, name, request, operation),
    config: (name) => context.runConfigs.get(parseWorkloadName(name)),
    async *watch(operation) {
      yield* (await import('./watch.ts')).watchWorkloads(context, operation);
    },
    async startForeground(name, { onReady, ...operation }) {
      await secretsMoved();
      const { startWorkloadForeground } = await lifecycle();
      await startWorkloadForeground(context, name, {
        ...operation,
        onReady: (url) => onReady({ name, url }),
      });
    },
    async stop(names, operation) {
      const { forEachWorkload, stopWorkload } = await lifecycle();
      return forEachWorkload(names, async (name) => {
        using _ = await context.exclusively(name, operation.signal);
        return await stopWorkload(context, name, operation);
      });
    },
    async remove(names, operation) {
      const { forEachWorkload, removeWorkload } = await lifecycle();
      return forEachWorkload(names, async (name) => {
        using _ = await context.exclusively(name, operation.signal);
        return await removeWorkload(context, name, operation);
      });
    },
    async inspect(name, request, operation) {
      const { inspectWorkload } = await import('./inspector.ts');
      return inspectWorkload(context, name, request, operation);
    },
    async export(name, format) {
      const { exportWorkload } = await import('./export.ts');
      return exportWorkload(context, name, format);
    },
    async *logs(name, operation) {
      const { containerLogs } = await logFiles();
      yield* containerLogs(context, name, operation);
    },
    proxyLogPath: (name) => workloadLogPath(context, parseWorkloadName(name)),
    pruneLogs: async (operation) => (await logFiles()).pruneLogs(context, operation),
    names: () => context.runConfigs.names(),
    async usersOfSecret(secret) {
      const { usersOfSecret } = await import('./secret-users.ts');
      return usersOfSecret(context, secret);
    },
    registry: () => context.registry(),
    groupExists: async (name) => groupExists(context.paths.state, name),
    ping: async (operation) => (await context.engine(operation?.signal)).ping(operation),
    async groupMembers(group) {
      const { checkDeletable, membersOf } = await groups();
      await checkDeletable(context, group);
      return membersOf(context, group);
    },
    deleteGroup: async (group, operation) => (await groups()).deleteGroup(context, group, operation),
    registerClients: async (ids, names, operation) =>
      (await clientEntries()).registerClients(context, ids, names, operation ?? {}),
    removeClients: async (ids, names) => (await clientEntries()).removeClients(context, ids, names),
  };
}
