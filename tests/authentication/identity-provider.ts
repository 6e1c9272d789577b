import { createServer, type Server } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';

const CLIENT = { id: 'thv-api', secret: 'introspection secret' };

/** Private keys by key id. */
export interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export async function createKey(kid: string): Promise<SigningKey> {
  return { kid, ...(await generateKeyPair('RS256', { extractable: true })) };
}

/** A real OpenID provider on loopback, whose keys the test has as well. */
export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string;
  readonly client: typeof CLIENT;
  /** A JWT access token as the provider issues it. */
  issueJwt(audience: string): Promise<string>;
  /** An access token that only introspection explains. */
  issueOpaque(): Promise<string>;
  revoke(token: string): Promise<void>;
  /** How often each path was asked for. */
  readonly asked: ReadonlyMap<string, number>;
}

/** `port` 0: any. The same port and other keys: the provider after a rotation. */
export async function startProvider(key: SigningKey, port = 0): Promise<IdentityProvider> {
  const asked = new Map<string, number>();
  let handle: ((request: never, response: never) => unknown) | undefined;
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    asked.set(path, (asked.get(path) ?? 0) + 1);
    handle?.(request as never, response as never);
  });
  await listen(server, port);
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(key.privateKey)), kid: key.kid, use: 'sig', alg: 'RS256' }] },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
    },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  });
  handle = provider.callback() as never;

  async function issue(resource: string | undefined): Promise<string> {
    const client = await provider.Client.find(CLIENT.id);
    if (client === undefined) throw new Error('the client is gone');
    const grant = new provider.Grant({ accountId: 'user-1', clientId: CLIENT.id });
    const grantId = await grant.save();
    const token = new provider.AccessToken({
      accountId: 'user-1',
      client,
      grantId,
      gty: 'client_credentials',
      scope: 'openid',
    } as never);
    if (resource !== undefined) {
      token.resourceServer = new provider.ResourceServer(resource, {
        scope: 'openid',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      });
    }
    return token.save();
  }

  return {
    issuer,
    client: CLIENT,
    asked,
    issueJwt: (audience) => issue(audience),
    issueOpaque: () => issue(undefined),
    async revoke(token) {
      await (await provider.AccessToken.find(token))?.destroy();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A token of the test's own making; `header` and `claims` over what a good one has. */
export async function forge(
  key: SigningKey,
  claims: JWTPayload & { readonly iss: string; readonly aud: string },
  header: { readonly kid?: string; readonly alg?: string } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ sub: 'user-1', exp: now + 600, iat: now, ...claims })
    .setProtectedHeader({ alg: 'RS256', kid: key.kid, ...header })
    .sign(key.privateKey);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}
