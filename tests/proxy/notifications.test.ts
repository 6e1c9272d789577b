import { describe, expect, test } from 'bun:test';
import { connectSse, connectStreamable, type Rpc, until } from './raw-client.ts';
import { openWorld, type World } from './world.ts';

const isProgress = ({ method }: Rpc) => method === 'notifications/progress';
const isAnswer = ({ result, error }: Rpc) => result !== undefined || error !== undefined;

/** Lines the server read that mention `text`. */
function told(world: World, text: string): Rpc[] {
  return world.server.reports.filter((line) => line.includes(text)).map((line) => JSON.parse(line));
}

/** Resolves when the server has read everything sent so far. */
async function settle(world: World): Promise<void> {
  const { call } = await connectStreamable(world.base);
  await call('echo', { text: 'settled' });
}

describe('progress (spec 04 §6.5, §19.1, §19.4)', () => {
  test('goes to the call that asked, under its own token', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    await using two = await connectSse(world.base);
    const input = { steps: 3 };
    await using events = await one.stream('progress', input, { _meta: { progressToken: 'same' } });
    const meta = { _meta: { progressToken: 'same' } };
    await two.request(5, 'tools/call', { name: 'progress', arguments: input, ...meta });
    await events.next(isAnswer);
    for (const { messages } of [events, two.source]) {
      const seen = messages.filter(isProgress).map(({ params }) => params);
      expect(seen).toEqual([1, 2, 3].map((progress) => ({ progressToken: 'same', progress, total: 3 })));
    }
    const tokens = told(world, 'progressToken').map(({ params }) => params._meta.progressToken);
    expect(new Set(tokens).size).toBe(2);
    expect(tokens).not.toContain('same');
  });

  test('a number stays a number', async () => {
    await using world = await openWorld();
    const { stream } = await connectStreamable(world.base);
    await using events = await stream('progress', { steps: 1 }, { _meta: { progressToken: 0 } });
    expect((await events.next(isProgress)).params.progressToken).toBe(0);
  });

  test('is dropped for an answer in JSON, which arrives all the same', async () => {
    await using world = await openWorld();
    const { send } = await connectStreamable(world.base);
    const params = { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken: 1 } };
    const { text } = await send({ id: 1, method: 'tools/call', params });
    expect(JSON.parse(text).result.content[0].text).toBe('done');
  });

  test('starts the timeout again', async () => {
    await using world = await openWorld({ requestTimeoutMs: 200 });
    const { stream } = await connectStreamable(world.base);
    await using events = await stream('progress', { steps: 6, ms: 100 }, { _meta: { progressToken: 1 } });
    expect((await events.next(isAnswer)).result.content[0].text).toBe('done');
  });

  test('keeps a call alive ten times the timeout at most', async () => {
    await using world = await openWorld({ requestTimeoutMs: 150 });
    const { stream } = await connectStreamable(world.base);
    await using events = await stream('progress', { steps: 1000, ms: 10 }, { _meta: { progressToken: 1 } });
    expect((await events.next(isAnswer)).error).toEqual({ code: -32000, message: 'Timeout' });
  });
});

describe('notifications of the server (§6.5, §19.1, §19.2)', () => {
  test('list changes go to every open stream', async () => {
    await using world = await openWorld();
    const { listen, call } = await connectStreamable(world.base);
    await using streamable = await listen();
    await using sse = await connectSse(world.base);
    await call('notify', { method: 'notifications/tools/list_changed' });
    await streamable.next(({ method }) => method === 'notifications/tools/list_changed');
    await sse.source.next(({ method }) => method === 'notifications/tools/list_changed');
  });

  test('log messages go to the one session they can concern', async () => {
    await using world = await openWorld();
    await using bystander = await connectSse(world.base);
    const { stream } = await connectStreamable(world.base);
    const log = { method: 'notifications/message', params: { level: 'info', data: 'x' } };
    await using events = await stream('notify', log);
    await events.next(isAnswer);
    expect(events.messages[0]?.method).toBe('notifications/message');
    expect(bystander.source.messages.some(({ method }) => method === log.method)).toBe(false);
  });

  test('log messages below the level that a session asked for do not reach it', async () => {
    await using world = await openWorld();
    const { stream, send } = await connectStreamable(world.base);
    await send({ id: 1, method: 'logging/setLevel', params: { level: 'error' } });
    for (const level of ['debug', 'error']) {
      await using events = await stream('notify', { method: 'notifications/message', params: { level } });
      await events.next(isAnswer);
      expect(events.messages.some(({ method }) => method === 'notifications/message')).toBe(
        level === 'error',
      );
    }
  });
});

