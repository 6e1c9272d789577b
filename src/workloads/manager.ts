import { groupExists } from '../groups/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { createContext, type ManagerOptions } from './context.ts';
import { forEachWorkload, removeWorkload, startWorkload, startWorkloadForeground, stopWorkload } from './lifecycle.ts';
import { getWorkload, listWorkloads } from './list.ts';
import { containerLogs, pruneLogs } from './logs.ts';
import { runWorkload, runWorkloadForeground } from './run.ts';
import { workloadLogPath } from './supervisor.ts';
import type { WorkloadManager } from './types.ts';

/** The one service behind the commands and the API; opens the engine and the workload host when an operation needs them. */
export function createWorkloadManager(options: ManagerOptions): WorkloadManager {
  const context = createContext(options);
  return {
    list: (query, operation) => listWorkloads(context, query, operation),
    get: (name, operation) => getWorkload(context, name, operation),
    run: (request, operation) => runWorkload(context, request, operation),
    runForeground: (request, operation) => runWorkloadForeground(context, request, operation),
    start: async (name, operation) => ({ name, result: await startWorkload(context, name, operation) }),
    async startForeground(name, { onReady, ...operation }) {
      await startWorkloadForeground(context, name, { ...operation, onReady: (url) => onReady({ name, url }) });
    },
    stop: (names, operation) => forEachWorkload(names, (name) => stopWorkload(context, name, operation)),
    remove: (names, operation) => forEachWorkload(names, (name) => removeWorkload(context, name, operation)),
    logs: (name, operation) => containerLogs(context, name, operation),
    proxyLogPath: (name) => workloadLogPath(context, parseWorkloadName(name)),
    pruneLogs: (operation) => pruneLogs(context, operation),
    names: () => context.runConfigs.names(),
    groupExists: async (name) => groupExists(context.paths.state, name),
  };
}
