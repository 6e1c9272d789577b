export { parseEnvironmentFlags } from './environment.ts';
export { createWorkloadManager } from './manager.ts';
export { requestFor, type StoredSecrets } from './request-for.ts';
export { RUNTIMES, unknownRuntime } from './runtime-choices.ts';
export { runtimeOverride } from './runtime-override.ts';
export type {
  Ask,
  ImportRequest,
  Outcome,
  Progress,
  RunRequest,
  Workload,
  WorkloadEvent,
  WorkloadManager,
} from './types.ts';
export { workloadToJson } from './workload-json.ts';
