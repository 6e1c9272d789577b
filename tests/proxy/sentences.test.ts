/** Single sentences of spec 04 §6 and §19 that no larger story covers. */
import { describe, expect, test } from 'bun:test';
import {
  connectSse,
  connectStreamable,
  INITIALIZE,
  openEvents,
  post,
  type Rpc,
  until,
} from './raw-client.ts';
import { openWorld, type World } from './world.ts';

const EVENTS = 'application/json, text/event-stream';

function told(world: World, method: string): Rpc[] {
  return world.server.reports
    .map((line): Rpc => JSON.parse(line))
    .filter((message) => message.method === method);
}

test.each(['sse', 'streamable-http'] as const)(
  '§19.17 both endpoints are served with --proxy-mode %s',
  async (proxyMode) => {
    await using world = await openWorld({ proxyMode });
    expect((await (await connectStreamable(world.base)).call('echo', { text: 'x' })).status).toBe(200);
    await using sse = await connectSse(world.base);
    expect((await sse.request(1, 'tools/list')).error).toBeUndefined();
  },
);

test('§19.14 §6.4 §5.1 every event stream says how it is to be treated, and opens at once', async () => {
  await using world = await openWorld();
  const { listen, stream } = await connectStreamable(world.base);
  await using own = await listen();
  await using posted = await stream('silent');
  await using sse = await openEvents(`${world.base}/sse`);
  for (const { status, headers } of [own, posted, sse]) {
    expect([
      status,
      headers.get('content-type'),
      headers.get('cache-control'),
      headers.get('x-accel-buffering'),
    ]).toEqual([200, 'text/event-stream', 'no-cache', 'no']);
  }
  await until(() => sse.events.length > 0);
  expect(sse.events[0]?.type).toBe('endpoint');
  await until(() => own.comments.length > 0);
  expect(own.comments[0]).toBe(': keep-alive');
});

test('§19.14 §6.4 §5.1 streams on which nothing happens show that they are alive, of whatever kind', async () => {
  await using world = await openWorld({ keepAliveMs: 50 });
  const { listen, stream } = await connectStreamable(world.base);
  await using own = await listen();
  await using posted = await stream('silent');
  await using sse = await openEvents(`${world.base}/sse`);
  const streams = [own, posted, sse];
  await until(() => streams.every(({ comments }) => comments.length >= 4));
  const seen = new Set(streams.flatMap(({ comments }) => comments));
  expect([...seen]).toEqual([': keep-alive']);
});

test('§19.1 a ping of /health is our own: it reaches the server and no client', async () => {
  await using world = await openWorld({ proxyMode: 'sse' });
  await using sse = await connectSse(world.base);
  const before = sse.source.messages.length;
  const health = (await (await fetch(`${world.base}/health`)).json()) as {
    readonly mcp: { readonly available: boolean };
  };
  expect(health.mcp.available).toBe(true);
  expect(told(world, 'ping')).toHaveLength(1);
  await sse.request(1, 'tools/list');
  expect(sse.source.messages.length).toBe(before + 1);
});

test('§19.4 a handshake is never cancelled, not by its timeout either', async () => {
  await using world = await openWorld({ fixture: 'slow-start', args: ['500'], requestTimeoutMs: 100 });
  const { status, message } = await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE });
  expect([status, message.error?.code]).toEqual([200, -32000]);
  await until(() => told(world, 'initialize').length === 1);
  // A timeout is not kept: the next client makes its own handshake (§6.5).
  await post(`${world.base}/mcp`, { id: 2, ...INITIALIZE });
  expect(told(world, 'notifications/cancelled')).toEqual([]);
  expect(told(world, 'initialize')).toHaveLength(2);
});

test('§6.3 the server sees ids that are integers, each of them once', async () => {
  await using world = await openWorld();
  const { call } = await connectStreamable(world.base);
  for (const id of [1, '1', 0, '']) await call('echo', { text: 'x' }, { id });
  const ids = told(world, 'tools/call').map(({ id }) => id);
  expect(ids.every((id) => Number.isInteger(id))).toBe(true);
  expect(new Set(ids).size).toBe(4);
});

