import * as oauth from 'oauth4webapi';
import { messageOf, ThvError } from '../errors/index.ts';
import { startDeadline } from '../platform/index.ts';
import type { AuthorizationServer } from './discovery.ts';
import { parseEndpoint } from './discovery.ts';
import { guardedFetch } from './guarded-fetch.ts';

const TIMEOUT_MS = 30_000;

export interface OAuthClient {
  readonly clientId: string;
  /** Absent for a public client. */
  readonly clientSecret?: string | undefined;
}

export interface TokenSet {
  readonly accessToken: string;
  /** The new one if the server gave one. */
  readonly refreshToken: string | undefined;
  /** `undefined`: the server did not say. */
  readonly expiresAt: Date | undefined;
}

interface TokenRequest {
  readonly server: AuthorizationServer;
  readonly client: OAuthClient;
  /** Further form fields, for example `resource` (RFC 8707). */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5). Throws `ERR_OAUTH`. */
export function exchangeCode(
  request: TokenRequest & {
    readonly callbackParameters: URLSearchParams;
    readonly redirectUri: string;
    readonly codeVerifier: string;
  },
): Promise<TokenSet> {
  const { callbackParameters, redirectUri, codeVerifier } = request;
  return askForTokens(
    request,
    'failed to exchange code for token',
    async ({ server, client, authentication, options }) =>
      oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(
          server,
          client,
          authentication,
          callbackParameters,
          redirectUri,
          codeVerifier,
          options,
        ),
      ),
  );
}

/** Refresh token for tokens (RFC 6749 §6). Throws `ERR_OAUTH`. */
export function refreshTokens(request: TokenRequest & { readonly refreshToken: string }): Promise<TokenSet> {
  return askForTokens(
    request,
    'failed to refresh token',
    async ({ server, client, authentication, options }) =>
      oauth.processRefreshTokenResponse(
        server,
        client,
        await oauth.refreshTokenGrantRequest(server, client, authentication, request.refreshToken, options),
      ),
  );
}

interface Prepared {
  readonly server: AuthorizationServer;
  readonly client: oauth.Client;
  readonly authentication: oauth.ClientAuth;
  readonly options: oauth.TokenEndpointRequestOptions;
}

async function askForTokens(
  { server, client, parameters = {}, signal }: TokenRequest,
  what: string,
  ask: (prepared: Prepared) => Promise<oauth.TokenEndpointResponse>,
): Promise<TokenSet> {
  const endpoint = parseEndpoint(server.token_endpoint ?? '', 'token');
  using deadline = startDeadline({ signal, timeoutMs: TIMEOUT_MS });
  try {
    const answer = await ask({
      server,
      client: { client_id: client.clientId },
      authentication: authenticationOf(server, client),
      options: {
        signal: deadline.signal,
        headers: { 'User-Agent': 'ToolHive/1.0' },
        additionalParameters: parameters,
        [oauth.allowInsecureRequests]: endpoint.protocol === 'http:',
        [oauth.customFetch]: guardedFetch,
      },
    });
    const { access_token, refresh_token, expires_in } = answer;
    return {
      accessToken: access_token,
      refreshToken: refresh_token,
      expiresAt: expires_in === undefined ? undefined : new Date(Date.now() + expires_in * 1000),
    };
  } catch (error) {
    signal?.throwIfAborted();
    const reason = deadline.expired ? `no answer within ${TIMEOUT_MS / 1000} seconds` : describe(error);
    throw new ThvError('ERR_OAUTH', { reason: `${what}: ${reason}` }, { cause: error });
  }
}

/** What the server says it takes; a secret goes into the header unless only the form is offered (spec 06 §19-16). */
function authenticationOf(server: AuthorizationServer, { clientSecret }: OAuthClient): oauth.ClientAuth {
  if (clientSecret === undefined) return oauth.None();
  const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
  return methods.includes('client_secret_basic') || !methods.includes('client_secret_post')
    ? oauth.ClientSecretBasic(clientSecret)
    : oauth.ClientSecretPost(clientSecret);
}

/** The server's own words (RFC 6749 §5.2); nothing of what was sent. */
function describe(error: unknown): string {
  if (!(error instanceof oauth.ResponseBodyError)) return messageOf(error);
  const { error: code, error_description: description } = error;
  return description === undefined ? code : `${code} - ${description}`;
}