describe('subscriptions (§6.5, §19.1)', () => {
  const subscribe = (id: number, uri: string) => ({ id, method: 'resources/subscribe', params: { uri } });
  const unsubscribe = (id: number, uri: string) => ({ id, method: 'resources/unsubscribe', params: { uri } });
  const updated = (uri: string) => ({ method: 'notifications/resources/updated', params: { uri } });

  test('are shared upstream and separate downstream', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    await using oneStream = await one.listen();
    await using two = await connectSse(world.base);
    await using three = await connectSse(world.base);
    expect((await one.send(subscribe(1, 'a:b'))).message.result).toEqual({});
    expect((await two.request(1, 'resources/subscribe', { uri: 'a:b' })).result).toEqual({});
    await one.call('notify', updated('a:b'));
    await oneStream.next(({ method }) => method === 'notifications/resources/updated');
    await two.source.next(({ method }) => method === 'notifications/resources/updated');
    await settle(world);
    expect(three.source.messages.some(({ method }) => method !== undefined)).toBe(false);
    expect(told(world, 'resources/subscribe')).toHaveLength(1);

    expect((await one.send(unsubscribe(2, 'a:b'))).message.result).toEqual({});
    await settle(world);
    expect(told(world, 'resources/unsubscribe')).toHaveLength(0);
    await two[Symbol.asyncDispose]();
    await until(() => told(world, 'resources/unsubscribe').length === 1);
  });

  test('that fail are not recorded, so the next session tries again', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    const two = await connectStreamable(world.base);
    for (const { send } of [one, two]) {
      expect((await send(subscribe(1, 'refused:x'))).message.error?.code).toBe(-32002);
    }
    expect(told(world, 'resources/subscribe')).toHaveLength(2);
  });

  test('that come at once are one upstream', async () => {
    await using world = await openWorld();
    const clients = await Promise.all(Array.from({ length: 5 }, () => connectStreamable(world.base)));
    const answers = await Promise.all(clients.map(({ send }) => send(subscribe(1, 'a:b'))));
    expect(answers.map(({ message }) => message.result)).toEqual([{}, {}, {}, {}, {}]);
    expect(told(world, 'resources/subscribe')).toHaveLength(1);
  });

  test('without a URI are forwarded', async () => {
    await using world = await openWorld();
    const { send } = await connectStreamable(world.base);
    await send({ id: 1, method: 'resources/subscribe', params: { uri: '' } });
    await send({ id: 2, method: 'resources/unsubscribe', params: {} });
    await send({ id: 3, method: 'resources/unsubscribe', params: { uri: 'never:subscribed' } });
    expect(told(world, 'resources/')).toHaveLength(2);
  });
});

test('§6.5 §19.7 the most verbose log level of all sessions is set upstream', async () => {
  await using world = await openWorld();
  const clients = await Promise.all(Array.from({ length: 3 }, () => connectStreamable(world.base)));
  const levels = ['warning', 'error', 'info'];
  for (const [index, level] of levels.entries()) {
    const answer = await clients[index]?.send({ id: 1, method: 'logging/setLevel', params: { level } });
    expect(answer?.message.result).toEqual({});
  }
  await settle(world);
  const upstream = () => told(world, 'logging/setLevel').map(({ params }) => params.level);
  expect(upstream()).toEqual(['warning', 'info']);
  await fetch(`${world.base}/mcp`, {
    method: 'DELETE',
    headers: { 'Mcp-Session-Id': clients[2]?.session ?? '' },
  });
  await until(() => upstream().length === 3);
  expect(upstream()).toEqual(['warning', 'info', 'warning']);
});

describe('cancellation (§19.4)', () => {
  const cancelled = (requestId: unknown) => ({ method: 'notifications/cancelled', params: { requestId } });
  const upstreamIds = (world: World) =>
    told(world, 'notifications/cancelled').map(({ params }) => params.requestId);

  test('of a client names the call as the server knows it, within its session only', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    const two = await connectStreamable(world.base);
    await using events = await one.stream('silent');
    await until(() => told(world, 'silent').length === 1);
    await two.send(cancelled(1));
    await two.call('echo', { text: 'x' });
    expect(upstreamIds(world)).toEqual([]);
    await one.send(cancelled(1));
    await until(() => upstreamIds(world).length === 1);
    expect(upstreamIds(world)).toEqual([told(world, 'silent')[0]?.id]);
    expect(events.messages).toEqual([]);
  });

  test('reaches the server when a client leaves, over both transports and forms of answer', async () => {
    await using world = await openWorld();
    const { stream, session } = await connectStreamable(world.base);
    const events = await stream('silent');
    await events[Symbol.asyncDispose]();
    await until(() => upstreamIds(world).length === 1);

    const controller = new AbortController();
    const json = fetch(`${world.base}/mcp`, {
      method: 'POST',
      headers: { 'Mcp-Session-Id': session },
      body: JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/call', params: { name: 'silent' } }),
      signal: controller.signal,
    });
    await until(() => told(world, '"silent"').length === 2);
    controller.abort();
    await expect(json).rejects.toThrow();
    await until(() => upstreamIds(world).length === 2);

    const sse = await connectSse(world.base);
    await sse.post({ id: 1, method: 'tools/call', params: { name: 'silent' } });
    await until(() => told(world, '"silent"').length === 3);
    await sse[Symbol.asyncDispose]();
    await until(() => upstreamIds(world).length === 3);
    expect(upstreamIds(world)).toEqual(told(world, '"silent"').map(({ id }) => id));
  });
});

describe('timeout (§6.6, §19.4)', () => {
  test('answers in the form that was asked for and tells the server', async () => {
    await using world = await openWorld({ requestTimeoutMs: 100 });
    const { call, stream } = await connectStreamable(world.base);
    const json = await call('silent');
    expect([json.status, json.text]).toEqual([504, 'Timeout waiting for response from container\n']);
    await using events = await stream('silent');
    expect((await events.next(isAnswer)).error).toEqual({ code: -32000, message: 'Timeout' });
    await using sse = await connectSse(world.base);
    expect((await sse.request(3, 'tools/call', { name: 'silent' })).error?.code).toBe(-32000);
    await until(() => told(world, 'notifications/cancelled').length === 3);
  });

  test('of one call does not delay others', async () => {
    await using world = await openWorld();
    const { call, stream } = await connectStreamable(world.base);
    await using _hung = await stream('silent');
    const startedAt = performance.now();
    expect((await call('echo', { text: 'x' })).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(1000);
  });
});
