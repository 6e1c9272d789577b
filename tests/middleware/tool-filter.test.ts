import { describe, expect, test } from 'bun:test';
import { openEvents, post } from '../proxy/raw-client.ts';
import { gzipped, openHttpWorld, openStdioWorld, type ToolSettings, toolsResult } from './world.ts';

const LIST = { id: 1, method: 'tools/list' } as const;
const call = (name: unknown, id: number | string = 2) => ({ id, method: 'tools/call', params: { name } });
const JSON_TYPE = { 'Content-Type': 'application/json' };
const EVENTS = { 'Content-Type': 'text/event-stream' };
const ONLY_FOO: ToolSettings = { filter: ['Foo'] };

const namesIn = (message: { result?: { tools?: { name: string }[] } }) =>
  message.result?.tools?.map(({ name }) => name);

const ROWS: readonly [
  string,
  ToolSettings,
  readonly string[],
  Readonly<Record<string, string | 'refused'>>,
][] = [
  ['1: filter', ONLY_FOO, ['Foo'], { Foo: 'Foo', Bar: 'refused' }],
  [
    '2: override',
    { override: { Foo: { name: 'MyFoo' } } },
    ['MyFoo', 'Bar'],
    { MyFoo: 'Foo', Bar: 'Bar', Foo: 'refused' },
  ],
  [
    '3: filter by the name clients see',
    { filter: ['MyFoo'], override: { Foo: { name: 'MyFoo' } } },
    ['MyFoo'],
    { MyFoo: 'Foo', Bar: 'refused', Foo: 'refused' },
  ],
  [
    '4: filter by a name that was given up',
    { filter: ['Foo'], override: { Foo: { name: 'MyFoo' } } },
    [],
    { Foo: 'refused', MyFoo: 'refused', Bar: 'refused' },
  ],
  [
    'a description keeps the name',
    { override: { Foo: { description: 'new' } } },
    ['Foo', 'Bar'],
    { Foo: 'Foo', Bar: 'Bar' },
  ],
  [
    'a name taken from another tool',
    { override: { Foo: { name: 'Bar' } } },
    ['Bar'],
    { Bar: 'Foo', Foo: 'refused' },
  ],
  [
    'names exchanged',
    { override: { Foo: { name: 'Bar' }, Bar: { name: 'Foo' } } },
    ['Bar', 'Foo'],
    { Bar: 'Foo', Foo: 'Bar' },
  ],
  ['nothing set: everything passes', {}, ['Foo', 'Bar'], { Foo: 'Foo', Bar: 'Bar' }],
];

