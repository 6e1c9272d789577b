import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

/** An OpenID Connect issuer that logs in everybody who comes to its login page, with what it was asked to do. */
export interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** `METHOD path` of every request, with the grant type for the token endpoint. */
  readonly requests: string[];
  /** Query of every authorization request. */
  readonly authorizations: URLSearchParams[];
  /** Makes every refresh token unusable. */
  revokeAll(): void;
}

interface IssuerOptions {
  readonly accessTokenSeconds?: number;
}

export async function startIssuer({ accessTokenSeconds = 3600 }: IssuerOptions = {}): Promise<Issuer> {
  const requests: string[] = [];
  const authorizations: URLSearchParams[] = [];
  let isRevoked = false;
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', () => resolve()));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: 'thv',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://localhost/callback'],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
    scopes: ['openid', 'offline_access', 'registry'],
    pkce: { required: () => true },
    ttl: {
      AccessToken: accessTokenSeconds,
      Session: 60,
      Grant: 3600,
      Interaction: 60,
      IdToken: 60,
      RefreshToken: 3600,
    },
    rotateRefreshToken: true,
    issueRefreshToken: async () => true,
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['test'] },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      });
      grant.addOIDCScope('openid offline_access registry');
      await grant.save();
      return grant;
    },
  });
  const handle = provider.callback();
  http.on('request', (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    requests.push(`${request.method} ${pathname}`);
    if (pathname === '/auth') authorizations.push(searchParams);
    if (pathname.startsWith('/interaction/')) {
      // A native client has to be consented to each time.
      void provider.interactionFinished(request, response, { login: { accountId: 'somebody' }, consent: {} });
    } else if (isRevoked && pathname === '/token') {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end('{"error":"invalid_grant","error_description":"it was revoked"}');
    } else void handle(request, response);
  });
  return {
    url,
    requests,
    authorizations,
    revokeAll() {
      isRevoked = true;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    },
  };
}

/** Follows a login as a browser would, with its cookies; gives the last page. */
export async function followInBrowser(
  start: string,
): Promise<{ readonly status: number; readonly page: string }> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) return { status: response.status, page: await response.text() };
    url = new URL(location, url);
  }
  throw new Error('the login goes round in circles');
}
