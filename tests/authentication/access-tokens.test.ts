import { describe, expect, test } from 'bun:test';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTokenChecker } from '../../src/tokens/index.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openEvents } from '../proxy/raw-client.ts';
import { startFakeIssuer } from './fake-issuer.ts';
import { bearer, call, INITIALIZE, LIST, messageOf, openGuarded, TOOLS, toolsIn } from './guarded.ts';
import { createKey, forge } from './identity-provider.ts';

const REQUIRED = { require_token: true };
const SERVERS = ['stdio', 'http'] as const;
const forW = { workloads: ['w'], tools: undefined, expiresAt: undefined };

function tool(name: string) {
  return { id: 2, method: 'tools/call', params: { name, arguments: {} } };
}

describe.each(SERVERS)('an access token at a server of transport %s', (server) => {
  test('lets in, and nothing else does', async () => {
    await using guarded = await openGuarded({ server, config: REQUIRED });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW });
    expect(await toolsIn(await call(guarded.base, LIST, bearer(token)))).toEqual(TOOLS);
    const refused = async (headers: Record<string, string>) => {
      const response = await call(guarded.base, LIST, headers);
      return [response.status, ((await response.json()) as { error_description: string }).error_description];
    };
    expect(await refused({})).toEqual([401, 'authorization header required']);
    expect(await refused(bearer('x'))).toEqual([
      401,
      'Invalid token: an access token of thv token create is needed',
    ]);
    for (const wrong of [
      `${token}x`,
      token.slice(0, -1),
      `${token.slice(0, -2)}${token.endsWith('A') ? 'BB' : 'AA'}`,
      'thvk_',
      'thvk_../../tokens_x',
    ])
      expect(await refused(bearer(wrong))).toEqual([401, 'Invalid token: unknown or revoked access token']);
  });

  test('shows and calls the tools that it is limited to, and no others', async () => {
    await using guarded = await openGuarded({ server, config: REQUIRED });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW, tools: ['read', 'nothing'] });
    const { token: all } = await guarded.tokens.create({ name: 'bob', ...forW });
    expect(await toolsIn(await call(guarded.base, LIST, bearer(token)))).toEqual(['read']);
    expect(await toolsIn(await call(guarded.base, LIST, bearer(all)))).toEqual(TOOLS);
    expect(await messageOf(await call(guarded.base, tool('read'), bearer(token)))).toHaveProperty('result');
    for (const name of ['write', 'Read', 'read ', 'unknown']) {
      const answer = await messageOf(await call(guarded.base, tool(name), bearer(token)));
      expect(answer['error']).toEqual({ code: -32_602, message: 'tool not found' });
    }
    expect(await messageOf(await call(guarded.base, tool('write'), bearer(all)))).toHaveProperty('result');
  });

  test('is limited by the names that clients see, within what everybody may see', async () => {
    const parameters = {
      filter_tools: ['read', 'write'],
      tools_override: { admin: { name: 'write' }, write: { name: 'old' } },
    };
    const middleware_configs = ['tool-filter', 'tool-call-filter'].map((type) => ({ type, parameters }));
    await using guarded = await openGuarded({ server, config: { ...REQUIRED, middleware_configs } });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW, tools: ['write', 'admin', 'old'] });
    expect(await toolsIn(await call(guarded.base, LIST, bearer(token)))).toEqual(['write']);
    const { result } = (await messageOf(await call(guarded.base, tool('write'), bearer(token)))) as {
      result: unknown;
    };
    expect(result).toEqual({ content: [{ type: 'text', text: 'called admin' }] });
  });

  test('is refused from the next request on once it is revoked, and its open stream ends', async () => {
    await using guarded = await openGuarded({ server, config: REQUIRED });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW });
    const { token: other } = await guarded.tokens.create({ name: 'bob', ...forW });
    const opened = await call(guarded.base, INITIALIZE, bearer(token));
    const session = { 'Mcp-Session-Id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    const stream = await fetch(`${guarded.base}/mcp`, {
      headers: { ...bearer(token), ...session, Accept: 'text/event-stream' },
    });
    expect(stream.status).toBe(200);
    let ended = false;
    const reading = stream.text().then(() => {
      ended = true;
    });
    await guarded.tokens.revoke('ann');
    expect((await call(guarded.base, LIST, bearer(token))).status).toBe(401);
    expect((await call(guarded.base, LIST, bearer(other))).status).toBe(200);
    await waitFor(
      () => ended,
      (isOver) => isOver,
      { what: 'the stream has ended' },
    );
    await reading;
  });
});

test.each(['stdio', 'sse'] as const)(
  'limits hold for answers on the stream of the old SSE transport of a server of transport %s',
  async (server) => {
    await using guarded = await openGuarded({ server, config: REQUIRED });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW, tools: ['read'] });
    await using stream = await openEvents(`${guarded.base}/sse`, { headers: bearer(token) });
    await waitFor(
      () => stream.events.length,
      (count) => count > 0,
      { what: 'the endpoint is told' },
    );
    const post = (message: object) =>
      call(guarded.base, message, bearer(token), stream.events[0]?.data.replace(/^https?:\/\/[^/]+/, ''));
    expect((await post(LIST)).status).toBe(202);
    const { result } = await stream.next(({ id }) => id === 1);
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(['read']);
    expect((await post(tool('write'))).status).toBe(202);
    expect((await stream.next(({ id }) => id === 2)).error).toEqual({
      code: -32_602,
      message: 'tool not found',
    });
  },
);