describe('spec 04 §12.3', () => {
  test.each(ROWS)('stdio, row %s', async (_, settings, seen, calls) => {
    await using world = await openStdioWorld(
      ['Foo', 'Bar'],
      Object.keys(settings).length === 0 ? undefined : settings,
    );
    const url = `${world.base}/mcp`;
    expect(namesIn((await post(url, LIST)).message)).toEqual([...seen]);
    const asEvents = await post(url, LIST, { accept: 'text/event-stream' });
    expect(namesIn(asEvents.message)).toEqual([...seen]);
    for (const [name, expected] of Object.entries(calls)) {
      const { status, message } = await post(url, call(name));
      expect([name, status]).toEqual([name, 200]);
      if (expected === 'refused')
        expect(message).toEqual({
          jsonrpc: '2.0',
          id: 2,
          error: { code: -32602, message: 'tool not found' },
        });
      else expect(message.result.content[0].text).toBe(`called ${expected}`);
    }
    expect(world.called).toEqual(Object.values(calls).filter((name) => name !== 'refused'));
  });

  test.each(ROWS.filter(([, settings]) => Object.keys(settings).length > 0))(
    'HTTP server, row %s',
    async (_, settings, seen, calls) => {
      await using world = await openHttpWorld(
        (_request, text) =>
          new Response(
            text.includes('tools/list')
              ? toolsResult(['Foo', 'Bar'])
              : '{"jsonrpc":"2.0","id":2,"result":{}}',
            { headers: JSON_TYPE },
          ),
        settings,
      );
      const url = `${world.base}/mcp`;
      expect(namesIn((await post(url, LIST)).message)).toEqual([...seen]);
      for (const name of Object.keys(calls)) await post(url, call(name));
      const forwarded = world.seen.slice(1).map(({ text }) => JSON.parse(text).params.name);
      expect(forwarded).toEqual(Object.values(calls).filter((name) => name !== 'refused'));
      for (const { headers, text } of world.seen)
        expect(headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
    },
  );
});

describe('a refused call', () => {
  test.each([
    ['without Accept', undefined, 200],
    ['any type', '*/*', 200],
    ['any application type, with a weight of nothing', 'text/event-stream, application/*;q=0', 200],
    ['events only', 'text/event-stream', 400],
  ])('%s', async (_, accept, status) => {
    await using world = await openStdioWorld(['Foo', 'Bar'], ONLY_FOO);
    const answer = await post(`${world.base}/mcp`, call('Bar'), accept === undefined ? {} : { accept });
    expect([answer.status, answer.text === '']).toEqual([status, status === 400]);
    expect(world.called).toEqual([]);
  });

  test.each([
    ['params missing', { id: 1, method: 'tools/call' }],
    ['name missing', { id: 1, method: 'tools/call', params: {} }],
    ['name no text', call(7)],
    ['name empty', call('')],
    ['params a list', { id: 1, method: 'tools/call', params: ['Foo'] }],
  ])('%s: 400 without a body', async (_, message) => {
    await using world = await openStdioWorld(['Foo'], ONLY_FOO);
    const answer = await post(`${world.base}/mcp`, message);
    expect([answer.status, answer.text]).toEqual([400, '']);
  });

  test('echoes a large id, and leaves none out that was null', async () => {
    await using world = await openStdioWorld(['Foo'], ONLY_FOO);
    const raw = (id: string) =>
      post(`${world.base}/mcp`, `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"Bar"}}`);
    expect((await raw('9007199254740993')).text).toContain('"id":9007199254740993');
    expect((await raw('null')).message).toEqual({
      jsonrpc: '2.0',
      error: { code: -32602, message: 'tool not found' },
    });
  });

  test.each([
    [
      'another content type',
      { 'Content-Type': 'text/plain' },
      JSON.stringify({ jsonrpc: '2.0', ...call('Bar') }),
      200,
    ],
    ['a compressed body', { 'Content-Encoding': 'gzip' }, Bun.gzipSync(JSON.stringify(call('Bar'))), 415],
    [
      'another charset',
      { 'Content-Type': 'application/json; charset=utf-16le' },
      Buffer.from('{}', 'utf16le'),
      415,
    ],
    [
      'a name in capitals',
      {},
      '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"Bar"}}',
      400,
    ],
    [
      'an escaped second name',
      {},
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"n\\u0061me":"Bar","name":"Foo"}}',
      400,
    ],
    [
      'numbers that are none',
      {},
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Bar","x":NaN}}',
      400,
    ],
    ['no version', {}, '{"id":1,"method":"tools/call","params":{"name":"Bar"}}', 400],
    [
      'deep nesting',
      {},
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Bar","x":${'['.repeat(600)}${']'.repeat(600)}}}`,
      400,
    ],
    ['a batch', {}, '[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Bar"}}]', 400],
  ])('hidden in %s does not reach the server', async (_, headers, body, status) => {
    await using world = await openHttpWorld(() => new Response('{}', { headers: JSON_TYPE }), ONLY_FOO);
    const answer = await fetch(`${world.base}/mcp`, {
      method: 'POST',
      headers: { ...JSON_TYPE, ...headers },
      body,
    });
    expect([answer.status, world.seen.length]).toEqual([status, 0]);
  });

  test('what is no message passes', async () => {
    await using world = await openHttpWorld(() => new Response('ok'), ONLY_FOO);
    for (const body of ['{"redirect_uris":[]}', 'a=b', '\u0000\u00ff']) {
      const answer = await fetch(`${world.base}/register`, { method: 'POST', body });
      expect(await answer.text()).toBe('ok');
    }
    expect(world.seen.map(({ text }) => text)).toEqual(['{"redirect_uris":[]}', 'a=b', '\u0000\u00ff']);
  });

  test('renaming goes for the header of revision 2026-07-28 too', async () => {
    await using world = await openHttpWorld(() => new Response('{}', { headers: JSON_TYPE }), {
      override: { Foö: { name: 'MyFoo' } },
    });
    await post(`${world.base}/x`, call('MyFoo'), { headers: { 'Mcp-Name': 'MyFoo' } });
    expect(world.seen[0]?.headers.get('mcp-name')).toBe('=?base64?Rm/Dtg==?=');
  });

  test('renaming leaves what stands behind the name in its place', async () => {
    await using world = await openStdioWorld(['Foo'], { override: { Foo: { name: 'MuchLongerThanFoo' } } });
    const params = '{"name":"MuchLongerThanFoo","_meta":{"progressToken":"p"}}';
    const { message } = await post(
      `${world.base}/mcp`,
      `{"jsonrpc":"2.0","id":5,"method":"tools/call","params":${params}}`,
    );
    expect(message.result.content[0].text).toBe('called Foo');
  });

  test('is answered on the stream of an SSE client', async () => {
    await using world = await openStdioWorld(['Foo', 'Bar'], ONLY_FOO);
    await using source = await openEvents(`${world.base}/sse`);
    const endpoint = await endpointOf(source);
    const refused = await post(endpoint, call('Bar', 9));
    expect([refused.status, refused.text]).toEqual([202, 'Accepted']);
    expect(await source.next(({ id }) => id === 9)).toEqual({
      jsonrpc: '2.0',
      id: 9,
      error: { code: -32602, message: 'tool not found' },
    });
    await post(endpoint, { id: 10, method: 'tools/list' });
    expect(namesIn(await source.next(({ id }) => id === 10))).toEqual(['Foo']);
    await post(endpoint, call('Foo', 11));
    expect((await source.next(({ id }) => id === 11)).result.content[0].text).toBe('called Foo');
    expect(world.called).toEqual(['Foo']);
  });

  test('is answered on the stream of an SSE server', async () => {
    await using world = await openHttpWorld(
      (request) =>
        request.method === 'GET'
          ? new Response(
              new ReadableStream({
                start: (controller) =>
                  controller.enqueue('event: endpoint\r\ndata: /messages?sessionId=abc\r\n\r\n'),
              }),
              { headers: EVENTS },
            )
          : new Response('Accepted', { status: 202 }),
      ONLY_FOO,
      'sse',
    );
    await using source = await openEvents(`${world.base}/sse`);
    await Bun.sleep(50);
    const refused = await post(`${world.base}/messages?sessionId=abc`, call('Bar', 9));
    expect(refused.status).toBe(202);
    expect((await source.next(({ id }) => id === 9)).error?.code).toBe(-32602);
    expect(world.seen).toHaveLength(1);
  });
});

