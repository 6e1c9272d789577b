/** One row per row of the error tables of spec 04 §5.3, §6.2, §6.4, §6.6 and §7.1, and of §2.5: status, headers, whole body. */
import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { META, MODERN } from './modern-client.ts';
import { connectSse, connectStreamable, INITIALIZE, post, type Rpc, until } from './raw-client.ts';
import { openWorld, type World, type WorldOptions } from './world.ts';

const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
const UUID = '00000000-0000-4000-8000-000000000000';
const BATCH = {
  jsonrpc: '2.0',
  error: {
    code: -32600,
    message: 'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)',
  },
};
const NO_SESSION = { code: -32001, message: 'Session not found' };
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' };

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | object;
}

/** A text is the exact body, an object is JSON. */
type Expected = readonly [status: number, type: string | null, body: string | object];
type Row = readonly [string, Ask, Expected];

async function ask(
  world: World,
  { method = 'POST', path = '/mcp', headers = {}, body }: Ask,
): Promise<Expected> {
  const response = await fetch(`${world.base}${path}`, {
    method,
    headers: { 'Content-Type': JSON_TYPE, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const type = response.headers.get('content-type');
  return [response.status, type, type === JSON_TYPE ? JSON.parse(text) : text];
}

function table(title: string, rows: readonly Row[], options: WorldOptions = {}): void {
  describe(title, () => {
    test.each([...rows])('%s', async (_, request, expected) => {
      await using world = await openWorld(options);
      expect(await ask(world, request)).toEqual(expected);
    });
  });
}

const notAllowed: Expected = [405, TEXT, 'Method not allowed\n'];

table('spec 04 §2.1 other paths', [
  ['§2.1 any other path', { path: '/other', body: LIST }, [404, TEXT, '404 page not found\n']],
  ['§2.1 /mcp/ is not /mcp', { path: '/mcp/', body: LIST }, [404, TEXT, '404 page not found\n']],
]);

table('spec 04 §5.3 POST /messages', [
  ['§5.3-1 another method', { method: 'GET', path: '/messages' }, notAllowed],
  ['§5.1 another method on /sse', { method: 'POST', path: '/sse' }, notAllowed],
  ['§5.3-2 no session_id', { path: '/messages', body: LIST }, [400, TEXT, 'session_id is required\n']],
  [
    '§5.3-2 an empty session_id',
    { path: '/messages?session_id=', body: LIST },
    [400, TEXT, 'session_id is required\n'],
  ],
  [
    '§5.3-3 unknown session',
    { path: `/messages?session_id=${UUID}`, body: LIST },
    [404, JSON_TYPE, { jsonrpc: '2.0', error: NO_SESSION }],
  ],
]);

describe('spec 04 §5.3 POST /messages with a session', () => {
  const rows: readonly Row[] = [
    [
      '§5.3-6 not JSON',
      { body: '{' },
      [400, TEXT, 'Error parsing JSON-RPC message: not a JSON-RPC 2.0 message\n'],
    ],
    [
      '§5.3-6 no JSON-RPC',
      { body: {} },
      [400, TEXT, 'Error parsing JSON-RPC message: not a JSON-RPC 2.0 message\n'],
    ],
    [
      '§5.3-6 an empty body',
      { body: '' },
      [400, TEXT, 'Error parsing JSON-RPC message: not a JSON-RPC 2.0 message\n'],
    ],
    ['§2.5 a batch', { body: [LIST] }, [400, JSON_TYPE, BATCH]],
    [
      '§2.5 a batch of another content type',
      { body: [LIST], headers: { 'Content-Type': 'text/plain' } },
      [400, TEXT, 'Error parsing JSON-RPC message: JSON-RPC batch requests are not supported\n'],
    ],
    ['§5.3-8 a notification', { body: { jsonrpc: '2.0', method: 'x' } }, [202, TEXT, 'Accepted']],
    ['§5.3-8 a request', { body: LIST }, [202, TEXT, 'Accepted']],
    [
      '§5.3-8 a request of another content type',
      { body: LIST, headers: { 'Content-Type': 'text/plain' } },
      [202, TEXT, 'Accepted'],
    ],
    ['§5.3-8 a response', { body: { jsonrpc: '2.0', id: 1, result: {} } }, [202, TEXT, 'Accepted']],
  ];
  test.each([...rows])('%s', async (_, request, expected) => {
    await using world = await openWorld();
    await using client = await connectSse(world.base);
    const path = client.endpoint.slice(world.base.length);
    expect(await ask(world, { ...request, path })).toEqual(expected);
  });

  test('§5.3-4 the session of a streamable client has no stream here', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const path = `/messages?session_id=${session}`;
    expect(await ask(world, { path, body: LIST })).toEqual([
      404,
      JSON_TYPE,
      { jsonrpc: '2.0', error: NO_SESSION },
    ]);
  });

  test('§5.3-7 §19.5 a full queue is 503 with Retry-After', async () => {
    const queueLimits = { messages: 1, bytes: 1024 };
    await using world = await openWorld({ queueLimits, attachWaitMs: 5000 });
    await using client = await connectSse(world.base);
    await world.server.kill();
    await client.post({ method: 'notifications/x' });
    await post(`${world.base}/mcp`, { method: 'notifications/x' });
    const { status, headers } = await post(client.endpoint, { id: 1, method: 'tools/list' });
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  });
});

const nonsense: Expected = [400, TEXT, 'Invalid JSON-RPC 2.0 message\n'];

table('spec 04 §6.1, §6.2 POST /mcp', [
  ['§6.1 PUT', { method: 'PUT', body: LIST }, notAllowed],
  ['§6.1 OPTIONS', { method: 'OPTIONS' }, notAllowed],
  ['§6.1 HEAD', { method: 'HEAD' }, [405, TEXT, '']],
  [
    '§6.1 DELETE without a session',
    { method: 'DELETE' },
    [400, TEXT, 'Mcp-Session-Id header required for DELETE\n'],
  ],
  [
    '§6.1 DELETE of an unknown one',
    { method: 'DELETE', headers: { 'Mcp-Session-Id': UUID } },
    [404, JSON_TYPE, { jsonrpc: '2.0', error: NO_SESSION }],
  ],
  [
    '§6.2-1 any version passes by default',
    { body: { ...LIST, method: 'ping' }, headers: { 'MCP-Protocol-Version': '1999-01-01' } },
    [200, JSON_TYPE, { jsonrpc: '2.0', id: 1, result: {} }],
  ],
  ['§6.2-3 a batch', { body: [LIST] }, [400, JSON_TYPE, BATCH]],
  ['§6.2-3 an empty batch', { body: '[]' }, [400, JSON_TYPE, BATCH]],
  ['§6.2-3 a broken batch', { body: '[{' }, [400, JSON_TYPE, BATCH]],
  ['§6.2-3 a batch behind white space', { body: ' \u000b\n\u00a0[' }, [400, JSON_TYPE, BATCH]],
  [
    '§6.2-3 a batch of another content type',
    { body: [LIST], headers: { 'Content-Type': 'text/plain' } },
    [400, JSON_TYPE, BATCH],
  ],
  [
    '§6.2-3 a batch for an unknown session',
    { body: [LIST], headers: { 'Mcp-Session-Id': UUID } },
    [400, JSON_TYPE, BATCH],
  ],
  [
    '§6.2-3 a modern batch',
    { body: [LIST], headers: { 'MCP-Protocol-Version': MODERN } },
    [400, JSON_TYPE, BATCH],
  ],
  ['§6.2-4 nothing', { body: '' }, nonsense],
  ['§6.2-4 half an object', { body: '{"jsonrpc":"2.0"' }, nonsense],
  ['§6.2-4 another version of JSON-RPC', { body: { ...LIST, jsonrpc: '1.0' } }, nonsense],
  ['§6.2-4 an id that is an object', { body: { ...LIST, id: {} } }, nonsense],
  ['§6.2-4 an id that is true', { body: { ...LIST, id: true } }, nonsense],
  ['§6.2-4 neither method nor id', { body: { jsonrpc: '2.0' } }, nonsense],
  ['§6.2-4 a method that is a number', { body: { ...LIST, method: 1 } }, nonsense],
  ['§6.2-5 a notification', { body: { jsonrpc: '2.0', method: 'x' } }, [202, null, '']],
  ['§6.2-5 a request with the id null is one', { body: { ...LIST, id: null } }, [202, null, '']],
  ['§6.2-5 a response', { body: { jsonrpc: '2.0', id: 1, result: {} } }, [202, null, '']],
  [
    '§6.2-5 a notification of an unknown session',
    { body: { jsonrpc: '2.0', method: 'x' }, headers: { 'Mcp-Session-Id': UUID } },
    [202, null, ''],
  ],
  [
    '§6.2-8 a request of an unknown session',
    { body: LIST, headers: { 'Mcp-Session-Id': UUID } },
    [404, JSON_TYPE, { jsonrpc: '2.0', id: 1, error: NO_SESSION }],
  ],
  [
    '§6.2-8 a session id that is no UUID',
    { body: LIST, headers: { 'Mcp-Session-Id': 'x' } },
    [404, JSON_TYPE, { jsonrpc: '2.0', id: 1, error: NO_SESSION }],
  ],
  [
    '§6.2-8 no session: served as it is',
    { body: { ...LIST, method: 'x' } },
    [200, JSON_TYPE, { jsonrpc: '2.0', id: 1, result: {} }],
  ],
  [
    '§6.1 neither Accept nor Content-Type matter',
    { body: { ...LIST, method: 'x' }, headers: { 'Content-Type': 'image/png', Accept: 'image/png' } },
    [200, JSON_TYPE, { jsonrpc: '2.0', id: 1, result: {} }],
  ],
  [
    '§6.2 an error of the server is 200',
    { body: { ...LIST, method: 'tools/call', params: { name: 'no' } } },
    [200, JSON_TYPE, { jsonrpc: '2.0', id: 1, error: { code: -32602, message: 'unknown tool' } }],
  ],
]);

const strict = (version: string, body: object = { ...LIST, method: 'x' }): Ask => ({
  body,
  headers: { 'MCP-Protocol-Version': version },
});
const served: Expected = [200, JSON_TYPE, { jsonrpc: '2.0', id: 1, result: {} }];
const badVersion: Expected = [400, TEXT, 'Unsupported MCP-Protocol-Version\n'];

table(
  'spec 04 §6.2-1 strict validation',
  [
    ['§6.2-1 no version', { body: { ...LIST, method: 'x' } }, served],
    ['§6.2-1 2024-11-05', strict('2024-11-05'), served],
    ['§6.2-1 2025-03-26', strict('2025-03-26'), served],
    ['§6.2-1 2025-06-18', strict('2025-06-18'), served],
    ['§6.2-1 2025-11-25', strict('2025-11-25'), served],
    ['§6.2-1 an empty one', strict(''), served],
    ['§6.2-1 an unknown one', strict('2025-06-17'), badVersion],
    ['§6.2-1 comes before the body', { body: '[', headers: { 'MCP-Protocol-Version': 'x' } }, badVersion],
    ['§6.2-1 for a notification too', strict('x', { jsonrpc: '2.0', method: 'x' }), badVersion],
  ],
  { strictProtocolValidation: true },
);

table('spec 04 §6.4 GET /mcp', [
  ['§6.4 no session', { method: 'GET' }, [400, TEXT, 'Mcp-Session-Id header required for standalone SSE\n']],
  [
    '§6.4 unknown session',
    { method: 'GET', headers: { 'Mcp-Session-Id': UUID } },
    [404, JSON_TYPE, { jsonrpc: '2.0', error: NO_SESSION }],
  ],
  ['§18.7 modern', { method: 'GET', headers: { 'MCP-Protocol-Version': MODERN } }, notAllowed],
]);

const V = 'io.modelcontextprotocol/protocolVersion';
const I = 'io.modelcontextprotocol/clientInfo';
const C = 'io.modelcontextprotocol/clientCapabilities';
const withMeta = (meta: object, version?: string): Ask => ({
  body: { jsonrpc: '2.0', id: 'x', method: 'any', params: { _meta: meta } },
  headers: version === undefined ? {} : { 'MCP-Protocol-Version': version },
});
const rejected = (code: number, message: string, data?: object): Expected => [
  400,
  JSON_TYPE,
  { jsonrpc: '2.0', id: 'x', error: { code, message, ...(data === undefined ? {} : { data }) } },
];
const mismatched = (header: string, body: string): Expected =>
  rejected(
    -32020,
    `MCP-Protocol-Version header "${header}" does not match _meta protocol version "${body}"`,
    {
      header,
      body,
    },
  );
const fine: Expected = [200, JSON_TYPE, { jsonrpc: '2.0', id: 'x', result: {} }];

table('spec 04 §7.1 classification, an old server', [
  ['§7.1-2 no signal', withMeta({ progressToken: 1 }), fine],
  ['§7.1-3 an old client that names itself', withMeta({ [I]: {} }, '2025-11-25'), fine],
  ['§7.1-3 the header alone', withMeta({}, MODERN), mismatched(MODERN, '')],
  [
    '§7.1-3 no version at all',
    withMeta({ [C]: {} }),
    rejected(-32602, `request carries a Modern signal but no valid ${V} in _meta`),
  ],
  [
    '§7.1-3 hidden behind an escape',
    {
      body: '{"jsonrpc":"2.0","id":"x","method":"any","params":{"_meta":{"io.modelcontextprotoco\\u006c/clientInfo":{}}}}',
    },
    rejected(-32602, `request carries a Modern signal but no valid ${V} in _meta`),
  ],
  ['§7.1-5 another version in the header', withMeta(META, '2025-11-25'), mismatched('2025-11-25', MODERN)],
  [
    '§7.1-6 no capabilities',
    withMeta({ [V]: MODERN }, MODERN),
    rejected(-32021, `request _meta is missing required client capabilities: ${C}`, {
      requiredCapabilities: {},
    }),
  ],
]);

table(
  'spec 04 §7.1 classification, a modern server',
  [
    [
      '§7.1-4 an unsupported version',
      withMeta({ ...META, [V]: '2099-01-01' }),
      rejected(-32022, 'unsupported MCP protocol version "2099-01-01" (supported: [2026-07-28])', {
        supported: [MODERN],
        requested: '2099-01-01',
      }),
    ],
    ['§18.2 the header is missing', withMeta(META), mismatched('', MODERN)],
  ],
  { fixture: 'modern' },
);

describe('spec 04 §6.6 timeout and failures', () => {
  const silent = { jsonrpc: '2.0', id: 5, method: 'tools/call', params: { name: 'silent', arguments: {} } };
  const events = { Accept: 'text/event-stream' };
  const last = (text: unknown): Rpc => JSON.parse(/data: (.*)\n\n$/.exec(String(text))?.[1] ?? '');

  test('§6.6 timeout: 504 text, or an event with -32000', async () => {
    await using world = await openWorld({ requestTimeoutMs: 100 });
    expect(await ask(world, { body: silent })).toEqual([
      504,
      TEXT,
      'Timeout waiting for response from container\n',
    ]);
    const [status, type, text] = await ask(world, { body: silent, headers: events });
    expect([status, type, last(text)] as unknown[]).toEqual([
      200,
      'text/event-stream',
      { jsonrpc: '2.0', id: 5, error: { code: -32000, message: 'Timeout' } },
    ]);
  });

  test('§6.6 the proxy stops: 504 text', async () => {
    const world = await openWorld();
    const asking = ask(world, { body: silent });
    await until(() => world.server.reports.some((line) => line.includes('silent')));
    await world.listener.stop({ graceMs: 50 });
    expect(await asking).toEqual([504, TEXT, 'Timeout waiting for response from container\n']);
    await world[Symbol.asyncDispose]();
  });

  test.each(['application/json', 'text/event-stream'])(
    '§6.6 an intercepted call that times out is -32000 in 200, as %s',
    async (accept) => {
      await using world = await openWorld({ fixture: 'silent', requestTimeoutMs: 150 });
      const initialize = { jsonrpc: '2.0', id: 5, ...INITIALIZE };
      const [status, , body] = await ask(world, { body: initialize, headers: { Accept: accept } });
      const message = typeof body === 'string' ? last(body) : body;
      expect([status, message] as unknown[]).toEqual([
        200,
        { jsonrpc: '2.0', id: 5, error: { code: -32000, message: 'Timeout' } },
      ]);
    },
  );

  test('§19.5 the process dies: 502 JSON, or an event with -32603', async () => {
    const error = { code: -32603, message: 'The MCP server ended before it answered' };
    for (const headers of [{}, events]) {
      await using world = await openWorld();
      const [status, , body] = await ask(world, {
        body: { ...silent, params: { name: 'exit' } },
        headers,
      });
      const message = typeof body === 'string' ? last(body) : body;
      const isEvents = 'Accept' in headers;
      expect([status, message] as unknown[]).toEqual([
        isEvents ? 200 : 502,
        { jsonrpc: '2.0', id: 5, error },
      ]);
    }
  });
});

describe('spec 04 §19.7, §6.1 sessions', () => {
  test('§19.7 a time to live below a second is refused', async () => {
    for (const sessionTtlMs of [999, 0, -1]) {
      await expect(openWorld({ sessionTtlMs })).rejects.toThrow(
        `session-ttl must be at least 1s, got ${sessionTtlMs}ms`,
      );
    }
    await using _world = await openWorld({ sessionTtlMs: 1000 });
  });

  test('one too many takes the place of the idlest; with all in use it is refused', async () => {
    await using world = await openWorld({ maxSessions: 2 });
    const first = await connectStreamable(world.base);
    const second = await connectStreamable(world.base);
    await using _stream = await second.listen();
    const third = await connectStreamable(world.base);
    expect((await first.call('echo')).status).toBe(404);
    await using _other = await third.listen();
    const refused = await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE });
    expect([refused.status, refused.headers.get('retry-after'), refused.message as unknown]).toEqual([
      503,
      '1',
      { jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'Too many sessions' } },
    ]);
    expect((await fetch(`${world.base}/sse`)).status).toBe(503);
    expect((await second.call('echo')).status).toBe(200);
  });
});

test('§6.2-2 a body that breaks off is no request to the server, and the port lives on', async () => {
  await using world = await openWorld();
  const { port } = new URL(world.base);
  const socket = connect(Number(port), '127.0.0.1');
  socket.write('POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"jsonrpc"');
  await Bun.sleep(50);
  socket.destroy();
  expect((await post(`${world.base}/mcp`, { id: 1, method: 'x' })).status).toBe(200);
  expect(world.server.reports).toHaveLength(1);
});

test.each(['/mcp', '/messages?session_id=x'])(
  '§5.3-5 §6.2-2 a body announced above the limit of the chain is 413 (%s)',
  async (path) => {
    await using world = await openWorld();
    const socket = connect(Number(new URL(world.base).port), '127.0.0.1');
    const answer = new Promise<string>((resolve) =>
      socket.once('data', (bytes) => resolve(bytes.toString())),
    );
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${64 * 1024 * 1024 + 1}\r\n\r\n`);
    expect(await answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*\r\n\r\nRequest Entity Too Large\n$/);
    socket.destroy();
  },
);