test('a token ends when it says', async () => {
  await using guarded = await openGuarded({ config: REQUIRED });
  const expiresAt = new Date(Date.now() + 3_600_000);
  const { token } = await guarded.tokens.create({ name: 'ann', ...forW, expiresAt });
  let now = Date.now();
  using checker = createTokenChecker({ stateFolder: guarded.stateFolder, workload: 'w', now: () => now });
  expect(checker.check(token).subject).toBe('token:ann');
  now = expiresAt.getTime() - 1;
  expect(checker.check(token).claims['exp']).toBe(Math.floor(expiresAt.getTime() / 1000));
  now = expiresAt.getTime();
  expect(() => checker.check(token)).toThrow('the access token is expired');
});

test('a token for another workload does not let in', async () => {
  await using guarded = await openGuarded({ config: REQUIRED });
  const { token } = await guarded.tokens.create({ name: 'ann', ...forW, workloads: ['v', 'ww'] });
  const response = await call(guarded.base, LIST, bearer(token));
  expect([response.status, await response.text()]).toEqual([
    401,
    '{"error":"invalid_token","error_description":"Invalid token: the access token is not for this workload"}',
  ]);
});

test('the file holds hashes, is for its owner alone, and a broken one lets nobody in', async () => {
  await using guarded = await openGuarded({ config: REQUIRED });
  const { token } = await guarded.tokens.create({ name: 'ann', ...forW });
  const path = join(guarded.stateFolder, 'tokens.json');
  const text = await readFile(path, 'utf8');
  expect(text).not.toContain(token);
  expect(text).not.toContain(token.split('_')[2] ?? token);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await call(guarded.base, LIST, bearer(token))).status).toBe(200);
  await writeFile(path, text.slice(0, -20));
  const response = await waitFor(
    () => call(guarded.base, LIST, bearer(token)),
    ({ status }) => status !== 200,
    { what: 'the file was looked at' },
  );
  expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([
    503,
    '5',
    { error: 'temporarily_unavailable', error_description: 'access tokens cannot be checked' },
  ]);
  await writeFile(path, text);
  await waitFor(
    async () => (await call(guarded.base, LIST, bearer(token))).status,
    (status) => status === 200,
    { what: 'the file is good again' },
  );
  expect(guarded.log.join('')).not.toContain(token);
});

test('tokens made at once are all there, and of equal names one is', async () => {
  await using guarded = await openGuarded();
  const { tokens } = guarded;
  await Promise.all(Array.from({ length: 8 }, (_, at) => tokens.create({ name: `t${at}`, ...forW })));
  const twins = await Promise.allSettled(
    Array.from({ length: 3 }, () => tokens.create({ name: 'twin', ...forW })),
  );
  expect(twins.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await tokens.list()).toHaveLength(9);
  await expect(tokens.revoke('nobody')).rejects.toThrow('access token not found: nobody');
});

test('beside an identity provider, each kind of token is judged by its own', async () => {
  const key = await createKey('key-1');
  await using issuer = await startFakeIssuer(key);
  const oidc_config = { Issuer: issuer.issuer, Audience: 'a', AllowPrivateIP: true, InsecureAllowHTTP: true };
  await using both = await openGuarded({ config: { ...REQUIRED, oidc_config } });
  await using only = await openGuarded({ config: { oidc_config }, stateFolder: both.stateFolder });
  const { token } = await both.tokens.create({ name: 'ann', ...forW });
  const jwt = await forge(key, { iss: issuer.issuer, aud: 'a' });
  const statuses = [];
  for (const { base } of [both, only])
    for (const each of [token, jwt]) statuses.push((await call(base, LIST, bearer(each))).status);
  expect(statuses).toEqual([200, 200, 401, 200]);
});

describe('what the server is shown', () => {
  const settings = async () => {
    const key = await createKey('key-1');
    const issuer = await startFakeIssuer(key);
    const oidc_config = {
      Issuer: issuer.issuer,
      Audience: 'a',
      AllowPrivateIP: true,
      InsecureAllowHTTP: true,
    };
    const jwt = await forge(key, { iss: issuer.issuer, aud: 'a' });
    return { oidc_config, jwt, [Symbol.asyncDispose]: () => issuer[Symbol.asyncDispose]() };
  };

  test.each<readonly ['http' | 'remote', object, 'jwt' | 'key' | 'none', boolean]>([
    ['http', {}, 'jwt', true],
    ['http', {}, 'key', false],
    ['remote', {}, 'jwt', false],
    ['remote', { forward_authorization: true }, 'jwt', true],
    ['remote', { forward_authorization: true }, 'key', false],
    ['remote', {}, 'none', true],
  ])('a %s server with %j and a token of kind %s: %p', async (server, more, kind, isShown) => {
    await using given = await settings();
    const asks = kind === 'none' ? {} : { ...REQUIRED, oidc_config: given.oidc_config };
    await using guarded = await openGuarded({ server, config: { ...asks, ...more } });
    const { token } = await guarded.tokens.create({ name: 'ann', ...forW });
    const sent = kind === 'key' ? token : given.jwt;
    expect((await call(guarded.base, LIST, bearer(sent))).status).toBe(200);
    expect(guarded.seen.map(({ authorization }) => authorization)).toEqual([
      isShown ? `Bearer ${sent}` : null,
    ]);
  });

  test('nothing of what lets the run itself in', async () => {
    await using guarded = await openGuarded({ server: 'remote', config: REQUIRED });
    const headers = { Authorization: guarded.ownAuthorization ?? '' };
    expect((await call(guarded.base, INITIALIZE, headers)).status).toBe(200);
    expect(guarded.seen.map(({ authorization }) => authorization)).toEqual([null]);
  });
});
