import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { exportJWK, exportSPKI, SignJWT } from 'jose';
import { NO_OIDC, openAuthenticator } from '../../src/oidc/index.ts';
import { createLogger } from '../../src/platform/log.ts';
import { waitFor } from '../harness/wait-for.ts';
import { startFakeIssuer } from './fake-issuer.ts';
import { bearer, call, type Guarded, LIST, openGuarded, TOOLS, toolsIn } from './guarded.ts';
import {
  createKey,
  forge,
  type IdentityProvider,
  type SigningKey,
  startProvider,
} from './identity-provider.ts';

const AUDIENCE = 'urn:mcp';
const LENIENT = { AllowPrivateIP: true, InsecureAllowHTTP: true };
const UNVERIFIABLE = 'failed to parse token: token is unverifiable: error while executing keyfunc: ';

let key: SigningKey;
beforeAll(async () => {
  key = await createKey('key-1');
});

describe('a workload whose callers an OpenID provider vouches for', () => {
  let provider: IdentityProvider;
  let guarded: Guarded;
  beforeAll(async () => {
    provider = await startProvider(key);
    guarded = await openGuarded({
      config: {
        oidc_config: {
          ...LENIENT,
          Issuer: provider.issuer,
          Audience: AUDIENCE,
          ResourceURL: 'https://mcp.example/team',
        },
      },
    });
  });
  afterAll(async () => {
    await guarded[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });
  const good = () => ({ iss: provider.issuer, aud: AUDIENCE });

  test('lets in a token that the provider issued for it', async () => {
    const response = await call(guarded.base, LIST, bearer(await provider.issueJwt(AUDIENCE)));
    expect(await toolsIn(response)).toEqual(TOOLS);
  });

  test('tells where to get a token, on every path and with every method that needs one', async () => {
    for (const [method, path] of [
      ['POST', '/mcp'],
      ['GET', '/mcp'],
      ['DELETE', '/mcp'],
      ['OPTIONS', '/mcp'],
      ['GET', '/sse'],
      ['PUT', '/x'],
    ] as const) {
      const response = await fetch(guarded.base + path, { method });
      expect([method, path, response.status, await response.text()]).toEqual([
        method,
        path,
        401,
        '{"error":"invalid_request","error_description":"authorization header required"}',
      ]);
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer realm="${provider.issuer}", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/team", error="invalid_request", error_description="authorization header required"`,
      );
    }
  });

  test('answers without a token for its health and its metadata, and for nothing else well-known', async () => {
    expect((await fetch(`${guarded.base}/health`)).status).toBe(200);
    for (const path of ['', '/team', '/any/thing']) {
      const metadata = await fetch(`${guarded.base}/.well-known/oauth-protected-resource${path}`, {
        headers: { Origin: 'https://app.example' },
      });
      expect(await metadata.json()).toEqual({
        resource: 'https://mcp.example/team',
        authorization_servers: [provider.issuer],
        bearer_methods_supported: ['header'],
        scopes_supported: ['openid'],
      });
      expect(metadata.headers.get('access-control-allow-origin')).toBe('https://app.example');
    }
    const preflight = await fetch(`${guarded.base}/.well-known/oauth-protected-resource`, {
      method: 'OPTIONS',
    });
    expect(preflight.status).toBe(204);
    const other = await fetch(`${guarded.base}/.well-known/openid-configuration`);
    expect([other.status, await other.text()]).toEqual([404, '{"error":"not_found"}']);
  });

  const past = Math.floor(Date.now() / 1000) - 1;
  const unsigned = (header: object, claims: object, signature = '') =>
    `${[header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.${signature}`;

  test.each<readonly [string, () => Promise<string> | string, string]>([
    ['of another issuer', () => forge(key, { ...good(), iss: 'https://evil.example' }), 'invalid issuer'],
    ['for another audience', () => provider.issueJwt('urn:other'), 'invalid audience'],
    [
      'for an audience that ours begins with',
      () => forge(key, { ...good(), aud: AUDIENCE.slice(0, -1) }),
      'invalid audience',
    ],
    [
      'expired',
      () => forge(key, { ...good(), exp: past }),
      'failed to parse token: token has invalid claims: token is expired',
    ],
    [
      'not valid yet',
      () => forge(key, { ...good(), nbf: past + 100 }),
      'failed to parse token: token has invalid claims: token is not valid yet',
    ],
    [
      'alg:none',
      () => unsigned({ alg: 'none', kid: 'key-1' }, { ...good(), sub: 'x', exp: past + 600 }),
      `${UNVERIFIABLE}unexpected signing method: none`,
    ],
    [
      'HS256 with the public key as the secret',
      async () =>
        new SignJWT({ ...good(), sub: 'x', exp: past + 600 })
          .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
          .sign(new TextEncoder().encode(await exportSPKI(key.publicKey))),
      `${UNVERIFIABLE}unexpected signing method: HS256`,
    ],
    [
      'of a key id that is a path',
      () => forge({ ...key, kid: '../../../../dev/null' }, good()),
      `${UNVERIFIABLE}key ID ../../../../dev/null not found in JWKS`,
    ],
    [
      'of a key id that is no text',
      () => unsigned({ alg: 'RS256', kid: { $ne: '' } }, { ...good(), sub: 'x', exp: past + 600 }, 'AAAA'),
      `${UNVERIFIABLE}token header missing kid`,
    ],
    [
      'of a key id like a member that every object has',
      () => forge({ ...key, kid: '__proto__' }, good()),
      `${UNVERIFIABLE}key ID __proto__ not found in JWKS`,
    ],
    [
      'with a critical extension',
      () =>
        new SignJWT({ ...good(), sub: 'x', exp: past + 600 })
          .setProtectedHeader({ alg: 'RS256', kid: 'key-1', crit: ['urn:x'], 'urn:x': true } as never)
          .sign(key.privateKey, { crit: { 'urn:x': true } }),
      `${UNVERIFIABLE}the token cannot be checked with its key`,
    ],
    [
      'whose signature is that of another token',
      async () =>
        `${(await forge(key, { ...good(), sub: 'other' })).split('.').slice(0, 2).join('.')}.${(await forge(key, good())).split('.')[2]}`,
      'failed to parse token: token signature is invalid: verification error',
    ],
  ])('refuses a token %s', async (_what, make, reason) => {
    const response = await call(guarded.base, LIST, bearer(await make()));
    expect([response.status, await response.text()]).toEqual([
      401,
      JSON.stringify({ error: 'invalid_token', error_description: `Invalid token: ${reason}` }),
    ]);
    expect(response.headers.get('www-authenticate')).toContain(
      `error="invalid_token", error_description="${reason}"`,
    );
  });

  test('goes by its own keys, wherever a token says that others are', async () => {
    const own = await createKey('key-1');
    await using elsewhere = await startFakeIssuer(own);
    for (const header of ['jku', 'x5u'] as const) {
      const jwk = { alg: 'RS256', kid: 'key-1', [header]: `${elsewhere.issuer}/jwks` };
      const token = await new SignJWT({ ...good(), sub: 'x', exp: past + 600 })
        .setProtectedHeader(jwk)
        .sign(own.privateKey);
      expect((await call(guarded.base, LIST, bearer(token))).status).toBe(401);
    }
    const { publicKey, privateKey } = own;
    const jwk = await crypto.subtle.exportKey('jwk', publicKey);
    const embedded = new SignJWT({ ...good(), sub: 'x', exp: past + 600 }).setProtectedHeader({
      alg: 'RS256',
      kid: 'key-1',
      jwk,
    } as never);
    expect((await call(guarded.base, LIST, bearer(await embedded.sign(privateKey)))).status).toBe(401);
    expect(elsewhere.asked).toEqual([]);
  });

  test('takes no token from the query or the body', async () => {
    const token = await provider.issueJwt(AUDIENCE);
    expect((await call(guarded.base, LIST, {}, `/mcp?access_token=${token}`)).status).toBe(401);
    const form = {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `access_token=${token}`,
    };
    expect((await fetch(`${guarded.base}/mcp`, form)).status).toBe(401);
  });

  test('refuses two Authorization headers, whichever of them is good', async () => {
    const token = await provider.issueJwt(AUDIENCE);
    for (const pair of [
      [token, 'x'],
      ['x', token],
      [token, token],
    ]) {
      const answer = await raw(
        guarded.base,
        pair.map((each) => `Authorization: Bearer ${each}\r\n`).join(''),
      );
      expect(answer).toContain(' 401 ');
      expect(answer).toContain('"error":"invalid_request"');
    }
  });

  test('refuses a huge token, and goes on', async () => {
    const response = await call(guarded.base, LIST, bearer(`${'x'.repeat(200_000)}`)).catch(() => undefined);
    expect(response?.status ?? 431).toBeGreaterThan(400);
    expect((await call(guarded.base, LIST, bearer(await provider.issueJwt(AUDIENCE)))).status).toBe(200);
  });

  test('writes no token into its log', () => {
    expect(guarded.log.join('')).not.toMatch(/eyJ/);
  });
});

