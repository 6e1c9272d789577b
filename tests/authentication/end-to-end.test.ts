import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { access, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { hostOf } from '../e2e/hosts.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { openRemoteServer, type RemoteServer } from '../remote/remote-server.ts';
import { bearer, INITIALIZE } from './guarded.ts';
import { createKey, type IdentityProvider, startProvider } from './identity-provider.ts';

const AUDIENCE = 'urn:mcp';
const LENIENT = ['--jwks-allow-private-ip', '--oidc-insecure-allow-http'];
const PASSWORD = { TOOLHIVE_SECRETS_PASSWORD: 'correct horse' };
const SECRET = 'introspection secret';

let world: World;
let remote: RemoteServer;
let provider: IdentityProvider;
beforeAll(async () => {
  world = await openWorld(undefined, { env: PASSWORD });
  remote = await openRemoteServer();
  provider = await startProvider(await createKey('key-1'));
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await remote[Symbol.asyncDispose]();
  await provider[Symbol.asyncDispose]();
});

const server = () => `${remote.origin}/v1/mcp`;
const document = async (name: string) =>
  JSON.parse(await readFile(join(world.state, 'runconfigs', `${name}.json`), 'utf8'));

function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }),
  });
}

const statusFor = async (url: string, headers?: Readonly<Record<string, string>>) => {
  const response = await ask(url, headers);
  await response.body?.cancel();
  return response.status;
};

/** Every file of the world's own folders that holds a text. */
async function filesWith(text: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of [world.state, world.data]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await readFile(path, 'utf8')).includes(text)) found.push(path);
    }
  }
  return found;
}

describe('what can be known to be wrong is told before anything is made', () => {
  test.each<readonly [string, readonly string[], string]>([
    [
      'an issuer that is no URL',
      ['--oidc-issuer', 'idp.example'],
      'invalid issuer: idp.example (an http or https URL is needed)',
    ],
    [
      'an audience and no way to check a token',
      ['--oidc-audience', 'x'],
      'either issuer or JWKS URL must be provided',
    ],
    [
      'keys over plain HTTP',
      ['--oidc-jwks-url', 'http://idp.example/keys'],
      'invalid http://idp.example/keys: endpoint must use HTTPS: http://idp.example/keys',
    ],
    [
      'introspection over plain HTTP',
      ['--oidc-introspection-url', 'http://idp.example/i'],
      'invalid http://idp.example/i: endpoint must use HTTPS: http://idp.example/i',
    ],
    [
      'Google without an audience',
      ['--oidc-introspection-url', 'https://oauth2.googleapis.com/tokeninfo'],
      "audience is required when using Google's tokeninfo endpoint",
    ],
    [
      'a CA bundle that is not there',
      ['--oidc-issuer', 'https://idp.example', '--thv-ca-bundle', 'none.pem'],
      'failed to read CA certificate bundle: ',
    ],
    [
      'a CA bundle of something else',
      ['--oidc-issuer', 'https://idp.example', '--thv-ca-bundle', 'note'],
      'failed to parse CA certificate bundle',
    ],
    [
      'a CA bundle with a broken certificate',
      ['--oidc-issuer', 'https://idp.example', '--thv-ca-bundle', 'broken.pem'],
      'has a certificate that cannot be read (number 1)',
    ],
    [
      'a token file that is empty',
      ['--oidc-issuer', 'https://idp.example', '--jwks-auth-token-file', 'empty'],
      'auth token file is empty: ',
    ],
    [
      'a resource that is no URL',
      ['--resource-url', 'mcp.example'],
      'invalid value for --resource-url: mcp.example',
    ],
    [
      'a secret that nobody has',
      [
        '--oidc-introspection-url',
        'https://idp.example/i',
        '--oidc-client-id',
        'a',
        '--oidc-client-secret',
        'NOBODY,target=oidc_secret',
      ],
      "failed to get the OIDC client secret 'NOBODY'",
    ],
  ])('%s', async (_, flags, text) => {
    await writeFile(join(world.work, 'note'), 'hello');
    await writeFile(join(world.work, 'empty'), '\n');
    await writeFile(
      join(world.work, 'broken.pem'),
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    );
    const name = world.name('bad');
    const { exitCode, stderr } = await world.thv(['run', server(), '--name', name, ...flags]);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(text)]);
    for (const file of [
      join(world.state, 'runconfigs', `${name}.json`),
      join(world.data, 'statuses', `${name}.json`),
    ])
      await expect(access(file)).rejects.toThrow();
  });
});

