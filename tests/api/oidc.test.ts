import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { exportSPKI, SignJWT } from 'jose';
import {
  createKey,
  forge,
  type IdentityProvider,
  type SigningKey,
  startProvider,
} from '../authentication/identity-provider.ts';
import { freePort } from '../harness/ports.ts';
import { openWorld, type World } from '../harness/world.ts';
import { type ApiProcess, startApi } from './server.ts';

const AUDIENCE = 'urn:toolhive-api';
/** The provider of the tests is on loopback and without TLS; both are refused unless asked for. */
const LENIENT = ['--jwks-allow-private-ip', '--oidc-insecure-allow-http'];

let world: World;
let key: SigningKey;
beforeAll(async () => {
  world = await openWorld(undefined);
  key = await createKey('key-1');
});
afterAll(async () => world[Symbol.asyncDispose]());

/** Each server of its own state folder: one record per folder is the rule. */
let servers = 0;
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ApiProcess> {
  servers++;
  return startApi(world, args, { XDG_STATE_HOME: `${world.folder}/state${servers}`, ...env });
}

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });
const version = '/api/v1beta/version';

describe('with an issuer', () => {
  let provider: IdentityProvider;
  let api: ApiProcess;
  beforeAll(async () => {
    provider = await startProvider(key);
    api = await start([...LENIENT, '--oidc-issuer', provider.issuer, '--oidc-audience', AUDIENCE]);
  });
  afterAll(async () => {
    await api[Symbol.asyncDispose]();
    await provider[Symbol.asyncDispose]();
  });

  const good = () => ({ iss: provider.issuer, aud: AUDIENCE });

  test('nothing was asked of the provider before a token came', () => {
    expect([...provider.asked]).toEqual([]);
  });

  test('a token that the provider issued for us is good', async () => {
    expect((await api.ask('GET', version, bearer(await provider.issueJwt(AUDIENCE)))).status).toBe(200);
  });

  test('discovery and keys are asked for once, however many tokens come', async () => {
    const token = await provider.issueJwt(AUDIENCE);
    await Promise.all(Array.from({ length: 20 }, () => api.ask('GET', version, bearer(token))));
    expect(provider.asked.get('/.well-known/openid-configuration')).toBe(1);
    expect(provider.asked.get('/jwks')).toBe(1);
  });

  test.each([
    [
      'no header',
      undefined,
      'invalid_request',
      'authorization header required',
      'authorization header required',
    ],
    [
      'another scheme',
      'Basic YTpi',
      'invalid_request',
      "invalid authorization header format, expected 'Bearer <token>'",
      "invalid authorization header format, expected 'Bearer <token>'",
    ],
    [
      'an opaque token that nobody can explain',
      'Bearer abc',
      'invalid_token',
      'failed to introspect opaque token: no introspection endpoint available',
      'Invalid token: failed to introspect opaque token: no introspection endpoint available',
    ],
  ])('%s', async (_what, authorization, error, reason, description) => {
    const headers: Record<string, string> =
      authorization === undefined ? {} : { Authorization: authorization };
    for (const path of ['/health', version, '/nope', '/api/doc']) {
      const reply = await api.ask('GET', path, { headers });
      expect(reply.status).toBe(401);
      expect(reply.text).toBe(JSON.stringify({ error, error_description: description }));
      expect(reply.headers.get('content-type')).toBe('application/json');
      expect(reply.headers.get('www-authenticate')).toBe(
        `Bearer realm="${provider.issuer}", resource_metadata="${api.url}/.well-known/oauth-protected-resource", error="${error}", error_description="${reason}"`,
      );
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('health of a server that one may not ask still tells which server it is', async () => {
    expect((await api.ask('GET', '/health')).headers.get('x-toolhive-nonce')).toMatch(/^[0-9a-f]{32}$/);
  });

  const past = Math.floor(Date.now() / 1000) - 1;
  const unsigned = (claims: object) =>
    `${[{ alg: 'none', kid: 'key-1' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
  const parse = 'failed to parse token: ';
  const unverifiable = `${parse}token is unverifiable: error while executing keyfunc: `;

  test.each<readonly [string, () => Promise<string> | string, string]>([
    [
      'expired',
      () => forge(key, { ...good(), exp: past }),
      `${parse}token has invalid claims: token is expired`,
    ],
    ['without an end', () => forge(key, { ...good(), exp: undefined } as never), 'token expired'],
    [
      'not valid yet',
      () => forge(key, { ...good(), nbf: past + 100 }),
      `${parse}token has invalid claims: token is not valid yet`,
    ],
    ['for another audience', () => forge(key, { ...good(), aud: 'urn:other' }), 'invalid audience'],
    ['of the provider, for another audience', () => provider.issueJwt('urn:other'), 'invalid audience'],
    ['of another issuer', () => forge(key, { ...good(), iss: 'https://evil.example' }), 'invalid issuer'],
    [
      'of an issuer that differs by a slash',
      () => forge(key, { ...good(), iss: `${provider.issuer}/` }),
      'invalid issuer',
    ],
    [
      'alg:none',
      () => unsigned({ ...good(), sub: 'x', exp: past + 600 }),
      `${unverifiable}unexpected signing method: none`,
    ],
    [
      'HS256 with the public key as the secret',
      async () =>
        new SignJWT({ ...good(), sub: 'x', exp: past + 600 })
          .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
          .sign(new TextEncoder().encode(await exportSPKI(key.publicKey))),
      `${unverifiable}unexpected signing method: HS256`,
    ],
    [
      'signed with another key under our key id',
      async () => forge({ ...(await createKey('x')), kid: 'key-1' }, good()),
      `${parse}token signature is invalid: verification error`,
    ],
    [
      'of a key nobody knows',
      async () => forge(await createKey('key-x'), good()),
      `${unverifiable}key ID key-x not found in JWKS`,
    ],
    ['without a key id', () => forge(key, good(), { kid: '' }), `${unverifiable}token header missing kid`],
  ])('a token %s is refused', async (_what, make, reason) => {
    const reply = await api.ask('GET', version, bearer(await make()));
    expect(reply).toMatchObject({
      status: 401,
      text: JSON.stringify({ error: 'invalid_token', error_description: `Invalid token: ${reason}` }),
    });
    expect(reply.headers.get('www-authenticate')).toContain(`error_description="${reason}"`);
  });

  test('a token without a subject is refused', async () => {
    const reply = await api.ask('GET', version, bearer(await forge(key, { ...good(), sub: '' })));
    expect(reply).toMatchObject({
      status: 401,
      text: '{"error":"invalid_token","error_description":"Invalid authentication claims"}',
    });
  });

  test('the metadata is open to everybody, pages of other sites included', async () => {
    const reply = await api.ask('GET', '/.well-known/oauth-protected-resource/x', {
      headers: { Origin: 'https://app.example' },
    });
    expect(reply.status).toBe(200);
    expect(reply.json()).toEqual({
      resource: api.url,
      authorization_servers: [provider.issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['openid'],
    });
    expect(reply.headers.get('access-control-allow-origin')).toBe('https://app.example');
    const preflight = await api.ask('OPTIONS', '/.well-known/oauth-protected-resource');
    expect({ status: preflight.status, text: preflight.text }).toEqual({ status: 204, text: '' });
  });

  test('no token and no key is in the log', () => {
    expect(api.stderr).not.toMatch(/eyJ|BEGIN/);
  });
});

test('keys that were rotated are noticed by the first token of the new key', async () => {
  const next = await createKey('key-2');
  const port = freePort();
  const before = await startProvider(key, port);
  await using api = await start([...LENIENT, '--oidc-issuer', before.issuer, '--oidc-audience', AUDIENCE]);
  expect((await api.ask('GET', version, bearer(await before.issueJwt(AUDIENCE)))).status).toBe(200);
  await before[Symbol.asyncDispose]();
  await using after = await startProvider(next, port);
  expect((await api.ask('GET', version, bearer(await after.issueJwt(AUDIENCE)))).status).toBe(200);
  // A flood of unknown key ids must not become a flood of requests.
  for (let round = 0; round < 5; round++) {
    const token = await forge(await createKey(`key-${round + 3}`), { iss: after.issuer, aud: AUDIENCE });
    expect((await api.ask('GET', version, bearer(token))).status).toBe(401);
  }
  expect(after.asked.get('/jwks')).toBe(1);
});

test('of many tokens of a new key at once none is refused, and keys that cannot be fetched are no fault of a token', async () => {
  const next = await createKey('key-2');
  const port = freePort();
  const before = await startProvider(key, port);
  const args = [...LENIENT, '--oidc-issuer', before.issuer, '--oidc-audience', AUDIENCE];
  await using api = await start(args);
  await using other = await start(args);
  const good = { iss: before.issuer, aud: AUDIENCE };
  for (const server of [api, other])
    expect((await server.ask('GET', version, bearer(await forge(key, good)))).status).toBe(200);
  await before[Symbol.asyncDispose]();
  const token = await forge(next, good);
  const twenty = async (server: ApiProcess) => {
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => server.ask('GET', version, bearer(token))),
    );
    return new Set(replies.map(({ status }) => status));
  };
  expect(await twenty(other)).toEqual(new Set([503]));
  await using after = await startProvider(next, port);
  expect(await twenty(api)).toEqual(new Set([200]));
  expect(after.asked.get('/jwks')).toBe(1);
});

test('an issuer that is down at start: 503 until it is up', async () => {
  const port = freePort();
  const issuer = `http://127.0.0.1:${port}`;
  await using api = await start([...LENIENT, '--oidc-issuer', issuer, '--oidc-audience', AUDIENCE]);
  const token = await forge(key, { iss: issuer, aud: AUDIENCE });
  const down = await api.ask('GET', version, bearer(token));
  expect(down).toMatchObject({
    status: 503,
    text: '{"error":"temporarily_unavailable","error_description":"the identity provider cannot be reached, so the token cannot be checked"}',
  });
  expect(down.headers.get('retry-after')).toBe('5');
  expect((await api.ask('GET', version, bearer(token))).status).toBe(503);
  const warnings = api.stderr.split('\n').filter((line) => line.includes('tokens cannot be checked'));
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(issuer);
  await using _ = await startProvider(key, port);
  expect((await api.ask('GET', version, bearer(token))).status).toBe(200);
});

describe('introspection', () => {
  let provider: IdentityProvider;
  beforeAll(async () => {
    provider = await startProvider(key);
  });
  afterAll(async () => provider[Symbol.asyncDispose]());
  const introspection = () => [
    ...LENIENT,
    '--oidc-introspection-url',
    `${provider.issuer}/token/introspection`,
    '--oidc-client-id',
    provider.client.id,
  ];
  const secret = () => ({ TOOLHIVE_OIDC_CLIENT_SECRET: provider.client.secret });

  test('alone explains opaque tokens', async () => {
    await using api = await start(introspection(), secret());
    expect((await api.ask('GET', version)).status).toBe(401);
    expect((await api.ask('GET', version, bearer(await provider.issueOpaque()))).status).toBe(200);
    const gone = await provider.issueOpaque();
    await provider.revoke(gone);
    const invalid = 'failed to introspect opaque token: rfc7662 introspection failed: invalid token';
    expect(await api.ask('GET', version, bearer(gone))).toMatchObject({
      status: 401,
      text: JSON.stringify({ error: 'invalid_token', error_description: `Invalid token: ${invalid}` }),
    });
    const challenge = (await api.ask('GET', version)).headers.get('www-authenticate');
    expect(challenge).not.toContain('realm');
  });

  test('is asked once for a token that comes often', async () => {
    await using api = await start(introspection(), secret());
    const token = await provider.issueOpaque();
    const before = provider.asked.get('/token/introspection') ?? 0;
    for (let round = 0; round < 5; round++) await api.ask('GET', version, bearer(token));
    expect((provider.asked.get('/token/introspection') ?? 0) - before).toBe(1);
  });

  test('beside an issuer: JWTs are checked by key, other tokens are introspected', async () => {
    await using api = await start([...introspection(), '--oidc-issuer', provider.issuer], secret());
    expect((await api.ask('GET', version, bearer(await provider.issueJwt(AUDIENCE)))).status).toBe(200);
    expect((await api.ask('GET', version, bearer(await provider.issueOpaque()))).status).toBe(200);
    const before = provider.asked.get('/token/introspection');
    const expired = await forge(key, { iss: provider.issuer, aud: AUDIENCE, exp: 1 });
    expect((await api.ask('GET', version, bearer(expired))).status).toBe(401);
    expect(provider.asked.get('/token/introspection')).toBe(before);
  });

  test('with a wrong secret says that it may not ask, and never the secret', async () => {
    await using api = await start(introspection(), { TOOLHIVE_OIDC_CLIENT_SECRET: 'wrong-secret' });
    const reply = await api.ask('GET', version, bearer(await provider.issueOpaque()));
    expect(reply.status).toBe(401);
    expect(reply.text).toContain('introspection unauthorized');
    expect(api.stderr + reply.text).not.toContain('wrong-secret');
  });
});

describe('what is refused', () => {
  test.each([
    ['plain HTTP', ['--jwks-allow-private-ip'], /is not HTTPS scheme/],
    ['a private address', ['--oidc-insecure-allow-http'], /private IP address, which is not allowed/],
  ])('%s, unless asked for', async (_what, flags, expected) => {
    await using provider = await startProvider(key);
    await using api = await start([...flags, '--oidc-jwks-url', `${provider.issuer}/jwks`]);
    const token = await forge(key, { iss: provider.issuer, aud: AUDIENCE });
    const reply = await api.ask('GET', version, bearer(token));
    expect(reply.status).toBe(401);
    expect(reply.text).toMatch(expected);
    expect([...provider.asked]).toEqual([]);
  });

  test('a discovery document of another issuer', async () => {
    await using provider = await startProvider(key);
    const other = provider.issuer.replace('127.0.0.1', 'localhost');
    await using api = await start([...LENIENT, '--oidc-issuer', other]);
    const reply = await api.ask('GET', version, bearer(await forge(key, { iss: other, aud: AUDIENCE })));
    expect(reply.status).toBe(401);
    expect(reply.text).toContain('the discovery document names another issuer');
  });

  test.each<readonly [string, readonly string[], Record<string, string>, string]>([
    [
      "Google's tokeninfo without an audience",
      ['--oidc-introspection-url', 'https://oauth2.googleapis.com/tokeninfo'],
      {},
      "audience is required when using Google's tokeninfo endpoint: it accepts tokens made for anybody",
    ],
    [
      'discovery switched off without a JWKS URL',
      ['--oidc-issuer', 'https://idp.example'],
      { TOOLHIVE_SKIP_OIDC_DISCOVERY: 'true' },
      'TOOLHIVE_SKIP_OIDC_DISCOVERY=true requires explicit JWKSURL in config',
    ],
    [
      'an issuer that is no URL',
      ['--oidc-issuer', 'idp.example'],
      {},
      'invalid issuer: idp.example (an http or https URL is needed)',
    ],
  ])('%s, at start', async (_what, args, env, reason) => {
    expect(await world.thv(['serve', '--port', '0', ...args], { env })).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: `Error: failed to build server handler: failed to create authentication middleware: ${reason}\n`,
    });
  });

  test('a CA bundle that cannot be read, at start', async () => {
    const result = await world.thv([
      ...['serve', '--port', '0', '--oidc-issuer', 'https://idp.example'],
      ...['--thv-ca-bundle', '/nonexistent.pem'],
    ]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('failed to read CA certificate bundle: ');
  });
});

test('scopes that were configured are advertised, in the metadata and in challenges', async () => {
  await using api = await start([
    ...[
      '--oidc-issuer',
      'https://idp.example',
      '--oidc-scopes',
      'openid,thv:read',
      '--oidc-scopes',
      'thv:write',
    ],
  ]);
  const metadata = await api.ask('GET', '/.well-known/oauth-protected-resource');
  expect(metadata.json()['scopes_supported']).toEqual(['openid', 'thv:read', 'thv:write']);
  const challenge = (await api.ask('GET', version)).headers.get('www-authenticate');
  expect(challenge).toContain(', scope="openid thv:read thv:write", error=');
});

test('audience, client and scopes alone do not switch authentication on', async () => {
  await using api = await start(['--oidc-audience', 'x', '--oidc-client-id', 'y', '--oidc-scopes', 'z']);
  expect((await api.ask('GET', version)).status).toBe(200);
});
