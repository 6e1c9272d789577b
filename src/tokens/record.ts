import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';

const Time = v.pipe(v.string(), v.isoTimestamp());

/** Loose: what a newer version wrote stays. */
const RecordSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  /** A hash of the whole token, which itself is kept nowhere. */
  hash: v.string(),
  workloads: v.pipe(v.array(v.string()), v.minLength(1)),
  /** By the names that clients know; `null`: all. */
  tools: v.nullable(v.array(v.string())),
  created_at: Time,
  /** `null`: never. */
  expires_at: v.nullable(Time),
});
export type TokenRecord = Readonly<v.InferOutput<typeof RecordSchema>>;

const FileSchema = v.looseObject({ tokens: v.array(RecordSchema) });
export type TokenFile = v.InferOutput<typeof FileSchema>;

/** Throws `ERR_ACCESS_TOKENS_UNREADABLE`. */
export function parseTokenFile(text: string, path: string): TokenFile {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw unreadable(path, 'it is not JSON', error);
  }
  const parsed = v.safeParse(FileSchema, raw);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
  throw unreadable(path, problems.join('; '));
}

export function unreadable(path: string, why: string, cause?: unknown): ThvError {
  return new ThvError(
    'ERR_ACCESS_TOKENS_UNREADABLE',
    { path, reason: `the access tokens cannot be read: ${path}: ${why}` },
    { cause },
  );
}

/** `now` in Unix milliseconds. */
export function isExpired({ expires_at }: Pick<TokenRecord, 'expires_at'>, now: number): boolean {
  return expires_at !== null && Date.parse(expires_at) <= now;
}