async function endpointOf(source: Awaited<ReturnType<typeof openEvents>>): Promise<string> {
  const deadline = performance.now() + 3000;
  for (;;) {
    const found = source.events.find(({ type }) => type === 'endpoint');
    if (found !== undefined) return found.data;
    if (performance.now() > deadline) throw new Error('no endpoint');
    await Bun.sleep(5);
  }
}

describe('a list', () => {
  const FULL = toolsResult(['Foo', 'Bar'], {
    nextCursor: 'c',
    _meta: { a: 1 },
    resultType: 'complete',
    ttlMs: 5,
    cacheScope: 'public',
    unknown: [1],
  });

  async function listed(respond: () => Response | Promise<Response>, settings: ToolSettings = ONLY_FOO) {
    await using world = await openHttpWorld(respond, settings);
    const answer = await post(`${world.base}/mcp`, LIST, { headers: { 'Accept-Encoding': 'gzip' } });
    return { ...answer, encodingAsked: world.seen[0]?.headers.get('accept-encoding') };
  }

  test('keeps what it does not know, and is private', async () => {
    const { message } = await listed(() => new Response(FULL, { headers: JSON_TYPE }));
    expect(message.result).toEqual({
      tools: [{ name: 'Foo' }],
      nextCursor: 'c',
      _meta: { a: 1 },
      resultType: 'complete',
      ttlMs: 5,
      cacheScope: 'private',
      unknown: [1],
    });
  });

  test('is asked for uncompressed, and unpacked when it comes compressed', async () => {
    const { message, encodingAsked, headers } = await listed(() => gzipped(FULL, JSON_TYPE));
    expect([encodingAsked, namesIn(message), headers.get('content-encoding')]).toEqual([
      'identity',
      ['Foo'],
      null,
    ]);
    const events = await listed(() => gzipped(`data: ${FULL}\n\n`, EVENTS));
    expect(events.text).not.toContain('Bar');
  });

  test('in a coding that cannot be read becomes an error', async () => {
    const headers = { ...JSON_TYPE, 'Content-Encoding': 'compress' };
    const { status, message } = await listed(() => new Response('x', { headers }));
    const error = { code: -32603, message: 'The list of tools cannot be filtered' };
    expect([status, message]).toEqual([502, { jsonrpc: '2.0', id: 1, error }]);
  });

  test.each([
    ['two events in one chunk', `data: ${FULL}\n\nevent: x\ndata: y\n\n`, 2],
    ['CRLF', `event: message\r\ndata: ${FULL}\r\n\r\n`, 1],
    ['CR', `id: 4\rdata:${FULL}\r\r`, 1],
    ['several data lines', `data: ${FULL.replace(',', ',\ndata: ').replace('[', '\ndata: [')}\n\n`, 1],
    ['a BOM', `\uFEFFdata: ${FULL}\n\n`, 1],
    ['no blank line at the end', `: hello\ndata: ${FULL}`, 1],
    ['a batch of answers', `data: [${FULL}]\n\n`, 1],
  ])('in an event stream with %s', async (_, stream, events) => {
    const { text } = await listed(() => new Response(stream, { headers: EVENTS }));
    expect(text).not.toContain('Bar');
    expect(text).toContain('"nextCursor":"c"');
    expect(text.split(/(?:\r\n|\r(?!\n)|\n){2}/).filter((event) => event !== '')).toHaveLength(events);
    if (stream.includes('id: 4')) expect(text).toStartWith('id: 4\rdata:{');
  });

  test('cut anywhere into chunks is the same', async () => {
    const stream = Buffer.from(`event: message\r\ndata: ${FULL}\r\n\r\ndata: ö\r\n\r\n`);
    const whole = await listed(() => new Response(stream, { headers: EVENTS }));
    for (let at = 1; at < stream.length; at += 7) {
      const cut = await listed(
        () =>
          new Response(
            new ReadableStream({
              async start(controller) {
                controller.enqueue(stream.subarray(0, at));
                await Bun.sleep(1);
                controller.enqueue(stream.subarray(at));
                controller.close();
              },
            }),
            { headers: EVENTS },
          ),
      );
      expect(cut.text).toBe(whole.text);
    }
  });

  test.each([
    ['no content type', FULL, {}],
    ['another content type', ` ${FULL}`, { 'Content-Type': 'text/plain' }],
    ['events as another type', `data: ${FULL}\n\n`, { 'Content-Type': 'text/plain' }],
  ])('with %s is found', async (_, body, headers) => {
    const { text } = await listed(() => new Response(Buffer.from(body), { headers }));
    expect([text.includes('Foo'), text.includes('Bar')]).toEqual([true, false]);
  });

  test.each([
    ['a tool without a name', toolsResult(['Foo', '']), 1],
    ['a tool that is no object', '{"jsonrpc":"2.0","id":"x","result":{"tools":[7]}}', 'x'],
    ['no version', '{"id":1,"result":{"tools":[]}}', 1],
  ])('with %s becomes an error', async (_, body, id) => {
    const error = { code: -32603, message: 'The list of tools cannot be filtered' };
    const asJson = await listed(() => new Response(body, { headers: JSON_TYPE }));
    expect([asJson.status, asJson.message]).toEqual([200, { jsonrpc: '2.0', id, error }]);
    const asEvents = await listed(() => new Response(`id: 1\ndata: ${body}\n\n`, { headers: EVENTS }));
    expect(asEvents.message).toEqual({ jsonrpc: '2.0', id, error });
  });

  test.each([
    ['in capitals', FULL.replace('"tools"', '"Tools"')],
    ['twice', FULL.replace('"tools"', '"tools":[{"name":"Foo"}],"tools"')],
    ['with a long s, escaped', FULL.replace('"tools"', '"tool\\u017f"')],
    ['in a result in capitals', FULL.replace('"result"', '"RESULT"')],
    ['beside another result', FULL.replace('"result"', '"result":{},"Result"')],
    ['with a name for either reader', FULL.replace('{"name":"Foo"}', '{"name":"Foo","Name":"Bar"}')],
  ])('that a client could read %s becomes an error', async (_, body) => {
    for (const respond of [
      () => new Response(body, { headers: JSON_TYPE }),
      () => new Response(`data: ${body}\n\n`, { headers: EVENTS }),
    ]) {
      const { text } = await listed(respond);
      expect([text.includes('Bar'), text.includes('cannot be filtered')]).toEqual([false, true]);
    }
  });

  test('cut short passes as it is', async () => {
    const { text } = await listed(
      () => new Response('{"jsonrpc":"2.0","id":1,"resu', { headers: JSON_TYPE }),
    );
    expect(text).toBe('{"jsonrpc":"2.0","id":1,"resu');
  });

  test('changes descriptions, and puts one where there was none', async () => {
    const body =
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"Foo","description":"old","n":1e2},{"name":"Bar"}]}}';
    const settings = {
      override: { Foo: { description: 'new "x"' }, Bar: { name: 'B', description: 'added' } },
    };
    const { text } = await listed(() => new Response(body, { headers: JSON_TYPE }), settings);
    expect(text).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"Foo","description":"new \\"x\\"","n":1e2},{"name":"B","description":"added"}]}}',
    );
  });
});

