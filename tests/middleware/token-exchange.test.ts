import { describe, expect, test } from 'bun:test';
import { bearer, call, type Guarded, LIST, openGuarded } from '../authentication/guarded.ts';

/** A token endpoint (RFC 8693) that answers as it is told to. */
function openTokenEndpoint(
  respond: (form: URLSearchParams, count: number) => Response | Promise<Response> = (form) =>
    reply(`for-${form.get('subject_token')}`),
) {
  const asked: { readonly form: Readonly<Record<string, string>>; readonly authorization: string | null }[] =
    [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const form = new URLSearchParams(await request.text());
      asked.push({ form: Object.fromEntries(form), authorization: request.headers.get('authorization') });
      return respond(form, asked.length);
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/token`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function reply(access_token: string, more: object = {}): Response {
  const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token';
  return Response.json({ access_token, token_type: 'Bearer', issued_token_type, expires_in: 3600, ...more });
}

const serve = (
  token_url: string,
  config: object = {},
  more: Partial<Parameters<typeof openGuarded>[0]> = {},
): Promise<Guarded> =>
  openGuarded({ server: 'http', ...more, config: { token_exchange_config: { token_url, ...config } } });

const status = async (world: Guarded, headers: Readonly<Record<string, string>>) => {
  const response = await call(world.base, LIST, headers);
  return [response.status, response.status === 200 ? '' : (await response.text()).trim()];
};

describe('token exchange', () => {
  test('asks as RFC 8693 says, and the server sees the new token alone', async () => {
    await using sts = openTokenEndpoint();
    await using world = await serve(
      sts.url,
      {
        client_id: 'a b',
        client_secret: 'TOKEN_EXCHANGE_CLIENT_SECRET_w,target=token_exchange_secret',
        audience: 'server',
        scopes: ['read', 'write'],
        subject_token_type: 'id_token',
      },
      { secrets: { __thv_workloads_TOKEN_EXCHANGE_CLIENT_SECRET_w: 's:é' } },
    );
    expect(await status(world, bearer('mine'))).toEqual([200, '']);
    expect(sts.asked).toEqual([
      {
        form: {
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          subject_token: 'mine',
          subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
          requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          audience: 'server',
          scope: 'read write',
        },
        authorization: `Basic ${btoa('a+b:s%3A%C3%A9')}`,
      },
    ]);
    expect(world.seen.at(-1)?.authorization).toBe('Bearer for-mine');
    expect(world.log.join('')).not.toContain('for-mine');
  });

  test('without a secret says nothing of a client, and without a token nothing at all', async () => {
    await using sts = openTokenEndpoint();
    await using world = await serve(sts.url, { client_id: 'a' });
    expect(await status(world, {})).toEqual([200, '']);
    expect(await status(world, { Authorization: 'Basic abc' })).toEqual([200, '']);
    expect([sts.asked.length, world.seen.at(-1)?.authorization]).toEqual([0, 'Basic abc']);
    await status(world, bearer('mine'));
    expect(sts.asked[0]?.authorization).toBeNull();
  });

  test('into a header of its own leaves Authorization as it is', async () => {
    await using sts = openTokenEndpoint();
    await using world = await serve(sts.url, {
      header_strategy: 'custom',
      external_token_header_name: 'Authorization',
    });
    await status(world, bearer('mine'));
    expect(world.seen.at(-1)?.authorization).toBe('Bearer for-mine');
    await using other = await serve(sts.url, {
      header_strategy: 'custom',
      external_token_header_name: 'X-Token',
    });
    await status(other, bearer('mine'));
    expect(other.seen.at(-1)?.authorization).toBe('Bearer mine');
  });

  test('a key of ours is not shown to the endpoint', async () => {
    await using sts = openTokenEndpoint();
    await using world = await openGuarded({
      server: 'http',
      config: { token_exchange_config: { token_url: sts.url }, require_token: true },
    });
    const own = { Authorization: world.ownAuthorization ?? '' };
    expect(await status(world, own)).toEqual([200, '']);
    expect(sts.asked).toEqual([]);
  });

  test('is made once for requests at once and afterwards, for each token on its own', async () => {
    await using sts = openTokenEndpoint(async (form) => {
      await Bun.sleep(20);
      return reply(`for-${form.get('subject_token')}`);
    });
    await using world = await serve(sts.url);
    const calls = Array.from({ length: 20 }, (_, at) => status(world, bearer(at % 2 === 0 ? 'a' : 'b')));
    for (const answer of await Promise.all(calls)) expect(answer).toEqual([200, '']);
    await status(world, bearer('a'));
    expect(sts.asked.map(({ form }) => form['subject_token']).sort()).toEqual(['a', 'b']);
    expect(world.seen.filter(({ authorization }) => authorization === 'Bearer for-a')).toHaveLength(11);
  });

  test.each([
    ['that says nothing of its life', {}],
    ['that is about to end', { expires_in: '10' }],
  ])('a token %s is not kept', async (_, more) => {
    await using sts = openTokenEndpoint((_form, count) =>
      reply(`t${count}`, { expires_in: undefined, ...more }),
    );
    await using world = await serve(sts.url);
    await status(world, bearer('a'));
    await status(world, bearer('a'));
    expect(world.seen.map(({ authorization }) => authorization)).toEqual(['Bearer t1', 'Bearer t2']);
  });

  const refused = [401, 'Token exchange failed'];
  const away = [503, 'Token exchange failed'];
  test.each<[string, () => Response, readonly (string | number)[], string]>([
    [
      'an error',
      () => Response.json({ error: 'invalid_grant', error_description: 'sesame' }, { status: 400 }),
      refused,
      'the token endpoint answers invalid_grant',
    ],
    [
      'an error that calls itself success',
      () => Response.json({ error: 'invalid_target' }),
      refused,
      'the token endpoint answers invalid_target',
    ],
    ['another status', () => Response.json({}, { status: 403 }), refused, 'the token endpoint answers 403'],
    ['no JSON', () => new Response('<html>sesame'), refused, 'the token endpoint answers 200 without JSON'],
    [
      'no type',
      () => reply('t', { issued_token_type: undefined }),
      refused,
      "the token endpoint's answer has no issued_token_type that can be used",
    ],
    [
      'too much',
      () => new Response(' '.repeat(1024 * 1024 + 1)),
      refused,
      'the answer is longer than 1048576 bytes',
    ],
    [
      'a redirect',
      () => Response.redirect('https://elsewhere.example/'),
      refused,
      'the token endpoint answers 302 without JSON',
    ],
    [
      'a fault of its own',
      () => new Response('sesame', { status: 500 }),
      away,
      'the token endpoint answers 500',
    ],
    ['a token that no header can hold', () => reply('a\nb'), [500, 'Token injection failed'], ''],
  ])('%s of the endpoint keeps the call from the server', async (_, respond, answer, reason) => {
    await using sts = openTokenEndpoint(respond);
    await using world = await serve(sts.url);
    expect(await status(world, bearer('mine'))).toEqual([...answer]);
    expect(world.seen).toEqual([]);
    expect(world.log.join('')).toContain(reason);
    expect(world.log.join('')).not.toContain('sesame');
  });

  test('an endpoint that is not there is no fault of the token', async () => {
    await using world = await serve('http://127.0.0.1:1/token');
    const response = await call(world.base, LIST, bearer('mine'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5']);
  });

  test.each([
    ['plain HTTP', { token_url: 'http://sts.example/' }, 'token URL must use HTTPS: http://sts.example/'],
    ['a login in the URL', { token_url: 'https://a:b@sts.example/' }, 'token URL must not hold a login'],
    [
      'another type',
      { token_url: 'https://sts.example/', subject_token_type: 'x' },
      'invalid subject token type: invalid token type "x": must be one of: access_token, id_token, jwt',
    ],
    [
      'no name for its header',
      { token_url: 'https://sts.example/', header_strategy: 'custom' },
      "external_token_header_name must be specified when header_strategy is 'custom'",
    ],
    [
      'a header of the connection',
      { token_url: 'https://sts.example/', external_token_header_name: 'Host' },
      'header "Host" is restricted',
    ],
  ])('with %s is refused at the start', async (_, config, message) => {
    const { token_url, ...rest } = config as { token_url: string };
    await expect(serve(token_url, rest)).rejects.toThrow(message);
  });
});
