import type { Context } from 'hono';
import * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import { findGroupNameProblem } from '../../groups/index.ts';
import { parseDuration } from '../../platform/index.ts';
import { type WorkloadStatus, WorkloadStatusSchema } from '../../records/index.ts';

/** The first value of a query parameter; empty is absent. */
export function queryOf(c: Context, name: string): string | undefined {
  return c.req.query(name) || undefined;
}

/** A number of lines to begin with. Throws `ERR_INPUT_INVALID` outside 1–10000. */
export function linesOf(c: Context): number {
  const text = queryOf(c, 'lines');
  if (text === undefined) return 1000;
  const lines = Number(text);
  if (/^\d+$/.test(text) && lines >= 1 && lines <= 10_000) return lines;
  throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid lines: ${text} (a number from 1 to 10000)` });
}

/** A time to wait, at most 60 s. Throws `ERR_INPUT_INVALID`. */
export function timeoutOf(c: Context): number {
  const text = queryOf(c, 'timeout') ?? '30s';
  const parsed = parseDuration(text);
  if ('ms' in parsed && parsed.ms >= 0 && parsed.ms <= 60_000) return parsed.ms;
  throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid timeout: ${text} (0s to 60s)` });
}

/** A status to wait for. Throws `ERR_INPUT_INVALID` for what no workload ever has. */
export function awaitedStatusOf(c: Context): WorkloadStatus | undefined {
  const text = queryOf(c, 'wait');
  const parsed = v.safeParse(v.optional(WorkloadStatusSchema), text);
  if (parsed.success) return parsed.output;
  const valid = WorkloadStatusSchema.options.join(', ');
  throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid wait: ${text} (one of ${valid})` });
}

/** Throws `ERR_INPUT_INVALID` with the reason for a name that no group may have (spec 10 §12). */
export function checkGroupName(name: string): void {
  const problem = findGroupNameProblem(name);
  if (problem !== undefined)
    throw new ThvError('ERR_INPUT_INVALID', { reason: `invalid group name: ${problem}` });
}
