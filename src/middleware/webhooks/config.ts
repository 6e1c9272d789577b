import { existsSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import * as v from 'valibot';
import { ThvError } from '../../errors/index.ts';
import { parseDuration } from '../../platform/index.ts';

/** What is asked before a call goes on (spec 05 §17.1), as files and documents have it. */

const MILLION = 1_000_000;
const DEFAULT_MS = 10_000;
const MIN_MS = 1000;
const MAX_MS = 30_000;

const Text = v.nullish(v.string(), '');

const TlsSchema = v.object({
  ca_bundle_path: Text,
  client_cert_path: Text,
  client_key_path: Text,
  insecure_skip_verify: v.nullish(v.boolean(), false),
});

const WebhookSchema = v.object({
  name: Text,
  url: Text,
  failure_policy: Text,
  /** A duration as Go spells it, or nanoseconds. */
  timeout: v.nullish(v.union([v.string(), v.number()])),
  tls_config: v.nullish(TlsSchema),
  hmac_secret_ref: Text,
});
type GivenWebhook = v.InferOutput<typeof WebhookSchema>;

export const WebhookFileSchema = v.object({
  validating: v.nullish(v.array(WebhookSchema), () => []),
  mutating: v.nullish(v.array(WebhookSchema), () => []),
});
export type GivenWebhooks = v.InferOutput<typeof WebhookFileSchema>;

/** One webhook in its normal form. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly isFailureFatal: boolean;
  readonly timeoutMs: number;
  readonly caBundlePath: string;
  readonly clientCertificatePath: string;
  readonly clientKeyPath: string;
  readonly skipsVerification: boolean;
  /** Path of a file, or the name of a secret; '' for none. */
  readonly hmacSecret: string;
}

export type WebhookKind = 'validating' | 'mutating';

/** The later definition takes the place of the earlier one of its name; new names come last. */
export function mergeWebhooks(files: readonly GivenWebhooks[]): GivenWebhooks {
  const merge = (kind: WebhookKind) => {
    const byName = new Map<string, GivenWebhook>();
    for (const file of files) for (const webhook of file[kind]) byName.set(webhook.name, webhook);
    return [...byName.values()];
  };
  return { validating: merge('validating'), mutating: merge('mutating') };
}

/** Throws `ERR_INPUT_INVALID` naming all that is wrong with any of them. */
export function checkWebhooks(given: GivenWebhooks): Readonly<Record<WebhookKind, readonly Webhook[]>> {
  const problems: string[] = [];
  const check = (kind: WebhookKind) =>
    given[kind].map((webhook, at) => {
      for (const problem of problemsOf(webhook))
        problems.push(`${kind} webhook[${at}] ${JSON.stringify(webhook.name)}: ${problem}`);
      return normalForm(webhook);
    });
  const checked = { validating: check('validating'), mutating: check('mutating') };
  if (problems.length === 0) return checked;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `invalid webhook configuration: ${problems.join('; ')}`,
  });
}

/** As documents store it: nanoseconds, and paths that need no working folder. */
export function storedWebhook(webhook: Webhook): Readonly<Record<string, unknown>> {
  const tls = {
    ...(webhook.caBundlePath === '' ? {} : { ca_bundle_path: webhook.caBundlePath }),
    ...(webhook.clientCertificatePath === '' ? {} : { client_cert_path: webhook.clientCertificatePath }),
    ...(webhook.clientKeyPath === '' ? {} : { client_key_path: webhook.clientKeyPath }),
    ...(webhook.skipsVerification ? { insecure_skip_verify: true } : {}),
  };
  return {
    name: webhook.name,
    url: webhook.url,
    timeout: webhook.timeoutMs * MILLION,
    failure_policy: webhook.isFailureFatal ? 'fail' : 'ignore',
    ...(Object.keys(tls).length === 0 ? {} : { tls_config: tls }),
    ...(webhook.hmacSecret === '' ? {} : { hmac_secret_ref: webhook.hmacSecret }),
  };
}

function problemsOf(webhook: GivenWebhook): readonly string[] {
  const { name, url, failure_policy: policy, tls_config: tls } = webhook;
  return [
    ...(name === '' ? ['webhook name is required'] : []),
    ...(url === '' ? ['webhook URL is required'] : urlProblems(url, tls?.insecure_skip_verify === true)),
    ...(policy === 'fail' || policy === 'ignore'
      ? []
      : [`webhook failure_policy must be "fail" or "ignore", got ${JSON.stringify(policy)}`]),
    ...timeoutProblems(webhook.timeout),
    ...(tls ? tlsProblems(tls) : []),
  ];
}

function urlProblems(text: string, allowsHttp: boolean): readonly string[] {
  const url = URL.parse(text);
  if (url === null) return [`webhook URL is not a URL: ${text}`];
  if (url.username !== '' || url.password !== '') return ['webhook URL must not hold a login'];
  if (url.protocol === 'https:' || (url.protocol === 'http:' && allowsHttp)) return [];
  return [
    'webhook URL must use HTTPS (set insecure_skip_verify to allow HTTP for development/in-cluster use)',
  ];
}

function timeoutProblems(timeout: GivenWebhook['timeout']): readonly string[] {
  const parsed = readTimeout(timeout);
  if ('problem' in parsed) return [parsed.problem];
  if (parsed.ms > MAX_MS) return [`webhook timeout ${parsed.ms / 1000}s exceeds maximum 30s`];
  return parsed.ms < MIN_MS ? ['webhook timeout must be between 1s and 30s'] : [];
}

function readTimeout(timeout: GivenWebhook['timeout']) {
  if (timeout === undefined || timeout === null || timeout === 0 || timeout === '') return { ms: DEFAULT_MS };
  return typeof timeout === 'number' ? { ms: timeout / MILLION } : parseDuration(timeout);
}

function tlsProblems(tls: v.InferOutput<typeof TlsSchema>): readonly string[] {
  const paths = ['ca_bundle_path', 'client_cert_path', 'client_key_path'] as const;
  const missing = paths.filter((key) => tls[key] !== '' && !existsSync(tls[key]));
  const isHalf = (tls.client_cert_path === '') !== (tls.client_key_path === '');
  return [
    ...(isHalf ? ['both client_cert_path and client_key_path must be provided for mTLS'] : []),
    ...missing.map((key) => `${key} ${JSON.stringify(tls[key])} not found`),
  ];
}

function normalForm({
  name,
  url,
  failure_policy,
  timeout,
  tls_config: tls,
  hmac_secret_ref,
}: GivenWebhook): Webhook {
  const parsed = readTimeout(timeout);
  const absolute = (path = '') => (path === '' || isAbsolute(path) ? path : resolve(path));
  return {
    name,
    url,
    isFailureFatal: failure_policy !== 'ignore',
    timeoutMs: 'ms' in parsed ? parsed.ms : DEFAULT_MS,
    caBundlePath: absolute(tls?.ca_bundle_path),
    clientCertificatePath: absolute(tls?.client_cert_path),
    clientKeyPath: absolute(tls?.client_key_path),
    skipsVerification: tls?.insecure_skip_verify ?? false,
    hmacSecret: hmac_secret_ref,
  };
}