test('a client secret is kept in the document where there is no secrets store, and never exported', async () => {
  const name = world.name('plain');
  const flags = [
    '--oidc-introspection-url',
    `${provider.issuer}/token/introspection`,
    '--oidc-client-id',
    provider.client.id,
  ];
  const { exitCode, stderr } = await world.thv(['run', server(), '--name', name, ...LENIENT, ...flags], {
    env: { TOOLHIVE_OIDC_CLIENT_SECRET: SECRET },
  });
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringContaining('the OIDC client secret is kept in the run configuration'),
  ]);
  const { url } = await world.reached(name);
  expect((await document(name)).oidc_config.ClientSecret).toBe(SECRET);
  expect((await stat(join(world.state, 'runconfigs', `${name}.json`))).mode & 0o777).toBe(0o600);
  expect([
    await statusFor(url, bearer('made up')),
    await statusFor(url, bearer(await provider.issueOpaque())),
  ]).toEqual([401, 200]);
  const file = join(world.work, 'plain.json');
  const exported = await world.thv(['export', name, file]);
  expect(exported.stderr).toContain('Warning: The OIDC client secret is not exported.');
  expect(await readFile(file, 'utf8')).not.toContain(SECRET);
  await world.ok(['rm', name]);
  await world.ok(['run', '--from-config', file], { env: { TOOLHIVE_OIDC_CLIENT_SECRET: SECRET } });
  const again = await world.reached(name);
  expect(await statusFor(again.url, bearer(await provider.issueOpaque()))).toBe(200);
  await world.ok(['rm', name]);
});

test('a workload behind an identity provider, from its start to its removal', async () => {
  await world.ok(['secret', 'setup'], { stdin: 'encrypted\n' });
  const name = world.name('oidc');
  await world.ok([
    ...[
      'run',
      server(),
      '--name',
      name,
      ...LENIENT,
      '--oidc-issuer',
      provider.issuer,
      '--oidc-audience',
      AUDIENCE,
    ],
    ...[
      '--resource-url',
      'https://mcp.example/x',
      '--oidc-client-id',
      provider.client.id,
      '--oidc-client-secret',
      SECRET,
    ],
    ...['--oidc-scopes', 'openid,mcp', '--oidc-introspection-url', `${provider.issuer}/token/introspection`],
  ]);
  const { url } = await world.reached(name);
  const refused = await ask(url);
  expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
    401,
    `Bearer realm="${provider.issuer}", resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/x", scope="openid mcp", error="invalid_request", error_description="authorization header required"`,
  ]);
  const jwt = await provider.issueJwt(AUDIENCE);
  expect(await statusFor(url, bearer(jwt))).toBe(200);
  const metadata = await fetch(new URL('/.well-known/oauth-protected-resource', url));
  expect(await metadata.json()).toMatchObject({
    resource: 'https://mcp.example/x',
    scopes_supported: ['openid', 'mcp'],
  });
  // The remote server did not get the token, and the run asked it for its readiness with nothing at all.
  expect(remote.asked.filter(({ headers }) => headers.authorization !== undefined)).toEqual([]);

  const reference = `OIDC_CLIENT_SECRET_${name},target=oidc_secret`;
  const stored = await document(name);
  expect(stored.oidc_config).toMatchObject({
    Issuer: provider.issuer,
    Audience: AUDIENCE,
    ClientSecret: reference,
    Scopes: ['openid', 'mcp'],
  });
  expect(
    stored.middleware_configs.find(({ type }: { type: string }) => type === 'auth').parameters.oidc_config,
  ).toEqual(stored.oidc_config);
  expect(await filesWith(SECRET)).toEqual([]);
  expect(await filesWith(jwt)).toEqual([]);

  process.kill(await hostOf(world), 'SIGKILL');
  await waitFor(
    () => statusFor(url, bearer(jwt)).catch(() => 0),
    (status) => status === 200,
    { what: 'it serves again' },
  );
  expect(await statusFor(url)).toBe(401);

  const file = join(world.work, 'oidc.json');
  await world.ok(['export', name, file]);
  const exported = JSON.parse(await readFile(file, 'utf8'));
  expect(exported.oidc_config).toEqual(stored.oidc_config);
  const copy = world.name('copy');
  await writeFile(
    file,
    JSON.stringify({ ...exported, name: copy, base_name: copy, container_name: copy, port: 0 }),
  );
  await world.ok(['run', '--from-config', file]);
  const imported = await world.reached(copy);
  expect([await statusFor(imported.url), await statusFor(imported.url, bearer(jwt))]).toEqual([401, 200]);
  await world.ok(['rm', copy, name]);
  expect(await world.ok(['secret', 'list', '--system'])).not.toContain('OIDC_CLIENT_SECRET');
});

