import * as oauth from 'oauth4webapi';
import { messageOf, ThvError } from '../errors/index.ts';
import { isLoopbackHost } from '../net/index.ts';
import { startDeadline } from '../platform/index.ts';
import { guardedFetch } from './guarded-fetch.ts';

const TIMEOUT_MS = 10_000;

/** Endpoints and abilities of an authorization server, in the spelling of RFC 8414. */
export type AuthorizationServer = oauth.AuthorizationServer;

/**
 * What the issuer says of itself, at its OpenID Connect well-known URL or that of RFC 8414, within 10 s. Throws `ERR_OAUTH`, also
 * for an issuer that is neither https nor on this machine, and the reason of `signal`.
 */
export async function discoverIssuer(
  issuer: string,
  {
    signal,
    timeoutMs = TIMEOUT_MS,
  }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
): Promise<AuthorizationServer> {
  const url = parseEndpoint(issuer, 'issuer');
  using deadline = startDeadline({ signal, timeoutMs });
  const attempts: string[] = [];
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    try {
      const response = await oauth.discoveryRequest(url, {
        algorithm,
        signal: deadline.signal,
        [oauth.allowInsecureRequests]: url.protocol === 'http:',
        [oauth.customFetch]: guardedFetch,
      });
      return await oauth.processDiscoveryResponse(url, response);
    } catch (error) {
      signal?.throwIfAborted();
      attempts.push(
        `${algorithm}: ${deadline.expired ? `no answer within ${timeoutMs / 1000} seconds` : messageOf(error)}`,
      );
      if (deadline.expired) break;
    }
  }
  throw new ThvError('ERR_OAUTH', { reason: `OIDC discovery of ${issuer} failed: ${attempts.join('; ')}` });
}

/** Endpoints carry tokens: https, or http on this machine. Throws `ERR_OAUTH` naming `what` it is. */
export function parseEndpoint(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackHost(url.hostname))) return url;
  throw new ThvError('ERR_OAUTH', {
    reason: `invalid ${what} URL: ${text}: must be https, or http on localhost`,
  });
}
