import type { Context } from 'hono';
import * as v from 'valibot';
import { messageOf, ThvError } from '../../errors/index.ts';
import { readBody } from '../../platform/index.ts';
import { parseFirstJson } from '../../records/index.ts';
import { matchMembers } from '../schemas/match-members.ts';

/** Longest request body, inclusive (spec 10 §6.1). */
export const MAX_BODY_BYTES = 1024 * 1024;
/** Limit for a whole body, however slowly it comes (spec 10 §6.1). */
const BODY_TIMEOUT_MS = 30_000;

/**
 * The request's JSON in the form of `schema`: one value is read and the rest ignored, members match in any case, `null`
 * is absent (spec 10 §6.4). Throws `ERR_INPUT_INVALID` with `prefix` before what is wrong, `ERR_BODY_TOO_LARGE`, `ERR_BODY_LATE`.
 */
export async function readJson<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
  prefix: string,
): Promise<v.InferOutput<Schema>> {
  return check(schema, parse(await readText(c.req.raw), prefix), prefix);
}

/** Like `readJson`, but a missing body counts as an empty object. */
export async function readOptionalJson<Schema extends v.GenericSchema>(
  c: Context,
  schema: Schema,
  prefix: string,
): Promise<v.InferOutput<Schema>> {
  const text = await readText(c.req.raw);
  return check(schema, text.trim() === '' ? {} : parse(text, prefix), prefix);
}

function check<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  prefix: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, matchMembers(schema, value));
  if (parsed.success) return parsed.output;
  throw invalid(prefix, parsed.issues.map(describe).join('; '));
}

function parse(text: string, prefix: string): unknown {
  if (text.trim() === '') throw invalid(prefix, 'the body is empty');
  let value: unknown;
  try {
    value = parseFirstJson(text);
  } catch (error) {
    throw invalid(prefix, messageOf(error));
  }
  // valibot takes a list for an object.
  if (Array.isArray(value)) throw invalid(prefix, 'body: Object expected');
  return value ?? {};
}

/** The path and what is allowed there. What was received is not repeated: it may be a secret. */
function describe(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? 'body';
  return issue.kind === 'schema'
    ? `${path}: ${issue.expected ?? 'another type'} expected`
    : `${path}: ${issue.message}`;
}

function invalid(prefix: string, problem: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason: `${prefix}: ${problem}` });
}

const readText = (request: Request) =>
  readBody(request, { maxBytes: MAX_BODY_BYTES, timeoutMs: BODY_TIMEOUT_MS });
