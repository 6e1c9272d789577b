import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';

/** Life of a workload as its status file tells it (spec 02 §4.4). */
export const WorkloadStatusSchema = v.picklist([
  'starting',
  'running',
  'stopping',
  'stopped',
  'removing',
  'error',
  'unhealthy',
  'unknown',
  'unauthenticated',
  'auth_retrying',
  'policy_stopped',
]);

export type WorkloadStatus = v.InferOutput<typeof WorkloadStatusSchema>;

/** One status file (spec 02 §4). Times are RFC 3339 texts, kept as they were written. */
export interface StatusRecord {
  readonly status: WorkloadStatus;
  readonly status_context?: string | undefined;
  readonly created_at: string;
  readonly updated_at?: string | undefined;
  /** Process that runs the workload's proxy; 0 = none. */
  readonly process_id: number;
}

const StatusFileSchema = v.looseObject({
  status: WorkloadStatusSchema,
  status_context: v.optional(v.string()),
  created_at: v.string(),
  updated_at: v.optional(v.string()),
  process_id: v.optional(v.number(), 0),
});

/**
 * Reads a status file's text. `repaired` is true when the text was damaged in one of the ways spec 02 §4.3 knows and could
 * be mended. Throws `ERR_STATUS_FILE_INVALID`.
 */
export function parseStatusFile(
  text: string,
  path: string,
): { readonly record: StatusRecord; readonly repaired: boolean } {
  const invalid = (reason: string, cause?: unknown) =>
    new ThvError(
      'ERR_STATUS_FILE_INVALID',
      { path, reason },
      { cause, hint: `'thv start', 'thv stop' and 'thv rm' replace ${path}` },
    );
  if (text.trim() === '') throw invalid('status file is empty');
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    const record = mend(text);
    if (record !== undefined) return { record, repaired: true };
    const original = (error as Error).message;
    throw invalid(
      `failed to parse status file (original error: ${original}, recovery failed: all recovery strategies failed)`,
      error,
    );
  }
  const record = checked(raw);
  if (record !== undefined) return { record, repaired: false };
  const status = (raw as { status?: unknown } | null)?.status;
  if (status === undefined || status === '') throw invalid("status file missing required 'status' field");
  if (!v.is(WorkloadStatusSchema, status))
    throw invalid(`status file has unknown status ${JSON.stringify(status)}`);
  throw invalid("status file missing or invalid 'created_at' field");
}

function checked(raw: unknown): StatusRecord | undefined {
  const result = v.safeParse(StatusFileSchema, raw);
  if (!result.success || Number.isNaN(Date.parse(result.output.created_at))) return undefined;
  return result.output.created_at.startsWith('0001-01-01') ? undefined : result.output;
}

/** The repairs of spec 02 §4.3 in their order; a candidate counts only when it has status and creation time. */
function mend(text: string): StatusRecord | undefined {
  const trimmed = text.trim();
  const missing = count(trimmed, '{') - count(trimmed, '}');
  const candidates = [
    ...surplusBracesRemoved(trimmed),
    ...(missing > 0 ? [trimmed + '}'.repeat(missing)] : []),
    trimmed.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, ''),
  ];
  for (const candidate of candidates) {
    try {
      const record = checked(JSON.parse(candidate));
      if (record !== undefined) return record;
    } catch {
      // not this repair; the next one may fit
    }
  }
  return undefined;
}

function* surplusBracesRemoved(text: string): Generator<string> {
  let rest = text;
  while (/\}\s*\}$/.test(rest)) {
    rest = rest.slice(0, -1).trimEnd();
    yield rest;
  }
}

function count(text: string, char: string): number {
  return text.split(char).length - 1;
}