describe('what cannot be a list', () => {
  test('is not held back: the answer to another method', async () => {
    await using world = await openHttpWorld(
      () =>
        new Response(
          new ReadableStream({ start: (controller) => controller.enqueue('{"jsonrpc":"2.0","id":1,') }),
          { headers: { ...JSON_TYPE, 'X-Test': 'kept' } },
        ),
      ONLY_FOO,
    );
    const controller = new AbortController();
    const response = await fetch(`${world.base}/mcp`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', ...call('Foo') }),
      signal: controller.signal,
    });
    const first = await response.body?.getReader().read();
    expect([Buffer.from(first?.value ?? []).toString(), response.headers.get('x-test')]).toEqual([
      '{"jsonrpc":"2.0","id":1,',
      'kept',
    ]);
    controller.abort();
  });

  test('a client that leaves its filtered stream is gone for the server too', async () => {
    await using world = await openStdioWorld(['Foo'], ONLY_FOO);
    const source = await openEvents(`${world.base}/sse`);
    const endpoint = await endpointOf(source);
    await source[Symbol.asyncDispose]();
    const deadline = performance.now() + 3000;
    let status = 0;
    while (status !== 404 && performance.now() < deadline) {
      await Bun.sleep(10);
      status = (await post(endpoint, { id: 1, method: 'ping' })).status;
    }
    expect(status).toBe(404);
  });

  test('is not held back: an event of an open stream', async () => {
    await using world = await openHttpWorld(
      () =>
        new Response(
          new ReadableStream({
            start: (controller) => controller.enqueue('data: {"jsonrpc":"2.0","method":"n"}\n\ndata: {"half'),
          }),
          { headers: EVENTS },
        ),
      ONLY_FOO,
    );
    await using source = await openEvents(`${world.base}/mcp`);
    expect(await source.next(({ method }) => method === 'n')).toBeDefined();
  });
});

test('without tool settings a batch is refused all the same', async () => {
  await using world = await openStdioWorld(['Foo'], undefined);
  const answer = await post(`${world.base}/mcp`, '[]');
  expect([answer.status, answer.message.error?.code]).toEqual([400, -32600]);
});