test('§6.3 an answer that nobody waits for is dropped', async () => {
  await using world = await openWorld();
  await using sse = await connectSse(world.base);
  const before = sse.source.messages.length;
  world.server.receive('{"jsonrpc":"2.0","id":1,"result":{}}\n{"jsonrpc":"2.0","id":"x","result":{}}\n');
  await sse.request(9, 'tools/list');
  expect(sse.source.messages.length).toBe(before + 1);
});

describe('§19.6 byte fidelity', () => {
  const STRANGE = '👩\u200d👩\u200d👧 \u00a0 \ufeff \ufffd é';

  test('§19.6 what a client sends reaches the server as it was written', async () => {
    await using world = await openWorld();
    const params = `{"name":"silent","n":[9007199254740993,1.50,1e2,-0],"s":"${STRANGE}"}`;
    const body = `{"jsonrpc":"2.0","id":1,"method":"x","params":${params},"unknown":{"a":1.0}}`;
    expect((await post(`${world.base}/mcp`, body)).status).toBe(200);
    const line = world.server.reports.at(-1) ?? '';
    expect(line).toContain(`"params":${params},"unknown":{"a":1.0}}`);
  });

  test('§19.6 what the server says reaches the client as it was written', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    await using stream = await openEvents(`${world.base}/mcp`, { headers: { 'Mcp-Session-Id': session } });
    const text = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"s":"${STRANGE}","n":9007199254740993},"unknown":1.0}`;
    world.server.receive(`${text}\n`);
    await until(() => stream.events.length > 0);
    expect(stream.events[0]?.data).toBe(text);
  });

  test.each([
    ['\u0001{}\u0001', true],
    ['{\ufffd}', true],
    ['extra{}extra', false],
    ['INFO sent {}', false],
  ])('§19.6 the line %j', async (frame, isMessage) => {
    await using world = await openWorld();
    await using sse = await connectSse(world.base);
    const members = '"jsonrpc":"2.0","method":"notifications/tools/list_changed"';
    world.server.receive(`${frame.replace('{', `{${members}`)}\n`);
    await sse.request(1, 'tools/list');
    const isSeen = sse.source.messages.some(({ method }) => method === 'notifications/tools/list_changed');
    expect(isSeen).toBe(isMessage);
  });
});

test('§19.7 DELETE unsubscribes upstream when nobody else follows the resource', async () => {
  await using world = await openWorld();
  const clients = await Promise.all([connectStreamable(world.base), connectStreamable(world.base)]);
  for (const { send } of clients)
    await send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:b' } });
  const remove = (session: string) =>
    fetch(`${world.base}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': session } });
  await remove(clients[0].session);
  await connectStreamable(world.base);
  expect(told(world, 'resources/unsubscribe')).toEqual([]);
  await remove(clients[1].session);
  await until(() => told(world, 'resources/unsubscribe').length === 1);
});

test('§19.7 looking at health does not keep a session alive, a stream does', async () => {
  let now = Date.now();
  await using world = await openWorld({ sessionTtlMs: 60_000, now: () => now });
  const idle = await connectStreamable(world.base);
  const open = await connectStreamable(world.base);
  await using _stream = await open.stream('silent');
  now += 50_000;
  await fetch(`${world.base}/health`);
  now += 50_000;
  expect((await idle.call('echo')).status).toBe(404);
  expect((await open.call('echo')).status).toBe(200);
});

test('§6.2 the session id is on the answer to the initialize that made the session, and nowhere else', async () => {
  await using world = await openWorld();
  const first = await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE }, { accept: EVENTS });
  const session = first.headers.get('mcp-session-id') ?? '';
  expect(session).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  const again = await post(`${world.base}/mcp`, { id: 2, ...INITIALIZE }, { session });
  const call = await post(`${world.base}/mcp`, { id: 3, method: 'tools/list' }, { session });
  expect([again.status, again.headers.get('mcp-session-id'), call.headers.get('mcp-session-id')]).toEqual([
    200,
    null,
    null,
  ]);
});
