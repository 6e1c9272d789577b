import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import * as v from 'valibot';
import { messageOf, ThvError, within } from '../../errors/index.ts';
import { createHttpClient, type HttpAnswer } from '../../net/index.ts';
import type { Services } from '../types.ts';
import type { Webhook } from './config.ts';

/** What a webhook says. `failed`: nothing that counts. */
type Verdict =
  | { readonly type: 'allowed'; readonly patchType: unknown; readonly patch: unknown }
  /** `isUnprocessable`: said by status 422. */
  | { readonly type: 'denied'; readonly isUnprocessable: boolean }
  | { readonly type: 'failed'; readonly reason: string };

export type AskWebhook = (body: string, uid: string) => Promise<Verdict>;

const MAX_REPLY_BYTES = 1024 * 1024;

const Reply = v.object({
  uid: v.nullish(v.string()),
  allowed: v.nullish(v.boolean(), false),
  patch_type: v.nullish(v.unknown()),
  patch: v.nullish(v.unknown()),
});

/** Reads certificates and finds the secret. Throws `ERR_RUN_CONFIG_INVALID` for an empty one, and what the secrets store throws. */
export async function openWebhook(
  webhook: Webhook,
  { clock, findSecret }: Pick<Services, 'clock' | 'findSecret'>,
): Promise<AskWebhook> {
  const secretNow = await secretOf(webhook, findSecret);
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: webhook.skipsVerification ? 'always' : 'never',
    ca: readIfNamed(webhook.caBundlePath),
    clientCertificate: clientCertificateOf(webhook),
    skipsVerification: webhook.skipsVerification,
    userAgent: 'ToolHive/1.0',
  });

  return async function ask(body, uid) {
    try {
      const answer = await client.send(webhook.url, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...signatureOf(body, secretNow(), clock()) },
        body,
        maxBytes: MAX_REPLY_BYTES,
        timeoutMs: webhook.timeoutMs,
        redirects: 0,
      });
      return verdictOf(answer, uid);
    } catch (error) {
      return { type: 'failed', reason: messageOf(error) };
    }
  };
}

/** `X-ToolHive-Signature` over `<seconds>.<body>` (spec 05 §17.2); none without a secret. */
export function signatureOf(
  body: string,
  secret: string | Uint8Array | undefined,
  nowMs: number,
): Readonly<Record<string, string>> {
  if (secret === undefined) return {};
  const seconds = Math.floor(nowMs / 1000);
  const digest = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
  return { 'X-ToolHive-Timestamp': String(seconds), 'X-ToolHive-Signature': `sha256=${digest}` };
}

function verdictOf({ status, body }: HttpAnswer, uid: string): Verdict {
  if (status === 422) return { type: 'denied', isUnprocessable: true };
  if (status !== 200) return { type: 'failed', reason: `it answers ${status}` };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return { type: 'failed', reason: 'its answer is not JSON' };
  }
  const parsed = v.safeParse(Reply, value);
  if (!parsed.success || Array.isArray(value))
    return { type: 'failed', reason: 'its answer has another form' };
  const { allowed, uid: answered, patch_type: patchType, patch } = parsed.output;
  if (answered && answered !== uid) return { type: 'failed', reason: 'its answer is to another question' };
  return allowed ? { type: 'allowed', patchType, patch } : { type: 'denied', isUnprocessable: false };
}

/** A file is read for each call, so that its secret can be changed; it counts to the byte. */
async function secretOf(
  { name, hmacSecret }: Webhook,
  findSecret: Services['findSecret'],
): Promise<() => string | Uint8Array | undefined> {
  if (hmacSecret === '') return () => undefined;
  const empty = () =>
    new ThvError('ERR_RUN_CONFIG_INVALID', {
      reason: `webhook ${JSON.stringify(name)} has HMAC configured but resolved secret is empty`,
    });
  if (isAbsolute(hmacSecret)) {
    const read = () => {
      const secret = readFileSync(hmacSecret);
      if (secret.byteLength === 0) throw empty();
      return secret;
    };
    read();
    return read;
  }
  const secret = await within(`failed to get the HMAC secret of webhook ${JSON.stringify(name)}`, async () =>
    findSecret?.(hmacSecret.split(',')[0] ?? '', 'user'),
  );
  if (!secret) throw empty();
  return () => secret;
}

function clientCertificateOf({ clientCertificatePath: cert, clientKeyPath: key }: Webhook) {
  return cert === '' ? undefined : { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

function readIfNamed(path: string): string | undefined {
  return path === '' ? undefined : readFileSync(path, 'utf8');
}
