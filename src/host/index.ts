export { clientSecretOf } from './callers.ts';
export { claimWorkload, deleteClaim, findClaimant, findClaimOf } from './claim.ts';
export { openClientSettings, serverOf } from './client-entry.ts';
export { createDesiredState, type DesiredState } from './desired-state.ts';
export { auditParametersOf, effectiveChain } from './effective-chain.ts';
export { type RunEnvironment, runEnvironmentFrom } from './environment.ts';
export { resolveForwardHeaders } from './forward-headers.ts';
export { askHost, findLivingHost, type HostAnswer, type HostConnection, wasHostLost } from './host-client.ts';
export { ensureHost } from './launch.ts';
export { listTools } from './list-tools.ts';
export type { Observation } from './observed-status.ts';
export { STDIO_REFUSED } from './remote-settings.ts';
export { runHost } from './run-host.ts';
export { deleteSessionJournal } from './session-journal.ts';
export { refuseUnsupported } from './unsupported.ts';

export { startWorkloadRun } from './workload-run.ts';
export { urlOf } from './workload-url.ts';
