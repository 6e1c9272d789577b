export { checkAuditFile, openAuditFile } from './audit-file.ts';
export { type AuditLog, createAuditLog, type LineSink } from './audit-log.ts';
export { type AuditEvent, Cutter, type Outcome, outcomeOf } from './event.ts';
export { eventTypeOf } from './event-types.ts';
export { readAuditConfig, withAbsoluteFile } from './read-config.ts';
export {
  type AuditConfig,
  type AuditSettings,
  auditSettings,
  DEFAULT_AUDIT,
  parseAuditConfig,
} from './settings.ts';
