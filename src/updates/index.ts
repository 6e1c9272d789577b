export { findUpdate } from './check.ts';
export { isUpdateCheckForbidden } from './opt-out.ts';
