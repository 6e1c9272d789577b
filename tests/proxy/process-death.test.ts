import { describe, expect, test } from 'bun:test';
import { connectSse, connectStreamable, INITIALIZE, post, until } from './raw-client.ts';
import { openWorld, type World } from './world.ts';

const silent = { name: 'silent', arguments: {} };
const methodsTold = (world: World) =>
  world.server.reports
    .map((line) => JSON.parse(line))
    .map(({ method, params }) => params?.uri ?? params?.level ?? method);

function fail(): never {
  throw new Error('EPIPE');
}

describe('the death of the process (spec 04 §19.5)', () => {
  test('answers what is in flight at once, in every form', async () => {
    await using world = await openWorld();
    const { call, stream } = await connectStreamable(world.base);
    await using sse = await connectSse(world.base);
    const json = call('silent', {}, { id: 'json' });
    await using events = await stream('silent');
    await sse.post({ id: 'sse', method: 'tools/call', params: silent });
    await until(() => world.server.reports.filter((line) => line.includes('"silent"')).length === 3);
    const diedAt = performance.now();
    await world.server.kill();
    const { status, message } = await json;
    const error = { code: -32603, message: 'The MCP server ended before it answered' };
    expect({ status, message }).toEqual({ status: 502, message: { jsonrpc: '2.0', id: 'json', error } });
    expect((await events.next((seen) => seen.error !== undefined)).error).toEqual(error);
    expect((await sse.source.next(({ id }) => id === 'sse')).error).toEqual(error);
    expect(performance.now() - diedAt).toBeLessThan(1000);
  });

  test('in the middle of a call is no different', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    expect((await call('exit')).status).toBe(502);
  });

  test('is what a process that takes nothing any more looks like', async () => {
    await using world = await openWorld({ fixture: 'closes-stdin' });
    const { call, stream } = await connectStreamable(world.base);
    await call('echo', { text: 'x' });
    await using events = await stream('close');
    await until(() => world.server.reports.includes('closed'));
    const brokeAt = performance.now();
    const { status, message } = await call('echo', { text: 'y' }, { id: 'after' });
    const error = { code: -32603, message: 'The MCP server ended before it answered' };
    expect({ status, message }).toEqual({ status: 502, message: { jsonrpc: '2.0', id: 'after', error } });
    expect((await events.next((seen) => seen.error !== undefined)).error).toEqual(error);
    expect(performance.now() - brokeAt).toBeLessThan(1000);
  });

  test.each([
    ['throws', { write: fail, drained: async () => {} }],
    ['does not take place', { write: () => false, drained: async () => fail() }],
  ])('is what a write that %s means: whoever waits hears so at once', async (_, broken) => {
    await using world = await openWorld({ fixture: undefined });
    world.bridge.attach({ identity: 'broken', ...broken });
    const startedAt = performance.now();
    expect((await post(`${world.base}/mcp`, { id: 1, method: 'tools/list' })).status).toBe(502);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    world.attach('toolbox', 'whole');
    expect((await post(`${world.base}/mcp`, { id: 3, method: 'tools/list' })).status).toBe(200);
  });

  test('is not seen by calls that come while the next one is on its way', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    await world.server.kill();
    const waiting = Array.from({ length: 10 }, (_, index) => call('echo', { text: String(index) }));
    await Bun.sleep(200);
    world.attach('toolbox', 'second');
    const answers = await Promise.all(waiting);
    expect(answers.map(({ message }) => message.result?.content[0].text)).toEqual([...'0123456789']);
  });

  test('without a next one is told after a while, with a hint to come again', async () => {
    await using world = await openWorld({ attachWaitMs: 100 });
    const { call, stream } = await connectStreamable(world.base);
    await using sse = await connectSse(world.base);
    await world.server.kill();
    const { status, headers, message } = await call('echo', {}, { id: 1 });
    expect([status, headers.get('retry-after'), message.id, message.error?.code]).toEqual([
      503,
      '1',
      1,
      -32603,
    ]);
    expect((await stream('echo')).status).toBe(503);
    const error = { code: -32603, message: 'The MCP server is not running' };
    expect((await sse.request(7, 'tools/list')).error).toEqual(error);
  });
});

describe('the next process (§19.5)', () => {
  test('of another identity gets handshake, log level and subscriptions before anything else', async () => {
    await using world = await openWorld();
    const { send, call } = await connectStreamable(world.base);
    await send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:b' } });
    await send({ id: 2, method: 'logging/setLevel', params: { level: 'info' } });
    await call('echo', { text: 'x' });
    await world.server.kill();
    const waiting = call('echo', { text: 'y' });
    await Bun.sleep(50);
    world.attach('toolbox', 'second');
    expect((await waiting).status).toBe(200);
    const order = ['initialize', 'notifications/initialized', 'info', 'a:b', 'tools/call'];
    expect(methodsTold(world)).toEqual(order);
    expect(world.journal.records).toContainEqual({ type: 'initialized', identity: 'second' });
  });

  test('hears nothing of what sessions wanted that have ended', async () => {
    await using world = await openWorld();
    const { send, session } = await connectStreamable(world.base);
    await send({ id: 1, method: 'resources/subscribe', params: { uri: 'a:b' } });
    await send({ id: 2, method: 'logging/setLevel', params: { level: 'error' } });
    await fetch(`${world.base}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': session } });
    const { call } = await connectStreamable(world.base);
    await world.server.kill();
    world.attach('toolbox', 'second');
    expect((await call('echo', { text: 'x' })).status).toBe(200);
    expect(methodsTold(world)).toEqual(['initialize', 'notifications/initialized', 'tools/call']);
  });

  test('of the same identity is only talked on to', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    world.server.detach();
    world.attach('toolbox', 'first');
    expect((await call('echo', { text: 'x' })).status).toBe(200);
    expect((await post(`${world.base}/mcp`, { id: 5, ...INITIALIZE })).message.result.serverInfo.name).toBe(
      'fixture',
    );
    expect(methodsTold(world)).toEqual(['tools/call']);
  });

  test('that refuses the handshake leaves clients to make their own', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    await world.server.kill();
    world.attach('refuses-handshake', 'second');
    expect((await call('echo', { text: 'x' })).status).toBe(200);
    expect((await post(`${world.base}/mcp`, { id: 5, ...INITIALIZE })).message.error?.message).toBe(
      'not today',
    );
    await world.server.kill();
    world.attach('toolbox', 'third');
    expect((await post(`${world.base}/mcp`, { id: 5, ...INITIALIZE })).message.result.serverInfo.name).toBe(
      'fixture',
    );
  });

  test('takes the place of one that is still attached', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const hanging = call('silent');
    await until(() => world.server.reports.some((line) => line.includes('"silent"')));
    world.attach('toolbox', 'second');
    expect((await hanging).status).toBe(502);
    expect((await call('echo', { text: 'x' })).status).toBe(200);
  });
});
