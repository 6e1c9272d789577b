import { describe, expect, test } from 'bun:test';
import { post } from './raw-client.ts';
import { openFront, openSessionServer, result } from './reverse-front.ts';

const V = 'io.modelcontextprotocol/protocolVersion';
const I = 'io.modelcontextprotocol/clientInfo';
const C = 'io.modelcontextprotocol/clientCapabilities';
const MODERN = '2026-07-28';
const modern = { [V]: MODERN, [C]: {} };

function call(meta: unknown, id = '9007199254740993'): string {
  return `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"x","_meta":${JSON.stringify(meta)}}}`;
}

const echo = () => openSessionServer((asked) => result(asked, {}));

describe('spec 04 §7.2 modern requests at the reverse proxy', () => {
  test.each<[string, string | undefined, unknown, number]>([
    ['-32020 for another version in the header', '2025-11-25', modern, -32020],
    ['-32020 for a modern header alone', MODERN, {}, -32020],
    ['-32021 without capabilities', MODERN, { [V]: MODERN }, -32021],
    ['-32022 for a version to come', undefined, { [V]: '2027-01-01', [C]: {} }, -32022],
    ['-32602 for a signal without version', undefined, { [I]: {} }, -32602],
  ])('§7.1: %s, id exact, the server is not asked', async (_, header, meta, code) => {
    await using backend = echo();
    await using front = await openFront({ target: backend.url });
    const headers: Record<string, string> = header === undefined ? {} : { 'MCP-Protocol-Version': header };
    const { status, text, message } = await post(`${front.base}/any`, call(meta), { headers });
    expect([status, message.error?.code]).toEqual([400, code]);
    expect(text).toContain('"id":9007199254740993,');
    expect(backend.asked).toEqual([]);
  });

  test.each<[string, string | undefined, string]>([
    ['modern', MODERN, call(modern)],
    ['modern without header', undefined, call(modern)],
    ['legacy that names its client', '2025-11-25', call({ [I]: {} })],
    ['legacy with an unknown header', '1999-01-01', call({})],
    ['log level alone', undefined, call({ 'io.modelcontextprotocol/logLevel': 'debug' })],
    ['a notification with a signal', MODERN, '{"jsonrpc":"2.0","method":"notifications/x","params":{}}'],
    ['a null id with a signal', MODERN, call({}, 'null')],
    ['what cannot be parsed', MODERN, '{"jsonrpc":"2.0","id":1,'],
    [
      'initialize in spite of a signal',
      MODERN,
      `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"_meta":{"${V}":1}}}`,
    ],
  ])('%s passes byte for byte', async (_, header, text) => {
    await using backend = echo();
    await using front = await openFront({ target: backend.url });
    const headers: Record<string, string> =
      header === undefined ? {} : { 'MCP-Protocol-Version': header, 'Mcp-Method': 'm', 'Mcp-Name': 'n' };
    const answer = await post(`${front.base}/mcp`, text, { headers });
    expect([answer.status, backend.asked.map((asked) => asked.text)]).toEqual([200, [text]]);
    if (header !== undefined) expect(backend.asked[0]?.headers.get('mcp-name')).toBe('n');
  });

  test.each<[string, string, string, 'sse' | undefined, number]>([
    ['another transport, /mcp and JSON', '/mcp/x', 'application/json; charset=utf-8', 'sse', 400],
    ['no transport, /mcp and JSON', '/mcp', 'application/json', undefined, 400],
    ['another path', '/messages', 'application/json', 'sse', 200],
    ['another type', '/mcp', 'text/plain', 'sse', 200],
  ])('applies to: %s', async (_, path, type, transport, expected) => {
    await using backend = echo();
    await using front = await openFront({ target: backend.url, transport });
    const headers = { 'Content-Type': type };
    expect((await post(front.base + path, call({ [I]: {} }), { headers })).status).toBe(expected);
  });

  test('a modern request that names an unknown session is 404', async () => {
    await using backend = echo();
    await using front = await openFront({ target: backend.url });
    const { status, message } = await post(`${front.base}/mcp`, call(modern, '"m"'), { session: 'x' });
    expect([status, message.id, message.error?.code]).toEqual([404, 'm', -32001]);
  });

  test.each(['modelcontextprotocol\\/protocolVersion', 'model\\u0063ontextprotocol/protocolVersion'])(
    'a signal spelt %s is seen',
    async (spelt) => {
      await using backend = echo();
      await using front = await openFront({ target: backend.url });
      const body = call({}).replace('{}', `{"io.${spelt}":"2027-01-01"}`);
      expect((await post(`${front.base}/mcp`, body)).message.error?.code).toBe(-32022);
    },
  );
});

