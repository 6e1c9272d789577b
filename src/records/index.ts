export { parseFirstJson } from './json-text.ts';
export { createLabelFilter, isManaged, LABEL, parseLabel, standardLabels, userLabels } from './labels.ts';
export { remoteUrlProblem } from './remote-url.ts';
export {
  type EffectiveLimits,
  effectiveLimits,
  formatMemory,
  parseMemory,
  type ResourceLimits,
  ResourceLimitsSchema,
} from './resource-limits.ts';
export {
  baseNameOf,
  containerNameOf,
  formatRunConfig,
  isContainer,
  isProcess,
  isRemote,
  type PermissionProfile,
  PermissionProfileSchema,
  parseRunConfig,
  type RunConfig,
  type Transport,
  unknownKeysOf,
} from './run-config.ts';
export {
  createRunConfigStore,
  listJsonNames,
  type RunConfigStore,
  readIfPresent,
} from './run-config-store.ts';
export { findSecretParameter, parseSecretParameter } from './secret-parameter.ts';
export { type StatusRecord, type WorkloadStatus, WorkloadStatusSchema } from './status.ts';
export { createStatusStore, type StatusStore } from './status-store.ts';
export {
  nameFromImage,
  parseNewWorkloadName,
  parseWorkloadName,
  sanitizeWorkloadName,
  type WorkloadName,
} from './workload-name.ts';
