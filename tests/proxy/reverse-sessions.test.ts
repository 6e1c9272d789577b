import { describe, expect, test } from 'bun:test';
import { INITIALIZE, openEvents, post, until } from './raw-client.ts';
import { type Answer, openFront, openSessionServer, result } from './reverse-front.ts';
import { createMemoryJournal } from './world.ts';

const CALL = { method: 'tools/call', params: { name: 'x', arguments: {} } };

async function openSession(base: string): Promise<string> {
  const { headers, text } = await post(`${base}/mcp`, { id: 0, ...INITIALIZE });
  const session = headers.get('mcp-session-id');
  if (session === null) throw new Error(`no session: ${text}`);
  return session;
}

describe('spec 04 §8.4 sessions of the reverse proxy', () => {
  test('step 1: an unknown session is 404 with the id as it came, without the server being asked', async () => {
    await using backend = openSessionServer();
    await using front = await openFront({ target: backend.url });
    const options = { session: 'unknown' };
    for (const [id, text] of [
      ['9007199254740993', '{"jsonrpc":"2.0","id":9007199254740993,"method":"tools/list"}'],
      ['"a\\u0062"', '{"jsonrpc":"2.0","id":"a\\u0062","method":"tools/list"}'],
      [undefined, '{"jsonrpc":"2.0","method":"notifications/progress"}'],
      [undefined, 'no JSON'],
    ] as const) {
      const answer = await post(`${front.base}/mcp`, text, options);
      const member = id === undefined ? '' : `"id":${id},`;
      expect([answer.status, answer.text]).toEqual([
        404,
        `{"jsonrpc":"2.0",${member}"error":{"code":-32001,"message":"Session not found"}}`,
      ]);
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
    for (const method of ['GET', 'DELETE']) {
      const response = await fetch(`${front.base}/mcp`, { method, headers: { 'Mcp-Session-Id': 'unknown' } });
      expect([response.status, await response.json()]).toEqual([
        404,
        { jsonrpc: '2.0', error: { code: -32001, message: 'Session not found' } },
      ]);
    }
    expect(backend.asked).toEqual([]);
  });

  test('step 2: initialize loses the header, known or not; other headers stay', async () => {
    await using backend = openSessionServer();
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    for (const id of [session, 'unknown', 'no uuid']) {
      const headers = { 'X-Test': 'kept' };
      const answer = await post(`${front.base}/mcp`, { id: 1, ...INITIALIZE }, { session: id, headers });
      expect([answer.status, backend.asked.at(-1)?.session]).toEqual([200, null]);
      expect(backend.asked.at(-1)?.headers.get('x-test')).toBe('kept');
      expect(answer.headers.get('mcp-session-id')).toStartWith('backend-');
    }
    const spelt = '{"jsonrpc":"2.0","id":1,"method":"\\u0069nitialize","params":{}}';
    expect((await post(`${front.base}/mcp`, spelt, { session: 'unknown' })).status).toBe(200);
  });

  test('step 3: a 200 stores the session, and requests in it pass', async () => {
    await using backend = openSessionServer();
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    const { status, message, headers } = await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
    expect([status, message.result, headers.get('mcp-session-id')]).toEqual([200, { session }, session]);
  });

  const error = (headers: Record<string, string>) =>
    new Response('{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}', { headers });
  test.each<[string, () => Response]>([
    ['a 500', () => new Response('x', { status: 500, headers: { 'Mcp-Session-Id': 'bad' } })],
    [
      'a JSON-RPC error',
      () => error({ 'Mcp-Session-Id': 'bad', 'Content-Type': 'application/json; charset=utf-8' }),
    ],
    [
      'a JSON-RPC error in an event',
      () =>
        new Response(
          'id: 1\ndata:\n\nevent: message\ndata: {"jsonrpc":"2.0","id":0,"error":{"code":1,"message":""}}\n\n',
          { headers: { 'Mcp-Session-Id': 'bad', 'Content-Type': 'text/event-stream' } },
        ),
    ],
  ])('§19.7: %s to initialize leaves no session and names none', async (_, answer) => {
    await using backend = openSessionServer(({ rpc }) =>
      rpc?.method === 'initialize' ? answer() : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const first = await post(`${front.base}/mcp`, { id: 0, ...INITIALIZE });
    expect([first.headers.get('mcp-session-id'), first.text]).toEqual([null, await answer().text()]);
    expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session: 'bad' })).status).toBe(404);
    expect(backend.asked.length).toBe(1);
  });

  test('step 3: an initialize answered by events opens a session, and its stream passes whole', async () => {
    const events = `data:\n\nevent: message\ndata: {"jsonrpc":"2.0","id":0,"result":{}}\n\n: more\n\n`;
    await using backend = openSessionServer(({ rpc }) =>
      rpc?.method === 'initialize'
        ? new Response(events, { headers: { 'Mcp-Session-Id': 's1', 'Content-Type': 'text/event-stream' } })
        : undefined,
    );
    backend.sessions.add('s1');
    await using front = await openFront({ target: backend.url });
    const opened = await post(`${front.base}/mcp`, { id: 0, ...INITIALIZE });
    expect([opened.text, opened.headers.get('mcp-session-id')]).toEqual([events, 's1']);
    expect(opened.headers.get('x-accel-buffering')).toBe('no');
    expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session: 's1' })).status).toBe(200);
  });

  test.each([
    [200, true],
    [204, true],
    [404, true],
    [405, false],
    [500, false],
  ])('step 4: DELETE answered %d ends the session: %p', async (status, ends) => {
    await using backend = openSessionServer(({ method }) =>
      method === 'DELETE' ? new Response(null, { status }) : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    const headers = { 'Mcp-Session-Id': session };
    const response = await fetch(`${front.base}/mcp`, { method: 'DELETE', headers });
    expect(response.status).toBe(status);
    const after = await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
    expect(after.status).toBe(ends ? 404 : 200);
    expect(backend.calls.filter((call) => call === 'initialize').length).toBe(1);
  });

  test('step 5: a lost session is healed: initialize, initialized, the request again, ids translated', async () => {
    await using backend = openSessionServer();
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    backend.sessions.clear();
    const headers = { Authorization: 'Bearer t', 'MCP-Protocol-Version': '2025-06-18' };
    const healed = await post(`${front.base}/mcp?q=1`, { id: 7, ...CALL }, { session, headers });
    const [fresh] = [...backend.sessions];
    expect([healed.status, healed.message.id, healed.message.result]).toEqual([200, 7, { session: fresh }]);
    expect(healed.headers.get('mcp-session-id')).toBe(session);
    expect(backend.calls).toEqual([
      'initialize',
      'tools/call',
      'initialize',
      'notifications/initialized',
      'tools/call',
    ]);
    const [first, , replayed, initialized] = backend.asked;
    expect(replayed?.text).toBe(first?.text ?? '');
    expect(replayed?.path).toBe('/mcp?q=1');
    expect(replayed?.session).toBeNull();
    expect(replayed?.headers.toJSON()).toMatchObject({
      authorization: 'Bearer t',
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    });
    expect([initialized?.session, initialized?.headers.get('mcp-protocol-version')]).toEqual([
      fresh ?? '',
      '2025-06-18',
    ]);
    const later = await post(`${front.base}/mcp`, { id: 8, ...CALL }, { session });
    expect([later.message.result, later.headers.get('mcp-session-id')]).toEqual([
      { session: fresh },
      session,
    ]);
    expect((await post(`${front.base}/mcp`, { id: 9, ...CALL }, { session: fresh })).status).toBe(404);
    const ended = { method: 'DELETE', headers: { 'Mcp-Session-Id': session } };
    expect((await fetch(`${front.base}/mcp`, ended)).status).toBe(202);
    expect([backend.asked.at(-1)?.session, backend.sessions.size]).toEqual([fresh ?? '', 0]);
  });

  test('step 5: the GET stream of a lost session heals it too', async () => {
    await using backend = openSessionServer(({ method, session }, sessions) =>
      method === 'GET' && sessions.has(session ?? '')
        ? new Response('data: {}\n\n', { headers: { 'Content-Type': 'text/event-stream' } })
        : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    backend.sessions.clear();
    await using source = await openEvents(`${front.base}/mcp`, { headers: { 'Mcp-Session-Id': session } });
    await until(() => source.events.length === 1);
    expect(backend.calls).toEqual(['initialize', 'GET', 'initialize', 'notifications/initialized', 'GET']);
  });

  test('§19.7: many requests that find the session lost replay initialize once', async () => {
    const gate = Promise.withResolvers<void>();
    let lost = 0;
    await using backend = openSessionServer(async ({ rpc, session }, sessions) => {
      if (rpc?.method !== 'tools/call' || sessions.has(session ?? '')) return undefined;
      lost += 1;
      if (lost === 20) gate.resolve();
      await gate.promise;
      return undefined;
    });
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    backend.sessions.clear();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, id) => post(`${front.base}/mcp`, { id, ...CALL }, { session })),
    );
    expect(answers.map(({ status, message }) => [status, message.id])).toEqual(
      Array.from({ length: 20 }, (_, id) => [200, id]),
    );
    expect(backend.calls.filter((call) => call === 'initialize').length).toBe(2);
  });

  test('§19.7: a 404 with -32601 is an answer, not a lost session', async () => {
    const body = '{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}';
    await using backend = openSessionServer(({ rpc }) =>
      rpc?.method === 'tools/call'
        ? new Response(body, { status: 404, headers: { 'Content-Type': 'application/json' } })
        : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    const answer = await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
    expect([answer.status, answer.text]).toEqual([404, body]);
    expect(backend.calls).toEqual(['initialize', 'tools/call']);
  });

  test.each<[string, Answer]>([
    ['gives no new id', (asked) => result(asked, {})],
    ['refuses it', () => new Response('no', { status: 500 })],
    ['answers it with an error', ({ rpc }) => Response.json({ jsonrpc: '2.0', id: rpc.id, error: {} })],
  ])('step 5: when the replay %s, the 404 goes through', async (_, again) => {
    let handshakes = 0;
    await using backend = openSessionServer((asked, sessions) => {
      if (asked.rpc?.method !== 'initialize') return undefined;
      handshakes += 1;
      return handshakes === 1 ? undefined : again(asked, sessions);
    });
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    backend.sessions.clear();
    const answer = await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
    expect([answer.status, answer.message.error?.message]).toEqual([404, 'Session not found']);
    expect(backend.calls).toEqual(['initialize', 'tools/call', 'initialize']);
  });

  test('step 5: a path that is 404 for ever does not open sessions for ever', async () => {
    await using backend = openSessionServer(({ path }) =>
      path === '/gone' ? new Response('gone', { status: 404 }) : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    for (let round = 0; round < 10; round += 1)
      expect((await post(`${front.base}/gone`, { id: 1, ...CALL }, { session })).status).toBe(404);
    expect(backend.calls.filter((call) => call === 'initialize').length).toBeLessThanOrEqual(2);
  });

  test('step 5: a session whose id came without initialize is not replayed', async () => {
    await using backend = openSessionServer((asked) =>
      asked.session === null && asked.rpc?.method === 'tools/list'
        ? result(asked, {}, { 'Mcp-Session-Id': 'odd' })
        : undefined,
    );
    await using front = await openFront({ target: backend.url });
    await post(`${front.base}/mcp`, { id: 1, method: 'tools/list' });
    expect((await post(`${front.base}/mcp`, { id: 2, ...CALL }, { session: 'odd' })).status).toBe(404);
    expect(backend.calls).toEqual(['tools/list', 'tools/call']);
  });

  test('step 5: a replaced container at another address is given the session before the request', async () => {
    const first = openSessionServer();
    await using second = openSessionServer((asked) =>
      asked.rpc?.method === 'tools/call' ? result(asked, { took: asked.session }) : undefined,
    );
    await using front = await openFront({ target: first.url });
    const session = await openSession(front.base);
    await first[Symbol.asyncDispose]();
    const waiting = post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
    await Bun.sleep(50);
    front.proxy.setTarget(second.url);
    const { status, message } = await waiting;
    const [fresh] = [...second.sessions];
    expect([status, message.result]).toEqual([200, { took: fresh }]);
    expect(second.calls).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
  });

  test('step 5: a server that was restarted may say 400 to an unknown session', async () => {
    await using backend = openSessionServer(({ session }, sessions) =>
      session !== null && !sessions.has(session)
        ? new Response('No valid session', { status: 400 })
        : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    front.proxy.setTarget(undefined);
    front.proxy.setTarget(backend.url);
    backend.sessions.clear();
    expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status).toBe(200);
    backend.sessions.clear();
    expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status).toBe(400);
  });

  const json = (code: number, message: string) =>
    JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } });
  const JSON_TYPE = { 'Content-Type': 'application/json' };
  test.each([
    ['the example of the official SDK', 200, json(-32000, 'Bad Request: No valid session ID provided')],
    ['a transport of the official SDK', 200, json(-32000, 'Bad Request: Server not initialized')],
    ['another code', 200, json(-32001, 'Session not found')],
    ['an invalid request', 200, json(-32600, 'unknown')],
    ['text', 200, 'Bad Request: missing session'],
    ['wrong params', 400, json(-32602, 'Unknown session variable')],
    ['text about something else', 400, 'bad request'],
    ['nothing', 400, ''],
  ])('step 5: after a restart a 400 is believed by what it says: %s', async (_, expected, body) => {
    await using backend = openSessionServer(({ session }, sessions) =>
      session !== null && !sessions.has(session)
        ? new Response(body, { status: 400, headers: body.startsWith('{') ? JSON_TYPE : {} })
        : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status).toBe(200);
    front.proxy.setTarget(undefined);
    front.proxy.setTarget(backend.url);
    backend.sessions.clear();
    const answer = await post(`${front.base}/mcp`, { id: 2, ...CALL }, { session });
    expect([answer.status, answer.headers.get('mcp-session-id') ?? session]).toEqual([expected, session]);
    if (expected === 400) expect(answer.text).toBe(body);
    expect(backend.calls.filter((call) => call === 'initialize')).toHaveLength(expected === 200 ? 2 : 1);
  });

  test.each([
    [200, json(-32000, 'Bad Request: No valid session ID provided')],
    [400, json(-32600, 'unknown')],
  ])(
    'step 5: a restart that nobody saw is recognised by another connection and plain words: %d',
    async (expected, body) => {
      const answer: Answer = ({ session }, sessions) =>
        session !== null && !sessions.has(session)
          ? new Response(body, { status: 400, headers: JSON_TYPE })
          : undefined;
      const before = openSessionServer(answer);
      await using front = await openFront({ target: before.url });
      const session = await openSession(front.base);
      await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session });
      await before[Symbol.asyncDispose]();
      await using after = openSessionServer(answer, before.port);
      expect((await post(`${front.base}/mcp`, { id: 2, ...CALL }, { session })).status).toBe(expected);
      expect(after.calls.at(-1)).toBe('tools/call');
    },
  );

  test('step 5: a 400 that stays is not healed again and again', async () => {
    await using backend = openSessionServer(({ rpc }) =>
      rpc?.method === 'tools/call' ? new Response('session is odd', { status: 400 }) : undefined,
    );
    await using front = await openFront({ target: backend.url });
    const session = await openSession(front.base);
    for (let round = 0; round < 5; round += 1)
      expect((await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status).toBe(400);
    expect(backend.calls.filter((call) => call === 'initialize').length).toBeLessThanOrEqual(2);
    expect(backend.calls.filter((call) => call === 'tools/call').length).toBeLessThanOrEqual(6);
  });

  test('a session survives our own crash, with the id the server gave it last', async () => {
    await using backend = openSessionServer();
    const journal = createMemoryJournal();
    await using first = await openFront({ target: backend.url, journal });
    const session = await openSession(first.base);
    const ended = await openSession(first.base);
    await fetch(`${first.base}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': ended } });
    backend.sessions.clear();
    await post(`${first.base}/mcp`, { id: 1, ...CALL }, { session });
    // What a kill leaves is what the journal holds now.
    const left = createMemoryJournal(journal.records);
    await using second = await openFront({ target: backend.url, journal: left });
    const { message } = await post(`${second.base}/mcp`, { id: 1, ...CALL }, { session });
    expect(message.result).toEqual({ session: [...backend.sessions][0] });
    expect((await post(`${second.base}/mcp`, { id: 1, ...CALL }, { session: ended })).status).toBe(404);
    backend.sessions.clear();
    const healed = await post(`${second.base}/mcp`, { id: 1, ...CALL }, { session });
    expect([healed.status, healed.headers.get('mcp-session-id')]).toEqual([200, session]);
  });
});

describe('spec 04 §3, §19.7 the life of a session', () => {
  const HOUR = 60 * 60 * 1000;

  test('expiry is checked on look-up; a look-up is a use; an open stream keeps the session', async () => {
    let now = 1e12;
    await using backend = openSessionServer(({ method }) =>
      method === 'GET'
        ? new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(': x\n\n')) }),
            {
              headers: { 'Content-Type': 'text/event-stream' },
            },
          )
        : undefined,
    );
    await using front = await openFront({ target: backend.url, sessionTtlMs: HOUR, now: () => now });
    const ask = async (session: string) =>
      (await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status;
    const used = await openSession(front.base);
    const idle = await openSession(front.base);
    const streaming = await openSession(front.base);
    const source = await openEvents(`${front.base}/mcp`, { headers: { 'Mcp-Session-Id': streaming } });
    now += HOUR - 1;
    expect(await ask(used)).toBe(200);
    now += 2;
    expect([await ask(used), await ask(idle), await ask(streaming)]).toEqual([200, 404, 200]);
    now += 3 * HOUR;
    expect([await ask(used), await ask(streaming)]).toEqual([404, 200]);
    await source[Symbol.asyncDispose]();
    await Bun.sleep(50);
    now += HOUR + 1;
    expect(await ask(streaming)).toBe(404);
  });

  test('of sessions above the bound, the one idle for longest ends', async () => {
    let now = 1e12;
    await using backend = openSessionServer();
    const journal = createMemoryJournal();
    await using front = await openFront({ target: backend.url, maxSessions: 2, journal, now: () => now++ });
    const sessions = [await openSession(front.base), await openSession(front.base)];
    await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session: sessions[0] });
    sessions.push(await openSession(front.base));
    const ask = async (session: string) =>
      (await post(`${front.base}/mcp`, { id: 1, ...CALL }, { session })).status;
    expect(await Promise.all(sessions.map(ask))).toEqual([200, 404, 200]);
    expect(journal.records.filter(({ type }) => type === 'end').length).toBe(1);
  });

  test('the journal is compacted and does not grow with use', async () => {
    await using backend = openSessionServer();
    const journal = createMemoryJournal();
    await using front = await openFront({ target: backend.url, journal, maxSessions: 5 });
    for (let round = 0; round < 800; round += 1) await openSession(front.base);
    expect(journal.records.length).toBeLessThan(1100);
  });
});

test('§8.5: the session named in an SSE stream is known while the stream is open', async () => {
  await using backend = openSessionServer(({ method }) =>
    method === 'GET'
      ? new Response(
          new ReadableStream({
            start: (controller) =>
              controller.enqueue(Buffer.from('event: endpoint\r\ndata: /messages/?session_id=ab-12\r\n\r\n')),
          }),
          { headers: { 'Content-Type': 'text/event-stream' } },
        )
      : new Response('reached'),
  );
  await using front = await openFront({ target: backend.url, transport: 'sse' });
  const source = await openEvents(`${front.base}/sse`);
  const ask = async () => (await post(`${front.base}/messages`, '{}', { session: 'ab-12' })).status;
  await until(() => backend.asked.length === 1);
  await Bun.sleep(20);
  expect(await ask()).toBe(200);
  await source[Symbol.asyncDispose]();
  await Bun.sleep(50);
  expect(await ask()).toBe(404);
});
