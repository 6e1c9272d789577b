import { groupExists } from '../groups/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { createContext, type ManagerOptions } from './context.ts';
import { forEachWorkload } from './for-each.ts';
import { getWorkload, listWorkloads } from './list.ts';
import { reviveHost } from './revive-host.ts';
import { workloadLogPath } from './supervisor.ts';
import type { WorkloadManager } from './types.ts';

/**
 * The one service behind the commands and the API; opens runtimes and the workload host when an operation needs them.
 * Operations are imported when they are called: a list must not load the proxy.
 */
export function createWorkloadManager(options: ManagerOptions): WorkloadManager {
  const context = createContext(options);
  const running = () => import('./run.ts');
  const starting = () => import('./start.ts');
  const stopping = () => import('./stop.ts');
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
      const { startWorkload } = await starting();
      using _ = await context.exclusively(parseWorkloadName(name), operation?.signal);
      return { name, result: await startWorkload(context, name, operation) };
    },
    async restart(name, operation) {
      const [{ startWorkload }, { stopBeforeStart }] = await Promise.all([starting(), stopping()]);
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
      const { startWorkloadForeground } = await starting();
      await startWorkloadForeground(context, name, {
        ...operation,
        onReady: (url) => onReady({ name, url }),
      });
    },
    async stop(names, operation) {
      const { stopWorkload } = await stopping();
      return forEachWorkload(names, async (name) => {
        using _ = await context.exclusively(name, operation.signal);
        return await stopWorkload(context, name, operation);
      });
    },
    async remove(names, operation) {
      const { removeWorkload } = await import('./remove.ts');
      return forEachWorkload(names, async (name) => {
        using _ = await context.exclusively(name, operation.signal);
        return await removeWorkload(context, name, operation);
      });
    },
    async inspect(name, request, operation) {
      const { inspectWorkload } = await import('./inspector.ts');
      return inspectWorkload(context, name, request, operation);
    },
    tools: async (name, operation) => (await import('./tools.ts')).toolsOf(context, name, operation),
    toolLock: async (name) => (await import('./tools.ts')).lockOf(context, name),
    lockTools: async (name, tools) => (await import('./tools.ts')).lockTools(context, name, tools),
    unlockTools: async (name) => (await import('./tools.ts')).unlockTools(context, name),
    policies: async (name) => (await import('./authorization.ts')).policiesOf(context, name),
    async export(name, format) {
      const { exportWorkload } = await import('./export.ts');
      return exportWorkload(context, name, format);
    },
    async *logs(name, operation) {
      const { serverLogs } = await logFiles();
      yield* serverLogs(context, name, operation);
    },
    networkAttempts: async (name) => (await import('./network.ts')).networkAttempts(context, name),
    networkLogPath: async (name) => (await import('./network.ts')).networkLogOf(context, name),
    auditLog: async (name) => (await import('./resolve-audit.ts')).auditPlace(context, name),
    proxyLogPath: (name) => workloadLogPath(context, parseWorkloadName(name)),
    pruneLogs: async (operation) => (await logFiles()).pruneLogs(context, operation),
    names: () => context.runConfigs.names(),
    async usersOfSecret(secret) {
      const { usersOfSecret } = await import('./secret-users.ts');
      return usersOfSecret(context, secret);
    },
    registry: () => context.registry(),
    groupExists: async (name) => groupExists(context.paths.state, name),
    async ping(operation = {}) {
      for (const runtime of context.runtimes.all) await runtime.ping(operation);
    },
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
