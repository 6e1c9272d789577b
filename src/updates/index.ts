export { findUpdate } from './check.ts';
export { isUpdateCheckForbidden, isUsageMetricsForbidden, OPT_OUT_VARIABLES } from './opt-out.ts';
export { readUpdateFile } from './update-file.ts';
export { userAgent } from './user-agent.ts';