describe('spec 04 §8.6 methods', () => {
  const text = 'method not allowed: server is stateless / stateless MCP revision (POST only)\n';

  test.each<[string, object, Record<string, string>]>([
    ['a stateless server', { isStateless: true }, {}],
    ['the modern header', {}, { 'MCP-Protocol-Version': MODERN }],
  ])(
    '%s: GET, HEAD and DELETE are 405 before the chain; POST and OPTIONS pass',
    async (_, options, headers) => {
      await using backend = openSessionServer(() => new Response('reached'));
      await using front = await openFront({ target: backend.url, ...options });
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const response = await fetch(`${front.base}/mcp`, { method, headers });
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
        expect(await response.text()).toBe(method === 'HEAD' ? '' : text);
      }
      expect(backend.asked).toEqual([]);
      expect((await fetch(`${front.base}/mcp`, { method: 'OPTIONS', headers })).status).toBe(200);
      expect((await fetch(`${front.base}/mcp`, { method: 'POST', body: 'x' })).status).toBe(200);
      expect((await fetch(`${front.base}/health`, { headers })).status).toBe(200);
    },
  );
});

describe('spec 04 §2.5 batches', () => {
  test.each([
    ['an array', '[]'],
    ['a broken one', ' \v\u00a0\ufeff['],
    ['a long one', `${' '.repeat(5000)}[`],
  ])('%s is refused whatever its type and session', async (_, body) => {
    await using backend = echo();
    await using front = await openFront({ target: backend.url });
    const headers = { 'Content-Type': 'text/plain' };
    const { status, message } = await post(`${front.base}/x`, body, { headers, session: 'unknown' });
    expect([status, message]).toEqual([
      400,
      {
        jsonrpc: '2.0',
        error: {
          code: -32600,
          message:
            'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)',
        },
      } as never,
    ]);
  });

  test('but an array is a body like any other in a PUT', async () => {
    await using backend = openSessionServer(() => new Response('reached'));
    await using front = await openFront({ target: backend.url });
    expect(await (await fetch(front.base, { method: 'PUT', body: '[1]' })).text()).toBe('reached');
  });
});

describe('spec 04 §8.3 remote servers', () => {
  test.each<[string, string, 'sse' | 'streamable-http', string, string, string]>([
    ['its path for every request', '/v2/mcp', 'streamable-http', 'POST', '/mcp', '/v2/mcp'],
    [
      'its query first, raw',
      '?toolsets=core,alerting',
      'streamable-http',
      'POST',
      '/mcp?session=abc',
      '/mcp?toolsets=core,alerting&session=abc',
    ],
    ['the client’s path where it has none', '', 'streamable-http', 'POST', '/a?b=c', '/a?b=c'],
    ['its path if that is the root', '/', 'streamable-http', 'POST', '/mcp?b=c', '/?b=c'],
    ['a slash at the end', '/v2/mcp/', 'streamable-http', 'POST', '/v2/mcp', '/v2/mcp/'],
    ['its path for the SSE stream', '/v2/sse', 'sse', 'GET', '/sse', '/v2/sse'],
    [
      '§19.10: the announced path for messages',
      '/v2/sse?k=1',
      'sse',
      'POST',
      '/messages?id=1',
      '/messages?k=1&id=1',
    ],
  ])('%s', async (_, remote, transport, method, path, expected) => {
    await using backend = openSessionServer(() => new Response('{}'));
    await using front = await openFront({ target: backend.url + remote, transport, isRemote: true });
    await fetch(front.base + path, { method, ...(method === 'POST' && { body: '{}' }) });
    expect(backend.asked[0]?.path).toBe(expected);
    const { headers } = backend.asked[0] ?? { headers: new Headers() };
    expect([headers.get('x-forwarded-host'), headers.get('x-forwarded-proto')]).toEqual([null, 'http']);
  });

  test('§8.7, §19.13: a 401 passes and is told once; the next 2xx takes it back', async () => {
    let status = 401;
    const told: boolean[] = [];
    await using backend = openSessionServer(() => new Response('x', { status }));
    await using front = await openFront({
      target: backend.url,
      isRemote: true,
      onAuthenticated: (isAuthenticated) => told.push(isAuthenticated),
    });
    const ask = async () => (await post(front.base, '{}')).status;
    expect([await ask(), await ask()]).toEqual([401, 401]);
    status = 200;
    await ask();
    await ask();
    expect(told).toEqual([false, true]);
  });
});