/** One request over a socket, as it is written. */
function raw(base: string, headers: string): Promise<string> {
  const { port } = new URL(base);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(Number(port), '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes));
  socket.on('error', reject);
  socket.on('end', () => resolve(text));
  socket.write(`GET /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  return promise;
}

/** An authenticator on a clock of the test's. */
async function openChecker(
  settings: Readonly<Record<string, unknown>>,
  options: { readonly lenient?: boolean; readonly timeoutMs?: number } = {},
) {
  const clock = { now: Date.now() };
  const log: string[] = [];
  const { lenient = true, timeoutMs } = options;
  const authenticator = await openAuthenticator(
    { ...NO_OIDC, allowHttp: lenient, allowPrivateAddresses: lenient, audience: AUDIENCE, ...settings },
    {
      env: {},
      logger: createLogger({ level: 'WARN', write: (line) => log.push(line) }),
      now: () => clock.now,
      ...(timeoutMs === undefined ? {} : { introspectionTimeoutMs: timeoutMs }),
    },
  );
  const ask = async (token: string) => {
    try {
      return (await authenticator.authenticate(`Bearer ${token}`)).subject;
    } catch (error) {
      const { code, message } = error as { readonly code: string; readonly message: string };
      return `${code}: ${message}`;
    }
  };
  return { authenticator, ask, clock, log };
}

describe('the clock', () => {
  test('gives no leeway: a token ends in the second that it says, and not before', async () => {
    await using issuer = await startFakeIssuer(key);
    const { ask, clock } = await openChecker({ issuer: issuer.issuer });
    const at = Math.floor(Date.now() / 1000) + 100;
    const token = await forge(key, { iss: issuer.issuer, aud: AUDIENCE, exp: at, nbf: at - 10 });
    const answers = [];
    for (const now of [at - 10.001, at - 10, at - 0.001, at]) {
      clock.now = now * 1000;
      answers.push((await ask(token)).replace(/^.*token is /, ''));
    }
    expect(answers).toEqual(['not valid yet', 'user-1', 'user-1', 'expired']);
  });

  test('a token that was found good is not kept beyond its end, nor beyond its key', async () => {
    const next = await createKey('key-2');
    await using issuer = await startFakeIssuer(key);
    const { ask, clock } = await openChecker({ issuer: issuer.issuer });
    const claims = { iss: issuer.issuer, aud: AUDIENCE };
    const token = await forge(key, { ...claims, exp: Math.floor(clock.now / 1000) + 7200 });
    expect(await ask(token)).toBe('user-1');
    issuer.keys.splice(0, 1, next);
    clock.now += 16 * 60_000; // keys are fetched again after 15 minutes
    expect(await ask(token)).toBe('user-1');
    const what = 'the keys are fetched again';
    await waitFor(
      () => ask(token),
      (answer) => answer !== 'user-1',
      { what },
    );
    expect(await ask(token)).toBe(`ERR_TOKEN_REJECTED: ${UNVERIFIABLE}key ID key-1 not found in JWKS`);
  });

  test('a token that was found good takes no promise the next time', async () => {
    await using issuer = await startFakeIssuer(key);
    const { authenticator } = await openChecker({ issuer: issuer.issuer });
    const header = `Bearer ${await forge(key, { iss: issuer.issuer, aud: AUDIENCE })}`;
    expect(authenticator.authenticate(header)).toBeInstanceOf(Promise);
    await authenticator.authenticate(header);
    expect(authenticator.authenticate(header)).not.toBeInstanceOf(Promise);
  });
});

describe('the keys', () => {
  test('rotated under load: no token of either key is refused, and a flood of unknown keys is not passed on', async () => {
    const next = await createKey('key-2');
    await using issuer = await startFakeIssuer(key);
    const { ask, clock } = await openChecker({ issuer: issuer.issuer });
    const claims = { iss: issuer.issuer, aud: AUDIENCE };
    const forgeAs = (signing: SigningKey, sub: string) => forge(signing, { ...claims, sub });
    expect(await ask(await forgeAs(key, 'before'))).toBe('before');
    issuer.keys.push(next);
    const tokens = await Promise.all(
      Array.from({ length: 50 }, (_, at) => forgeAs(at % 2 === 0 ? key : next, `u${at}`)),
    );
    expect(await Promise.all(tokens.map(ask))).toEqual(tokens.map((_, at) => `u${at}`));
    const strangers = await Promise.all(
      Array.from({ length: 50 }, (_, at) => forgeAs({ ...key, kid: `no-${at}` }, 'x')),
    );
    const refusals = await Promise.all(strangers.map(ask));
    expect(refusals.every((text) => text.includes('not found in JWKS'))).toBe(true);
    expect(issuer.asked.filter((path) => path === '/jwks')).toHaveLength(2);
    clock.now += 10_001;
    await Promise.all(strangers.map(ask));
    expect(issuer.asked.filter((path) => path === '/jwks')).toHaveLength(3);
  });

  test('that cannot be fetched are no fault of a token; those that are known stay good', async () => {
    await using issuer = await startFakeIssuer(key);
    const { ask, log } = await openChecker({ issuer: issuer.issuer });
    const claims = { iss: issuer.issuer, aud: AUDIENCE };
    expect(await ask(await forge(key, { ...claims, sub: 'one' }))).toBe('one');
    issuer.answers.set('/jwks', () => new Response(null, { status: 503 }));
    expect(await ask(await forge(await createKey('key-2'), claims))).toStartWith(
      'ERR_PROVIDER_UNREACHABLE: ',
    );
    expect(await ask(await forge(key, { ...claims, sub: 'two' }))).toBe('two');
    expect(log.filter((line) => line.includes('tokens cannot be checked'))).toHaveLength(1);
  });

  test('an outage is 503 with Retry-After at the port', async () => {
    await using issuer = await startFakeIssuer(key);
    issuer.answers.set('/jwks', () => new Response(null, { status: 500 }));
    const oidc_config = { ...LENIENT, Issuer: issuer.issuer, Audience: AUDIENCE };
    await using guarded = await openGuarded({ config: { oidc_config } });
    const token = await forge(key, { iss: issuer.issuer, aud: AUDIENCE });
    const response = await call(guarded.base, LIST, bearer(token));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
    issuer.answers.delete('/jwks');
    expect((await call(guarded.base, LIST, bearer(token))).status).toBe(200);
  });

  test.each<readonly [string, () => Response, string]>([
    ['no keys', () => Response.json({ keys: [] }), 'not found in JWKS'],
    ['no JSON', () => new Response('<html>'), 'gave no key set'],
    [
      'a megabyte and more',
      () => new Response(`{"keys":[],"x":"${'x'.repeat(1024 * 1024)}"}`),
      'longer than',
    ],
  ])('an endpoint that gives %s lets nobody in', async (_, answer, reason) => {
    await using issuer = await startFakeIssuer(key);
    issuer.answers.set('/jwks', answer);
    const { ask } = await openChecker({ issuer: issuer.issuer });
    const result = await ask(await forge(key, { iss: issuer.issuer, aud: AUDIENCE }));
    expect(result).toStartWith('ERR_TOKEN_REJECTED: ');
    expect(result).toContain(reason);
  });

  test('of another use, or for another algorithm, verify nothing', async () => {
    await using issuer = await startFakeIssuer(key);
    for (const more of [{ use: 'enc' }, { alg: 'RS512' }, { key_ops: ['encrypt'] }]) {
      issuer.answers.set('/jwks', async () =>
        Response.json({ keys: [{ ...(await exportJWK(key.publicKey)), kid: 'key-1', ...more }] }),
      );
      const { ask } = await openChecker({ issuer: issuer.issuer });
      expect(await ask(await forge(key, { iss: issuer.issuer, aud: AUDIENCE }))).toStartWith(
        'ERR_TOKEN_REJECTED: ',
      );
    }
  });
});

describe('requests to a provider', () => {
  test('do not go to private addresses, be it at once or after a redirect', async () => {
    await using issuer = await startFakeIssuer(key);
    const { ask } = await openChecker({
      issuer: issuer.issuer,
      allowHttp: true,
      allowPrivateAddresses: false,
    });
    expect(await ask(await forge(key, { iss: issuer.issuer, aud: AUDIENCE }))).toBe(
      'ERR_TOKEN_REJECTED: OIDC discovery failed: failed to discover OIDC configuration: the provided URL redirects to a private IP address, which is not allowed',
    );
    expect(issuer.asked).toEqual([]);
  });

  test('do not go where a discovery document of another issuer leads', async () => {
    await using issuer = await startFakeIssuer(key);
    await using other = await startFakeIssuer(key);
    issuer.answers.set('/.well-known/openid-configuration', () =>
      Response.json({ issuer: other.issuer, jwks_uri: `${other.issuer}/jwks` }),
    );
    const { ask } = await openChecker({ issuer: issuer.issuer });
    expect(await ask(await forge(key, { iss: issuer.issuer, aud: AUDIENCE }))).toContain(
      'names another issuer',
    );
    expect(other.asked).toEqual([]);
  });
});

describe('introspection', () => {
  const active = { active: true, sub: 'opaque-user', aud: AUDIENCE };

  test('one request for all who come with a token at once, and none for a minute', async () => {
    await using issuer = await startFakeIssuer(key);
    issuer.answers.set('/introspect', () => Response.json(active));
    const { ask } = await openChecker({ introspectionUrl: `${issuer.issuer}/introspect` });
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => ask('opaque'))))).toEqual(
      new Set(['opaque-user']),
    );
    expect(await ask('opaque')).toBe('opaque-user');
    expect(issuer.asked).toEqual(['/introspect']);
  });

  test.each<readonly [string, () => Response | Promise<Response>, RegExp]>([
    [
      'is down',
      () => new Response(null, { status: 502 }),
      /^ERR_PROVIDER_UNREACHABLE: .*introspection failed with status 502$/,
    ],
    ['is slow', () => new Promise(() => {}), /^ERR_PROVIDER_UNREACHABLE: .*no answer within 0.2 s$/],
    [
      'refuses us',
      () => new Response(null, { status: 401 }),
      /^ERR_TOKEN_REJECTED: .*introspection unauthorized$/,
    ],
    ['says no', () => Response.json({ active: false }), /^ERR_TOKEN_REJECTED: .*invalid token$/],
    ['says yes as a text', () => Response.json({ ...active, active: 'true' }), /^ERR_TOKEN_REJECTED: /],
    [
      'names another audience',
      () => Response.json({ ...active, aud: 'urn:other' }),
      /^ERR_TOKEN_REJECTED: invalid audience$/,
    ],
    [
      'says that it is over',
      () => Response.json({ ...active, exp: 1 }),
      /^ERR_TOKEN_REJECTED: token expired$/,
    ],
    [
      'leads elsewhere',
      () => Response.redirect('https://elsewhere.example/'),
      /^ERR_(TOKEN_REJECTED|PROVIDER_\w+): /,
    ],
    [
      'says too much',
      () => Response.json({ ...active, x: 'x'.repeat(70_000) }),
      /^ERR_TOKEN_REJECTED: .*longer than 65536 bytes$/,
    ],
  ])('an endpoint that %s lets nobody in', async (_, answer, expected) => {
    await using issuer = await startFakeIssuer(key);
    issuer.answers.set('/introspect', answer);
    const { ask } = await openChecker(
      { introspectionUrl: `${issuer.issuer}/introspect` },
      { timeoutMs: 200 },
    );
    expect(await ask('opaque')).toMatch(expected);
  });

  test('is not asked about a JWT that its own keys refuse', async () => {
    await using issuer = await startFakeIssuer(key);
    issuer.answers.set('/introspect', () => Response.json(active));
    const { ask } = await openChecker({
      issuer: issuer.issuer,
      introspectionUrl: `${issuer.issuer}/introspect`,
    });
    const stranger = await forge(
      { ...(await createKey('x')), kid: 'key-1' },
      { iss: issuer.issuer, aud: AUDIENCE },
    );
    expect(await ask(stranger)).toContain('signature is invalid');
    expect(issuer.asked).not.toContain('/introspect');
  });

  test('the client secret comes from the secrets store, encoded', async () => {
    await using issuer = await startFakeIssuer(key);
    let basic: string | null | undefined;
    issuer.answers.set('/introspect', (request) => {
      basic = request.headers.get('authorization');
      return Response.json(active);
    });
    await using guarded = await openGuarded({
      config: {
        oidc_config: {
          ...LENIENT,
          IntrospectionURL: `${issuer.issuer}/introspect`,
          ClientID: 'me',
          ClientSecret: 'OIDC_CLIENT_SECRET_w,target=oidc_secret',
        },
      },
      secrets: { __thv_workloads_OIDC_CLIENT_SECRET_w: 's:1' },
    });
    expect((await call(guarded.base, LIST, bearer('opaque'))).status).toBe(200);
    expect(basic).toBe(`Basic ${Buffer.from('me:s%3A1').toString('base64')}`);
    expect(guarded.log.join('')).not.toContain('s:1');
  });
});

test('no token, no promise and no cryptography where nobody asks for tokens', async () => {
  await using guarded = await openGuarded();
  expect((await call(guarded.base, LIST)).status).toBe(200);
  expect(guarded.ownAuthorization).toBeUndefined();
});
