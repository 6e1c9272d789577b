import { describe, expect, test } from 'bun:test';
import { connectSse, connectStreamable, INITIALIZE, openEvents, post, until } from './raw-client.ts';
import { createMemoryJournal, openWorld } from './world.ts';

const TTL_MS = 60_000;

describe('sessions (spec 04 §6.1, §6.2, §6.4, §6.5, §19.7)', () => {
  test('survive the death of our own process, with their subscriptions and log level', async () => {
    const journal = createMemoryJournal();
    const before = await openWorld({ journal });
    const client = await connectStreamable(before.base);
    await client.send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:b' } });
    await client.send({ id: 2, method: 'logging/setLevel', params: { level: 'error' } });
    const sse = await connectSse(before.base);
    // Killed, not stopped: nothing is said, the journal is what it is.
    const left = createMemoryJournal(journal.records);

    await using after = await openWorld({ journal: left });
    const again = await connectStreamable(after.base, client.session);
    expect((await again.call('echo', { text: 'x' })).status).toBe(200);
    // The same process answers the handshake from what the journal kept, and hears of nothing.
    expect((await post(`${after.base}/mcp`, { id: 3, ...INITIALIZE })).message.result.serverInfo.name).toBe(
      'fixture',
    );
    expect(after.server.reports.filter((line) => line.includes('initialize'))).toEqual([]);
    await using stream = await again.listen();
    await again.call('notify', { method: 'notifications/resources/updated', params: { uri: 'a:b' } });
    await again.call('notify', { method: 'notifications/message', params: { level: 'debug' } });
    await again.call('notify', { method: 'notifications/tools/list_changed' });
    await stream.next(({ method }) => method === 'notifications/tools/list_changed');
    expect(stream.messages.map(({ method }) => method)).toEqual([
      'notifications/resources/updated',
      'notifications/tools/list_changed',
    ]);
    const old = sse.endpoint.replace(before.base, after.base);
    expect((await post(old, { id: 1, method: 'tools/list' })).status).toBe(404);
    await before[Symbol.asyncDispose]();
  });

  test('end of the proxy is not the end of a session', async () => {
    const journal = createMemoryJournal();
    const before = await openWorld({ journal });
    const { session } = await connectStreamable(before.base);
    await before[Symbol.asyncDispose]();
    await using after = await openWorld({ journal });
    expect((await (await connectStreamable(after.base, session)).call('echo', { text: 'x' })).status).toBe(
      200,
    );
  });

  test.each([
    ['request', { id: 'x', method: 'tools/list' }, { id: 'x' }],
    ['request with the id 0', { id: 0, method: 'tools/list' }, { id: 0 }],
  ])('unknown: a %s is told so under its id', async (_, message, id) => {
    await using world = await openWorld();
    const { status, message: answer } = await post(`${world.base}/mcp`, message, { session: 'gone' });
    const error = { code: -32001, message: 'Session not found' };
    expect([status, answer]).toEqual([404, { jsonrpc: '2.0', ...id, error }]);
  });

  test.each(['GET', 'DELETE'])('unknown: %s is told so without an id', async (method) => {
    await using world = await openWorld();
    const response = await fetch(`${world.base}/mcp`, { method, headers: { 'Mcp-Session-Id': 'gone' } });
    const error = { code: -32001, message: 'Session not found' };
    expect([response.status, await response.json()]).toEqual([404, { jsonrpc: '2.0', error }]);
  });

  test('unknown: notifications are taken all the same', async () => {
    await using world = await openWorld();
    const { status, text } = await post(
      `${world.base}/mcp`,
      { method: 'notifications/x' },
      { session: 'gone' },
    );
    expect([status, text]).toEqual([202, '']);
  });

  test('none is needed for a request, and none is made', async () => {
    await using world = await openWorld();
    const { status, headers } = await post(`${world.base}/mcp`, { id: 1, method: 'tools/list' });
    expect([status, headers.get('mcp-session-id')]).toEqual([200, null]);
  });

  test('an empty header names none', async () => {
    await using world = await openWorld();
    const headers = { 'Mcp-Session-Id': '' };
    const url = `${world.base}/mcp`;
    expect((await post(url, { id: 1, method: 'tools/list' }, { headers })).status).toBe(200);
    expect((await post(url, { id: 0, ...INITIALIZE }, { headers })).headers.has('mcp-session-id')).toBe(true);
    expect((await fetch(url, { headers })).status).toBe(400);
    expect((await fetch(url, { headers, method: 'DELETE' })).status).toBe(400);
  });

  test('end with DELETE', async () => {
    await using world = await openWorld();
    const { session, call, listen, stream } = await connectStreamable(world.base);
    await using listening = await listen();
    await using hanging = await stream('silent');
    const response = await fetch(`${world.base}/mcp`, {
      method: 'DELETE',
      headers: { 'Mcp-Session-Id': session },
    });
    expect([response.status, await response.text()]).toEqual([204, '']);
    await until(() => listening.ended && hanging.ended);
    expect((await call('echo')).status).toBe(404);
    expect(world.journal.records.at(-1)).toEqual({ type: 'end', id: session });
  });

  test('are not made by a handshake that fails', async () => {
    await using world = await openWorld({ fixture: 'refuses-handshake' });
    const { status, headers, message } = await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE });
    expect([status, headers.get('mcp-session-id'), message.error?.message]).toEqual([200, null, 'not today']);
    expect(world.journal.records).toEqual([]);
  });

  test('do not take an id that the client chose', async () => {
    await using world = await openWorld();
    for (const chosen of ['not a uuid', crypto.randomUUID()]) {
      const { status, headers } = await post(
        `${world.base}/mcp`,
        { id: 1, ...INITIALIZE },
        { session: chosen },
      );
      expect(status).toBe(200);
      expect(headers.get('mcp-session-id')).toBeString();
      expect(headers.get('mcp-session-id')).not.toBe(chosen);
    }
  });

  test('that come at once share one handshake, which outlives its first client', async () => {
    await using world = await openWorld({ fixture: 'slow-start', args: ['300'] });
    const controller = new AbortController();
    const first = post(`${world.base}/mcp`, { id: 1, ...INITIALIZE }, { signal: controller.signal });
    const others = Array.from({ length: 5 }, (_, id) => post(`${world.base}/mcp`, { id, ...INITIALIZE }));
    await Bun.sleep(100);
    controller.abort();
    await expect(first).rejects.toThrow();
    const answers = await Promise.all(others);
    expect(answers.map(({ message }) => [message.id, message.result.serverInfo.name])).toEqual(
      [0, 1, 2, 3, 4].map((id) => [id, 'fixture']),
    );
    expect(new Set(answers.map(({ headers }) => headers.get('mcp-session-id'))).size).toBe(5);
    expect(world.server.reports.filter((line) => line.includes('"initialize"'))).toHaveLength(1);
    // None for the client that left.
    expect(world.journal.records.filter(({ type }) => type === 'session')).toHaveLength(5);
  });

  test('expire when they are idle, and only then', async () => {
    let now = Date.now();
    await using world = await openWorld({ sessionTtlMs: TTL_MS, now: () => now });
    const idle = await connectStreamable(world.base);
    const used = await connectStreamable(world.base);
    const listening = await connectStreamable(world.base);
    await using _stream = await listening.listen();
    now += TTL_MS * 0.9;
    await used.call('echo');
    now += TTL_MS * 0.2;
    const statuses = await Promise.all(
      [idle, used, listening].map(async ({ call }) => (await call('echo')).status),
    );
    expect(statuses).toEqual([404, 200, 200]);
  });

  test('with an open GET stream outlive every sweep, and none once it is gone (§6.4, §19.7)', async () => {
    let now = Date.now();
    await using world = await openWorld({ sessionTtlMs: 1000, now: () => now });
    const hasEnded = (id: string) =>
      world.journal.records.some((record) => record.type === 'end' && record.id === id);
    const idle = await connectStreamable(world.base);
    const listening = await connectStreamable(world.base);
    await listening.send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:b' } });
    await using stream = await listening.listen();
    now += 10_000;
    await until(() => hasEnded(idle.session));
    expect([stream.ended, hasEnded(listening.session)]).toEqual([false, false]);
    // A crash of ours must not make it old.
    expect(world.journal.records).toContainEqual({ type: 'used', id: listening.session, at: now });
    await listening.call('notify', { method: 'notifications/resources/updated', params: { uri: 'a:b' } });
    await stream.next(({ method }) => method === 'notifications/resources/updated');
    stream.close();
    await until(() => {
      now += 2000;
      return hasEnded(listening.session);
    });
    await until(() => world.server.reports.some((line) => line.includes('resources/unsubscribe')));
    expect((await listening.listen()).status).toBe(404);
  });

  test('of a journal keep their age', async () => {
    const now = Date.now();
    const session = (id: string, age: number) =>
      ({ type: 'session', id, at: now - age, initialize: '' }) as const;
    const journal = createMemoryJournal([
      session('old', TTL_MS * 2),
      session('young', TTL_MS / 2),
      session('used', TTL_MS * 2),
      { type: 'used', id: 'used', at: now },
      session('ended', 0),
      { type: 'end', id: 'ended' },
    ]);
    await using world = await openWorld({ journal, sessionTtlMs: TTL_MS, now: () => now });
    const status = async (id: string) =>
      (await post(`${world.base}/mcp`, { id: 1, method: 'tools/list' }, { session: id })).status;
    expect(await Promise.all(['old', 'young', 'used', 'ended'].map(status))).toEqual([404, 200, 200, 404]);
  });

  test('have one stream: a second GET ends the first', async () => {
    await using world = await openWorld();
    const { listen, call } = await connectStreamable(world.base);
    await using first = await listen();
    await using second = await listen();
    await until(() => first.ended);
    await call('notify', { method: 'notifications/tools/list_changed' });
    await second.next(({ method }) => method !== undefined);
    expect(first.messages).toEqual([]);
  });

  test('of an SSE client end with its stream', async () => {
    await using world = await openWorld();
    const client = await connectSse(world.base);
    expect(client.endpoint).toStartWith(`${world.base}/messages?session_id=`);
    await client[Symbol.asyncDispose]();
    await until(() => client.source.ended);
    const isGone = async () => (await post(client.endpoint, { id: 1, method: 'tools/list' })).status === 404;
    let gone = false;
    while (!gone) gone = await isGone();
    expect(gone).toBe(true);
  });
});

test('§5.2 §19.11 the endpoint event names the public place only to those who are trusted', async () => {
  const headers = {
    'X-Forwarded-Proto': 'https',
    'X-Forwarded-Host': 'public.example.com',
    'X-Forwarded-Port': '443',
    'X-Forwarded-Prefix': '/api//v1/sse',
  };
  for (const trustProxyHeaders of [true, false]) {
    await using world = await openWorld({ trustProxyHeaders });
    await using source = await openEvents(`${world.base}/sse`, { headers });
    await until(() => source.events.length === 1);
    const place = trustProxyHeaders ? 'https://public.example.com:443/api/v1' : world.base;
    expect(source.events[0]?.type).toBe('endpoint');
    expect(source.events[0]?.data).toStartWith(`${place}/messages?session_id=`);
  }
});
