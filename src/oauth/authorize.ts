import * as oauth from 'oauth4webapi';
import { ThvError, within } from '../errors/index.ts';
import { aborted, formatDuration, openBrowser, startDeadline } from '../platform/index.ts';
import { startCallbackServer } from './callback-server.ts';
import { type AuthorizationServer, parseEndpoint } from './discovery.ts';
import { exchangeCode, type OAuthClient, type TokenSet } from './tokens.ts';

const TIMEOUT_MS = 300_000;

export interface AuthorizeOptions {
  readonly server: AuthorizationServer;
  readonly client: OAuthClient;
  readonly scopes: readonly string[];
  /** Further parameters of the authorization URL, for example `audience`; they may replace ours. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** On `localhost`; 0 for any free port. */
  readonly callbackPort: number;
  /** Lines for the person, on stderr. */
  readonly announce: (line: string) => void;
  /** Shows the page; `false` when it could not. The person's browser unless given. */
  readonly browse?: ((url: string) => Promise<boolean>) | undefined;
  /** How long the person has; default 5 minutes. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Authorization code with PKCE S256 in the person's browser (RFC 8252, spec 06 §9). Throws `ERR_OAUTH`. */
export async function authorizeInBrowser(options: AuthorizeOptions): Promise<TokenSet> {
  const { server, client, announce, browse = openBrowser, timeoutMs = TIMEOUT_MS, signal } = options;
  const endpoint = parseEndpoint(server.authorization_endpoint ?? '', 'authorization');
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('base64url');
  let tokens: TokenSet | undefined;
  await using callback = startCallbackServer({
    port: options.callbackPort,
    state,
    async complete(answer) {
      const { clientId } = client;
      const callbackParameters = oauth.validateAuthResponse(server, { client_id: clientId }, answer, state);
      const { redirectUri } = callback;
      tokens = await exchangeCode({ server, client, callbackParameters, redirectUri, codeVerifier, signal });
    },
  });
  const codeChallenge = await oauth.calculatePKCECodeChallenge(codeVerifier);
  const url = authorizationUrl(endpoint, options, {
    state,
    codeChallenge,
    redirectUri: callback.redirectUri,
  });
  announce(`Opening browser: ${url}`);
  if (!(await browse(url.href))) announce(`Please manually open this URL in your browser: ${url}`);
  announce(`Waiting for OAuth callback (${formatDuration(timeoutMs)})`);
  const finished = within('OAuth flow failed', () => callback.finished);
  await waitFor(finished, { timeoutMs, signal });
  if (tokens === undefined) throw new ThvError('ERR_INTERNAL', { reason: 'login finished without tokens' });
  return tokens;
}

/** Keys sorted, so that one login looks like another (spec 06 §9.1-4). */
function authorizationUrl(
  endpoint: URL,
  { client, scopes, parameters }: AuthorizeOptions,
  own: { readonly state: string; readonly codeChallenge: string; readonly redirectUri: string },
): URL {
  const url = new URL(endpoint);
  const query = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: own.redirectUri,
    code_challenge: own.codeChallenge,
    code_challenge_method: 'S256',
    state: own.state,
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
    ...parameters,
  };
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  url.searchParams.sort();
  return url;
}

async function waitFor(
  finished: Promise<void>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
): Promise<void> {
  using deadline = startDeadline({ signal, timeoutMs });
  const givenUp = aborted(deadline.signal).then(() => {
    const reason = deadline.expired
      ? `OAuth flow timed out after ${formatDuration(timeoutMs)} - user did not complete authentication`
      : 'OAuth flow interrupted by signal';
    throw new ThvError('ERR_OAUTH', { reason });
  });
  await Promise.race([finished, givenUp]);
}