test('access tokens, from their making to their end', async () => {
  const name = world.name('keys');
  await world.ok(['run', server(), '--name', name, '--require-token']);
  const { url } = await world.reached(name);
  expect(await statusFor(url)).toBe(401);
  const made = await world.thv([
    'token',
    'create',
    'ann',
    '--workload',
    name,
    '--tools',
    'a,b',
    '--expires',
    '30d',
  ]);
  expect([made.exitCode, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toMatch(/^thvk_[0-9a-f]{12}_[\w-]{43}\n$/);
  const token = made.stdout.trim();
  expect(await statusFor(url, bearer(token))).toBe(200);
  expect(JSON.parse(await world.ok(['token', 'list', '--format', 'json']))).toEqual([
    {
      name: 'ann',
      workloads: [name],
      tools: ['a', 'b'],
      created_at: expect.any(String),
      expires_at: expect.any(String),
      expired: false,
    },
  ]);
  expect(await world.ok(['token', 'list'])).toMatch(
    /^NAME +WORKLOADS +TOOLS +CREATED +EXPIRES\nann +\S+ +a,b +\S+Z +\S+Z\n$/,
  );

  const file = join(world.work, 'keys.json');
  await world.ok(['export', name, file]);
  const exported = await readFile(file, 'utf8');
  expect(JSON.parse(exported).require_token).toBe(true);
  expect(exported).not.toMatch(/thvk_|sha256/);
  expect(await filesWith(token)).toEqual([]);

  const registered = await world.thv(['client', 'register', 'cursor']);
  expect(registered.stderr).toContain(`'${name}' asks for tokens, and none is written`);
  await world.ok(['client', 'remove', 'cursor']);
  const client = {
    env: { TOOLHIVE_TOKEN: (await world.ok(['token', 'create', 'cli', '--workload', name])).trim() },
  };
  expect(await world.ok(['mcp', 'list', 'tools', '--server', name], client)).toContain('headers');
  expect((await world.thv(['mcp', 'list', 'tools', '--server', name])).exitCode).toBe(1);
  const list = '{"jsonrpc":"2.0","id":2,"method":"tools/list"}';
  const stdin = `${JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE })}\n${list}\n`;
  expect(await world.ok(['proxy', 'stdio', name], { ...client, stdin })).toContain('"headers"');
  await world.ok(['token', 'revoke', 'cli']);

  await world.ok(['token', 'revoke', 'ann']);
  expect(await statusFor(url, bearer(token))).toBe(401);
  expect(await world.ok(['token', 'list'])).toBe('No access tokens found\n');
  await world.ok(['rm', name]);
});

test.each<readonly [readonly string[], string]>([
  [
    ['token', 'create', 'x'],
    'a token is for one workload or several, and none is named. Hint: name them with --workload',
  ],
  [['token', 'create', 'x', '--workload', 'nobody'], 'nobody'],
  [
    ['token', 'create', 'x', '--workload', 'a', '--expires', 'soon'],
    'invalid lifetime of a token: "soon" (such as 30d or 12h, or never)',
  ],
  [['token', 'create', 'x', '--workload', 'a', '--expires', '0s'], 'invalid lifetime of a token: "0s"'],
  [['token', 'create', 'x', '--workload', 'a', '--tools', 'a,,b'], 'tool name cannot be empty'],
  [['token', 'revoke', 'x'], 'access token not found: x'],
])('thv %j is refused', async (args, text) => {
  const { exitCode, stdout, stderr } = await world.thv(args);
  expect([exitCode, stdout, stderr]).toEqual([1, '', expect.stringContaining(text)]);
});

test('the API makes protected workloads and tokens for them', async () => {
  const name = world.name('api');
  await using api = await startApi(world);
  const oidc = { issuer: provider.issuer, audience: AUDIENCE, client_id: 'me', client_secret: SECRET };
  const bad = await api.ask('POST', '/api/v1beta/workloads', {
    body: { name, url: server(), oidc: { ...oidc, issuer: 'x' } },
  });
  expect([bad.status, bad.text]).toEqual([400, expect.stringContaining('invalid issuer: x')]);
  const created = await api.ask('POST', '/api/v1beta/workloads', {
    body: { name, url: server(), require_token: true, oidc },
  });
  expect(created.status).toBe(201);
  const { url } = await world.reached(name);
  const made = await api.ask('POST', '/api/v1beta/tokens', {
    body: { name: 'bob', workloads: [name], expires: '1h' },
  });
  expect(made.status).toBe(201);
  const { token } = made.json<{ token: string }>();
  expect([await statusFor(url), await statusFor(url, bearer(token))]).toEqual([401, 200]);
  const listed = await api.ask('GET', '/api/v1beta/tokens');
  expect(listed.json()).toMatchObject({ tokens: [{ name: 'bob', workloads: [name], tools: null }] });
  expect(listed.text).not.toContain(token);

  const details = (await api.ask('GET', `/api/v1beta/workloads/${name}`)).json();
  expect(details).toMatchObject({
    require_token: true,
    oidc: { ...oidc, client_secret: `OIDC_CLIENT_SECRET_${name},target=oidc_secret` },
  });
  const edited = await api.ask('POST', `/api/v1beta/workloads/${name}/edit`, {
    body: { ...details, tools: ['a'] },
  });
  expect(edited.status).toBe(200);
  await waitFor(
    () => document(name),
    ({ tools_filter }) => tools_filter?.[0] === 'a',
    { what: 'the edit is stored' },
  );
  expect((await document(name)).oidc_config.ClientSecret).toBe(
    `OIDC_CLIENT_SECRET_${name},target=oidc_secret`,
  );
  await world.reached(name);

  expect((await api.ask('DELETE', '/api/v1beta/tokens/bob')).status).toBe(204);
  expect((await api.ask('DELETE', '/api/v1beta/tokens/bob')).status).toBe(404);
  expect(await statusFor(url, bearer(token))).toBe(401);
  expect(await filesWith(SECRET)).toEqual([]);
  await world.ok(['rm', name]);
});
