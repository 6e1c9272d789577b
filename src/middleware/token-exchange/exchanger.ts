import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { hasCode, messageOf } from '../../errors/index.ts';
import { createHttpClient, type HttpAnswer } from '../../net/index.ts';
import type { TokenExchangeConfig } from './config.ts';

/** Gives what the server is shown for a caller's token. */
export interface Exchanger {
  /**
   * The token to show; no promise for one that was exchanged a moment ago. `subjectEndsAt`: Unix milliseconds at which the caller's own
   * token ends.
   */
  exchange(subject: string, subjectEndsAt: number | undefined): Exchanged | Promise<Exchanged>;
  /** The server has refused what it was shown for this token. */
  forget(subject: string): void;
}

type Exchanged =
  | { readonly type: 'token'; readonly token: string }
  /** The endpoint says no, or something that is no answer to the question. */
  | { readonly type: 'refused'; readonly reason: string }
  | { readonly type: 'unreachable'; readonly reason: string };

interface ExchangerOptions {
  readonly config: TokenExchangeConfig;
  readonly clientSecret: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const MAX_KEPT = 1000;
/** A token is not shown any more this long before it ends: it has a way to go. */
const MARGIN_MS = 30_000;
/** How long a token is kept at most, so that what is taken back at the provider counts in time. */
const MAX_AGE_MS = 5 * 60_000;

const Reply = v.object({
  access_token: v.pipe(v.string(), v.minLength(1)),
  token_type: v.pipe(v.string(), v.minLength(1)),
  issued_token_type: v.pipe(v.string(), v.minLength(1)),
  expires_in: v.nullish(v.union([v.number(), v.pipe(v.string(), v.transform(Number))])),
});

export function createExchanger({ config, clientSecret, clock }: ExchangerOptions): Exchanger {
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: 'loopback',
    userAgent: 'ToolHive/1.0',
  });
  const kept = new Map<string, { readonly token: string; readonly until: number }>();
  const pending = new Map<string, Promise<Exchanged>>();

  async function ask(subject: string, key: string, subjectEndsAt: number | undefined): Promise<Exchanged> {
    let answer: HttpAnswer;
    try {
      answer = await client.send(config.token_url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        credentials: basic(config.client_id, clientSecret),
        body: formOf(config, subject).toString(),
        maxBytes: MAX_BYTES,
        timeoutMs: TIMEOUT_MS,
        redirects: 0,
      });
    } catch (error) {
      const isSize = hasCode(error, 'ERR_HTTP') && error.facts.failed === 'size';
      return { type: isSize ? 'refused' : 'unreachable', reason: messageOf(error) };
    }
    if (answer.status >= 500)
      return { type: 'unreachable', reason: `the token endpoint answers ${answer.status}` };
    const reply = readReply(answer);
    if (typeof reply === 'string') return { type: 'refused', reason: reply };
    keep(key, reply, subjectEndsAt);
    return { type: 'token', token: reply.access_token };
  }

  function keep(key: string, reply: v.InferOutput<typeof Reply>, subjectEndsAt: number | undefined): void {
    const lifeMs = (reply.expires_in ?? 0) * 1000;
    if (!(lifeMs > 0)) return; // how long it is good for, nobody has said
    const now = clock();
    const until = Math.min(
      now + lifeMs - MARGIN_MS,
      now + MAX_AGE_MS,
      subjectEndsAt ?? Number.POSITIVE_INFINITY,
    );
    if (until <= now) return;
    kept.delete(key);
    kept.set(key, { token: reply.access_token, until });
    const [oldest] = kept.keys();
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest);
  }

  return {
    exchange(subject, subjectEndsAt) {
      const key = keyOf(subject);
      const known = kept.get(key);
      if (known !== undefined && known.until > clock()) return { type: 'token', token: known.token };
      kept.delete(key);
      const underWay = pending.get(key);
      if (underWay !== undefined) return underWay;
      const asked = ask(subject, key, subjectEndsAt).finally(() => pending.delete(key));
      pending.set(key, asked);
      return asked;
    },
    forget(subject) {
      kept.delete(keyOf(subject));
    },
  };
}

function keyOf(subject: string): string {
  return createHash('sha256').update(subject).digest('base64');
}

/** No client authentication at all unless both are there (spec 05 §8.1); values form-encoded as RFC 6749 §2.3.1 wants them. */
function basic(id: string, secret: string): Readonly<Record<string, string>> {
  if (id === '' || secret === '') return {};
  const encode = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
  return { Authorization: `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}` };
}

function formOf(config: TokenExchangeConfig, subject: string): URLSearchParams {
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subject,
    subject_token_type: config.subject_token_type || ACCESS_TOKEN,
    requested_token_type: ACCESS_TOKEN,
  });
  if (config.audience !== '') form.set('audience', config.audience);
  if (config.scopes.length > 0) form.set('scope', config.scopes.join(' '));
  return form;
}

/** The reply, or what is wrong with it; nothing of its body, which may hold tokens. */
function readReply({ status, body }: HttpAnswer): v.InferOutput<typeof Reply> | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return `the token endpoint answers ${status} without JSON`;
  }
  const { error } = (value ?? {}) as { readonly error?: unknown };
  // A short code by RFC 6749 §5.2; anything else is not repeated.
  if (error)
    return `the token endpoint answers ${typeof error === 'string' && /^\w{1,64}$/.test(error) ? error : 'an error'}`;
  if (status < 200 || status > 299) return `the token endpoint answers ${status}`;
  const parsed = v.safeParse(Reply, value);
  if (parsed.success) return parsed.output;
  return `the token endpoint's answer has no ${v.getDotPath(parsed.issues[0]) ?? 'members'} that can be used`;
}
