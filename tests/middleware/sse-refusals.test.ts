import { describe, expect, test } from 'bun:test';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '../../src/platform/log.ts';
import { createReverseProxy } from '../../src/proxy/index.ts';
import { openEvents, post, until } from '../proxy/raw-client.ts';
import { openHttpWorld, openStdioWorld, serveChained } from './world.ts';

const ONLY_FOO = { filter: ['Foo'] };
const EVENTS = { 'Content-Type': 'text/event-stream' };
const call = (name: unknown, id: unknown = 9) => ({ id, method: 'tools/call', params: { name } });
const NOT_FOUND = { code: -32602, message: 'tool not found' };

/** A server of the old SSE transport that announces `endpoint`, and whose stream the test writes to. */
async function openSseWorld(endpoint: string, settings = ONLY_FOO, postStatus = 202) {
  let stream: ReadableStreamDefaultController<string> | undefined;
  const world = await openHttpWorld(
    (request) =>
      request.method === 'GET'
        ? new Response(
            new ReadableStream<string>({
              start(controller) {
                stream = controller;
                controller.enqueue(`event: endpoint\ndata: ${endpoint}\n\n`);
              },
            }).pipeThrough(new TextEncoderStream()),
            { headers: EVENTS },
          )
        : new Response(
            postStatus === 202 ? 'Accepted' : '{"jsonrpc":"2.0","id":9,"error":{"code":-1,"message":"own"}}',
            {
              status: postStatus,
              headers: { 'Content-Type': postStatus === 202 ? 'text/plain' : 'application/json' },
            },
          ),
    settings,
    'sse',
  );
  const source = await openEvents(`${world.base}/sse`);
  await until(() => source.events.length > 0);
  const url = new URL(source.events[0]?.data ?? '', `${world.base}/sse`).href;
  return {
    source,
    url,
    seen: world.seen,
    base: world.base,
    say: (text: string) => stream?.enqueue(text),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

describe('a refusal to a client of the SSE transport is an event of its stream (spec 04 §12.3)', () => {
  test.each([
    '/messages?sessionId=abc',
    '/messages/?session_id=abc',
    '?sessionid=ABC',
    '/sse?s=7f',
    '/message/7f',
    '/message?token=a%20b&sid=1#fragment',
  ])('whatever its server calls the session: %s', async (endpoint) => {
    await using world = await openSseWorld(endpoint);
    const refused = await post(world.url, call('Bar'));
    expect([refused.status, refused.text]).toEqual([202, 'Accepted']);
    expect(await world.source.next(({ id }) => id === 9)).toEqual({
      jsonrpc: '2.0',
      id: 9,
      error: NOT_FOUND,
    });
    expect((await post(world.url, call('Foo'))).status).toBe(202);
    expect(world.seen).toHaveLength(2);
  });

  test.each(['application/json', 'text/event-stream', '*/*', ''])(
    'whatever its POST accepts: %j',
    async (accept) => {
      await using world = await openSseWorld('/messages?sessionId=abc');
      expect((await post(world.url, call('Bar'), { accept })).status).toBe(202);
      expect((await world.source.next(({ id }) => id === 9)).error).toEqual(NOT_FOUND);
    },
  );

  test.each([[undefined], [7], ['']])('a call whose tool is %p is refused there too', async (name) => {
    await using world = await openSseWorld('/messages?sessionId=abc');
    expect((await post(world.url, call(name))).status).toBe(202);
    expect((await world.source.next(({ id }) => id === 9)).error).toEqual({
      code: -32600,
      message: 'Bad Request',
    });
    expect(world.seen).toHaveLength(1);
  });

  test('a header that names another tool is refused there too', async () => {
    await using world = await openSseWorld('/messages?sessionId=abc');
    const refused = await post(world.url, call('Foo'), { headers: { 'Mcp-Name': 'Other' } });
    expect(refused.status).toBe(202);
    expect((await world.source.next(({ id }) => id === 9)).error?.code).toBe(-32600);
  });

  test('in the middle of an event of the server it waits for its end', async () => {
    await using world = await openSseWorld('/messages?sessionId=abc', { filter: ['Foo', 'x'] });
    const start = `data: {"jsonrpc":"2.0","id":1,"result":"${'x'.repeat(100_000)}`;
    world.say(start);
    await Bun.sleep(50);
    const refused = await post(world.url, call('Bar'));
    expect(refused.status).toBe(202);
    world.say('"}\n\n');
    await world.source.next(({ id }) => id === 9);
    expect(world.source.messages.map(({ id }) => id)).toEqual([1, 9]);
  });

  test('two clients each hear of their own', async () => {
    await using world = await openStdioWorld(['Foo', 'Bar'], ONLY_FOO);
    await using one = await openEvents(`${world.base}/sse`);
    await using two = await openEvents(`${world.base}/sse`);
    await until(() => one.events.length > 0 && two.events.length > 0);
    await post(one.events[0]?.data ?? '', call('Bar', 1));
    await post(two.events[0]?.data ?? '', call('Bar', 2));
    await one.next(({ id }) => id === 1);
    await two.next(({ id }) => id === 2);
    expect([one.messages.length, two.messages.length]).toEqual([1, 1]);
  });

  test.each([
    ['dies while it reads the POST', -32603, 'The MCP server cannot be reached'],
    ['is being started again', -32603, 'The MCP server is not running'],
  ])('what the proxy says for a server that %s, with filters and without', async (what, code, message) => {
    const server = createServer((request, response) => {
      if (request.method === 'POST') request.socket.destroy();
      else response.writeHead(200, EVENTS).write('event: endpoint\ndata: /m?sessionId=a\n\n');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const settings of [ONLY_FOO, undefined]) {
      const target = `http://127.0.0.1:${port}`;
      const proxy = createReverseProxy({ transport: 'sse', log: silentLogger, target, startWaitMs: 50 });
      await using world = await serveChained(proxy, settings, 'sse');
      await using source = await openEvents(`${world.base}/sse`);
      await until(() => source.events.length > 0);
      if (what.startsWith('is being')) proxy.setTarget(undefined);
      expect((await post(`${world.base}/m?sessionId=a`, call('Foo'))).status).toBe(202);
      expect((await source.next(({ id }) => id === 9)).error).toEqual({ code, message });
    }
    server.closeAllConnections();
    server.close();
  });
});

describe('what stays on the POST (§5.3, §12.3)', () => {
  test('the server’s own answers', async () => {
    await using world = await openSseWorld('/messages?sessionId=abc', ONLY_FOO, 404);
    const { status, message } = await post(world.url, call('Foo'));
    expect([status, message.error?.message]).toEqual([404, 'own']);
    expect(world.source.messages).toEqual([]);
  });

  test.each([
    ['a batch', `[${JSON.stringify({ jsonrpc: '2.0', ...call('Foo') })}]`, 400],
    ['no JSON', '{', 400],
    [
      'a call that can be read in two ways',
      '{"jsonrpc":"2.0","id":9,"method":"tools/call","Method":"x","params":{"name":"Foo"}}',
      400,
    ],
  ])('%s, which has no id that is sure', async (_, body, status) => {
    await using world = await openSseWorld('/messages?sessionId=abc');
    expect((await post(world.url, body)).status).toBe(status);
    expect(world.source.messages).toEqual([]);
    expect(world.seen).toHaveLength(1);
  });

  test('a refused notification, as nobody waits for an answer', async () => {
    await using world = await openSseWorld('/messages?sessionId=abc');
    const { status } = await post(world.url, { method: 'tools/call', params: { name: 'Bar' } });
    expect([status, world.source.messages.length, world.seen.length]).toEqual([202, 0, 1]);
  });

  test('refusals of a session that has no stream any more', async () => {
    await using world = await openSseWorld('/messages?sessionId=abc');
    await world.source[Symbol.asyncDispose]();
    await until(() => world.seen.length === 1);
    const deadline = performance.now() + 3000;
    let answer = await post(world.url, call('Bar'));
    while (answer.status === 202 && performance.now() < deadline) {
      await Bun.sleep(10);
      answer = await post(world.url, call('Bar'));
    }
    expect([answer.status, answer.message.error]).toEqual([200, NOT_FOUND]);
  });
});
