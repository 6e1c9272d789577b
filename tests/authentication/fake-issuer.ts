import type { Server } from 'bun';
import { exportJWK } from 'jose';
import type { SigningKey } from './identity-provider.ts';

/** An issuer that misbehaves as the test says; by default it serves its keys. */
export interface FakeIssuer extends AsyncDisposable {
  readonly issuer: string;
  /** Paths in the order in which they were asked for. */
  readonly asked: string[];
  readonly keys: SigningKey[];
  /** Answers in place of the usual ones, by path. */
  readonly answers: Map<string, (request: Request) => Response | Promise<Response>>;
}

export async function startFakeIssuer(...keys: readonly SigningKey[]): Promise<FakeIssuer> {
  const asked: string[] = [];
  const current = [...keys];
  const answers: FakeIssuer['answers'] = new Map();
  const server: Server<undefined> = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request): Promise<Response> {
      const { pathname } = new URL(request.url);
      asked.push(pathname);
      const own = answers.get(pathname);
      if (own !== undefined) return own(request);
      if (pathname === '/.well-known/openid-configuration')
        return Response.json({ issuer, jwks_uri: `${issuer}/jwks` });
      if (pathname !== '/jwks') return new Response(null, { status: 404 });
      const jwks = current.map(async ({ kid, publicKey }) => ({
        ...(await exportJWK(publicKey)),
        kid,
        use: 'sig',
      }));
      return Response.json({ keys: await Promise.all(jwks) });
    },
  });
  const issuer: string = `http://127.0.0.1:${server.port}`;
  return { issuer, asked, keys: current, answers, [Symbol.asyncDispose]: () => server.stop(true) };
}
