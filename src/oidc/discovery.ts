import * as v from 'valibot';
import { ThvError, within } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { OutboundClient } from './outbound.ts';

/** The two members of OpenID Connect Discovery 1.0 §3 that token validation needs. */
const DocumentSchema = v.object({
  issuer: v.optional(v.string(), ''),
  jwks_uri: v.pipe(v.string(), v.minLength(1)),
});

const ATTEMPTS = 3;
const ATTEMPT_TIMEOUT_MS = 5000;
/** Limit of all attempts of one request together (spec 05 §20-20). */
const TOTAL_TIMEOUT_MS = 10_000;
const MAX_BYTES = 1024 * 1024;

/**
 * The issuer's JWKS address, asked for when it is first needed and remembered once it is known; those who ask meanwhile
 * share one attempt (spec 05 §4.3). Throws `ERR_PROVIDER_UNREACHABLE` or `ERR_PROVIDER_REFUSED`; the next call tries again.
 */
export function createDiscovery(issuer: string, client: OutboundClient): () => Promise<string> {
  let known: string | undefined;
  let pending: Promise<string> | undefined;
  return () => {
    if (known !== undefined) return Promise.resolve(known);
    pending ??= within('OIDC discovery failed: failed to discover OIDC configuration', () =>
      discover(issuer, client),
    )
      .then((url) => {
        known = url;
        return url;
      })
      .finally(() => {
        pending = undefined;
      });
    return pending;
  };
}

async function discover(issuer: string, client: OutboundClient): Promise<string> {
  const url = `${withoutSlash(issuer)}/.well-known/openid-configuration`;
  const deadline = performance.now() + TOTAL_TIMEOUT_MS;
  let pauseMs = 500;
  for (let attempt = 1; ; attempt++) {
    try {
      const left = Math.max(1, deadline - performance.now());
      return await readDocument(url, issuer, client, Math.min(ATTEMPT_TIMEOUT_MS, left));
    } catch (error) {
      const isLast = attempt === ATTEMPTS || performance.now() + pauseMs >= deadline;
      const isWorthIt = error instanceof ThvError && error.code === 'ERR_PROVIDER_UNREACHABLE';
      if (isLast || !isWorthIt) throw error;
      await sleep(pauseMs * (0.5 + Math.random()));
      pauseMs = Math.min(pauseMs * 1.5, 2000);
    }
  }
}

async function readDocument(
  url: string,
  issuer: string,
  client: OutboundClient,
  timeoutMs: number,
): Promise<string> {
  const { status, body } = await client.send(url, {
    method: 'GET',
    maxBytes: MAX_BYTES,
    timeoutMs,
    followRedirects: true,
  });
  if (status >= 500) throw new ThvError('ERR_PROVIDER_UNREACHABLE', { reason: `${url} answered ${status}` });
  if (status !== 200) throw refused(`${url} answered ${status}`);
  const document = v.safeParse(DocumentSchema, parseJson(body));
  if (!document.success) throw refused(`${url} is no discovery document with a jwks_uri`);
  // Keys of another issuer would make its tokens ours (OpenID Connect Discovery 1.0 §4.3).
  if (withoutSlash(document.output.issuer) !== withoutSlash(issuer))
    throw refused('the discovery document names another issuer');
  return document.output.jwks_uri;
}

function refused(reason: string): ThvError {
  return new ThvError('ERR_PROVIDER_REFUSED', { reason });
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}

/** `undefined` for what is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
