export { findAssignment } from './assignment.ts';
export { createEngineNotes, type EngineNote, type EngineNotes } from './engine-notes.ts';
export { isIsolated } from './isolation.ts';
export { parseFirstJson } from './json-text.ts';
export {
  type ContainerRole,
  isManaged,
  LABEL,
  type ParsedLabels,
  parseLabelFilter,
  parseLabels,
  roleOf,
  standardLabels,
  userLabels,
} from './labels.ts';
export { connectionOf, type NetworkPolicy, networkPolicyOf } from './network-policy.ts';
export {
  asksForTokens,
  type CallerRules,
  callerRulesOf,
  OIDC_SECRET_TARGET,
  type OidcConfig,
  secretNameOf,
} from './oidc-config.ts';
export { remoteUrlProblem } from './remote-url.ts';
export {
  boundManifestOf,
  type ResolvedImage,
  resolvedImageOf,
  VERIFICATION_MODES,
  type VerificationMode,
} from './resolved-image.ts';
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
  JS_RUNTIME_CHOICES,
  type JsRuntimeChoice,
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
export {
  findSecretParameter,
  formatSecretParameter,
  parseSecretParameter,
  type SecretParameter,
} from './secret-parameter.ts';
export { type StatusRecord, type WorkloadStatus, WorkloadStatusSchema } from './status.ts';
export { createStatusRecorder, type StatusRecorder } from './status-recorder.ts';
export {
  createStatusStore,
  type StatusChange,
  type StatusListing,
  type StatusStore,
} from './status-store.ts';
export { parseTcpRoute } from './tcp-route.ts';
export { variableNameProblem, variableValueProblem } from './variable-name.ts';
export { requireSound, requireSoundConfig } from './variables.ts';
export {
  kindOf,
  namedRuntime,
  RUNTIME_VARIABLE,
  RUNTIME_WORDS,
  runtimeAskedBy,
  type WorkloadKind,
} from './workload-kind.ts';
export {
  nameFromImage,
  parseNewWorkloadName,
  parseWorkloadName,
  sanitizeWorkloadName,
  type WorkloadName,
} from './workload-name.ts';
