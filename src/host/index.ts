export { findByExactName, findContainer, isUp, removeUnusedNetwork } from './containers.ts';
export { createDesiredState, type DesiredState } from './desired-state.ts';
export { type RunEnvironment, runEnvironmentFrom } from './environment.ts';
export { findHost, type HostConnection } from './host-client.ts';
export { ensureHost } from './launch.ts';
export { runHost } from './run-host.ts';
export { deleteSessionJournal } from './session-journal.ts';
export { startWorkloadRun } from './workload-run.ts';
export { urlOf } from './workload-url.ts';
