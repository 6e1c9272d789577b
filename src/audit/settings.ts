import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { isEventType } from './event-types.ts';

/** What is asked for (spec 05 §16.1), as a file and as part of a run config. A misspelt key is an error: it would log less, or more. */

const DEFAULT_DATA_BYTES = 1024;
const DEFAULT_DEPTH = 10;
const DEFAULT_FILE_BYTES = 100 * 1024 * 1024;
const DEFAULT_FILES = 10;
const LEAST_FILE_BYTES = 64 * 1024;

const Types = (what: string) =>
  v.nullish(
    v.array(
      v.pipe(
        v.string(),
        v.check(isEventType, ({ input }) => `${what}: ${String(input)}`),
      ),
    ),
  );

const Switch = v.optional(v.boolean());

const AuditConfigSchema = v.strictObject({
  enabled: Switch,
  component: v.optional(v.string()),
  eventTypes: Types('unknown event type'),
  excludeEventTypes: Types('unknown exclude event type'),
  includeRequestData: Switch,
  includeResponseData: Switch,
  detectApplicationErrors: Switch,
  maxDataSize: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0, 'maxDataSize cannot be negative'))),
  maxDelegationDepth: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1, 'maxDelegationDepth must be positive')),
  ),
  logFile: v.optional(v.string()),
  /** Ours: calls are refused while nothing can be logged. */
  failClosed: Switch,
  /** Ours: size at which the file is set aside, and how many are kept, the present one included. */
  maxFileSize: v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(LEAST_FILE_BYTES, `maxFileSize must be at least ${LEAST_FILE_BYTES}`),
    ),
  ),
  maxFiles: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1, 'maxFiles must be positive'))),
});
export type AuditConfig = v.InferOutput<typeof AuditConfigSchema>;

/** What `--enable-audit` alone asks for. */
export const DEFAULT_AUDIT: AuditConfig = {
  detectApplicationErrors: true,
  maxDataSize: DEFAULT_DATA_BYTES,
};

/** In normal form: everything that was left open is decided. */
export interface AuditSettings {
  readonly component: string;
  logs(eventType: string): boolean;
  readonly includesRequest: boolean;
  readonly includesResponse: boolean;
  readonly detectsErrors: boolean;
  readonly maxDataBytes: number;
  readonly maxDelegationDepth: number;
  /** `undefined` for the log of the workload. */
  readonly file: AuditFile | undefined;
  readonly failsClosed: boolean;
}

export interface AuditFile {
  readonly path: string;
  readonly maxBytes: number;
  readonly files: number;
}

/** Throws `ERR_INPUT_INVALID` naming everything that is wrong. */
export function parseAuditConfig(value: unknown): AuditConfig {
  const parsed = v.safeParse(AuditConfigSchema, value);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    const path = v.getDotPath(issue);
    if (issue.type === 'check' || issue.type === 'min_value') return issue.message;
    if (issue.type === 'strict_object' && issue.expected === 'never') return `unknown key ${path}`;
    return path === null ? issue.message : `${path}: ${issue.message}`;
  });
  throw new ThvError('ERR_INPUT_INVALID', { reason: problems.join('; ') });
}

/** `undefined` where the config switches audit off. */
export function auditSettings(config: AuditConfig, component: string): AuditSettings | undefined {
  if (config.enabled === false) return undefined;
  const { eventTypes, excludeEventTypes, logFile } = config;
  const only = eventTypes?.length ? new Set(eventTypes) : undefined;
  const never = new Set(excludeEventTypes);
  return {
    component: config.component || component,
    logs: (type) => !never.has(type) && (only === undefined || only.has(type)),
    includesRequest: config.includeRequestData ?? false,
    includesResponse: config.includeResponseData ?? false,
    detectsErrors: config.detectApplicationErrors ?? true,
    maxDataBytes: config.maxDataSize || DEFAULT_DATA_BYTES,
    maxDelegationDepth: config.maxDelegationDepth ?? DEFAULT_DEPTH,
    file: logFile
      ? {
          path: logFile,
          maxBytes: config.maxFileSize ?? DEFAULT_FILE_BYTES,
          files: config.maxFiles ?? DEFAULT_FILES,
        }
      : undefined,
    failsClosed: config.failClosed ?? false,
  };
}
