export { createRunRequest } from './create-run-request.ts';
export { parseVariable } from './environment.ts';
export {
  headerSecretProblem,
  headersByName,
  parseForwardHeader,
  parseForwardHeaderSecret,
} from './forward-headers.ts';
export { createWorkloadManager } from './manager.ts';
export { requestFor, type StoredSecrets } from './request-for.ts';
export type { GivenTokenExchange } from './resolve-token-exchange.ts';
export {
  type CallerSettings,
  type GivenRun,
  type ProxySettings,
  type RemoteSettings,
  RUNTIMES,
  type RunRequest,
  type ServerSettings,
  USUAL_PROXY,
  USUAL_SERVER,
  unknownRuntime,
} from './run-request.ts';
export { runtimeOverride } from './runtime-override.ts';
export { checkToolsOverride } from './tools-override.ts';
export type {
  Ask,
  ImportRequest,
  Outcome,
  Progress,
  Workload,
  WorkloadEvent,
  WorkloadManager,
} from './types.ts';
export { workloadToJson } from './workload-json.ts';
