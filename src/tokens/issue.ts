import { ThvError } from '../errors/index.ts';
import { parseDuration } from '../platform/index.ts';
import { isExpired, type TokenRecord } from './record.ts';
import type { TokenStore } from './store.ts';

/** A wish for a token, as flags and the API spell it. */
export interface TokenRequest {
  readonly name: string;
  readonly workloads: readonly string[];
  /** Empty for all. */
  readonly tools: readonly string[];
  /** `30d`, `12h`, …; '' for never. */
  readonly expires: string;
}

export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
  /** Workloads that do not ask for tokens, so that it makes no difference there. */
  readonly open: readonly string[];
}

/**
 * Makes a token for workloads that exist. `asksForToken` throws for an unknown one. Throws `ERR_INPUT_INVALID`,
 * `ERR_ACCESS_TOKEN_EXISTS`, and what `asksForToken` throws.
 */
export async function issueToken(
  store: TokenStore,
  { name, workloads, tools, expires }: TokenRequest,
  asksForToken: (workload: string) => Promise<boolean>,
): Promise<IssuedToken> {
  if (workloads.length === 0) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: 'a token is for one workload or several, and none is named' },
      { hint: 'name them with --workload' },
    );
  }
  if (tools.includes('')) throw new ThvError('ERR_INPUT_INVALID', { reason: 'tool name cannot be empty' });
  const expiresAt = parseExpiry(expires, Date.now());
  const open: string[] = [];
  for (const workload of workloads) if (!(await asksForToken(workload))) open.push(workload);
  const wanted = { name, workloads, tools: tools.length === 0 ? undefined : tools, expiresAt };
  return { ...(await store.create(wanted)), open };
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Beyond it a date has no usual form any more. */
const LONGEST_MS = 100 * 365 * DAY_MS;

/** Days, or Go's notation of a duration; '' and `never` for no end. Throws `ERR_INPUT_INVALID`. */
function parseExpiry(text: string, nowMs: number): Date | undefined {
  if (text === '' || text === 'never') return undefined;
  const days = /^(\d{1,6})d$/.exec(text)?.[1];
  const parsed = days === undefined ? parseDuration(text) : { ms: Number(days) * DAY_MS };
  if ('ms' in parsed && parsed.ms >= 1000 && parsed.ms <= LONGEST_MS) return new Date(nowMs + parsed.ms);
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `invalid lifetime of a token: ${JSON.stringify(text)} (such as 30d or 12h, or never)`,
  });
}

/** A token as it is listed: everything but its hash. */
export function tokenToJson(record: TokenRecord, nowMs: number = Date.now()) {
  const { name, workloads, tools, created_at, expires_at } = record;
  return { name, workloads, tools, created_at, expires_at, expired: isExpired(record, nowMs) };
}
