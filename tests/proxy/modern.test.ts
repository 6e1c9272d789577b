import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { callTool, META, MODERN, postModern, streamModern, withMeta } from './modern-client.ts';
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

const isAnswer = ({ result, error }: Rpc) => result !== undefined || error !== undefined;
const textOf = ({ result }: Rpc): string => result.content[0].text;
const LISTEN = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true } } };
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

function told(world: World, method: string): Rpc[] {
  return world.server.reports
    .map((line): Rpc => JSON.parse(line))
    .filter((message) => message.method === method);
}

describe('a modern client and a modern server', () => {
  test('spec 04 §18 a request is served without handshake and session', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const { status, headers, message } = await postModern(world.base, callTool('echo', { text: 'x' }), {
      headers: { 'Mcp-Session-Id': 'ignored', 'Last-Event-ID': 'ignored' },
    });
    expect([status, headers.get('mcp-session-id'), headers.get('content-type')]).toEqual([
      200,
      null,
      'application/json',
    ]);
    expect(message).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { resultType: 'complete', content: [{ type: 'text', text: 'x' }] },
    } as never);
    expect(told(world, 'initialize')).toEqual([]);
  });

  test('§19.3 the server is asked once what it speaks, whoever comes', async () => {
    await using world = await openWorld({ fixture: 'modern', args: ['slow=200'] });
    const calls = Array.from({ length: 10 }, (_, id) =>
      postModern(world.base, { id, ...callTool('echo', { text: String(id) }) }),
    );
    const answers = await Promise.all(calls);
    expect(answers.map(({ message }) => textOf(message))).toEqual([...'0123456789']);
    expect(told(world, 'server/discover')).toHaveLength(1);
    expect(told(world, 'server/discover')[0]?.params._meta).toMatchObject({
      'io.modelcontextprotocol/protocolVersion': MODERN,
    });
  });

  test('§18 the official client negotiates it', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const client = new Client({ name: 'a', version: '1' }, { versionNegotiation: { mode: 'auto' } } as never);
    await client.connect(new StreamableHTTPClientTransport(new URL(`${world.base}/mcp`)));
    const result = await client.callTool({ name: 'echo', arguments: { text: 'official' } });
    expect((result as Rpc['result']).content[0].text).toBe('official');
    await client.close();
    expect(told(world, 'initialize')).toEqual([]);
  });

  test.each([
    ['no Mcp-Method', { 'Mcp-Method': '' }],
    ['another Mcp-Method', { 'Mcp-Method': 'tools/list' }],
    ['another Mcp-Name', { 'Mcp-Name': 'other' }],
    ['no version', { 'MCP-Protocol-Version': '' }],
  ])('§18.2 %s is refused with -32020', async (_, headers) => {
    await using world = await openWorld({ fixture: 'modern' });
    const { status, message } = await postModern(world.base, callTool('echo'), { headers });
    expect([status, message.id, message.error?.code]).toEqual([400, 1, -32020]);
    expect(told(world, 'tools/call')).toEqual([]);
  });

  test('§18.1 an encoded name is decoded, and arguments that a listed tool mirrors are compared', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const Encoded = `=?base64?${btoa('echo')}?=`;
    const call = (headers: Record<string, string>) =>
      postModern(world.base, callTool('echo', { text: 'x' }), { headers });
    expect((await call({ 'Mcp-Name': Encoded })).status).toBe(200);
    expect((await postModern(world.base, { method: 'tools/list' })).message.result).toMatchObject({
      ttlMs: 5,
      cacheScope: 'public',
    });
    expect((await call({})).message.error?.code).toBe(-32020);
    expect((await call({ 'Mcp-Param-Text': 'y' })).message.error?.code).toBe(-32020);
    expect((await call({ 'Mcp-Param-Text': 'x' })).status).toBe(200);
  });

  test.each([
    ['application/json', 404],
    ['application/json, text/event-stream', 404],
  ])('§18.2 a method that the server does not know is 404, accepting %s', async (accept, expected) => {
    await using world = await openWorld({ fixture: 'modern' });
    const { status, headers, message } = await postModern(world.base, { method: 'no/such' }, { accept });
    expect([status, headers.get('content-type')]).toEqual([expected, 'application/json']);
    expect(message).toEqual({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'Method not found' } });
  });

  test('§18.2 it is 404 even when the server took some time to say so', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const accept = 'text/event-stream';
    expect((await postModern(world.base, callTool('late', { ms: 300 }), { accept })).status).toBe(404);
  });

  test.each([[-32020], [-32021], [-32022]])('§18.2 the server’s own %p is 400', async (code) => {
    await using world = await openWorld({ fixture: 'modern' });
    for (const accept of ['application/json', 'application/json, text/event-stream']) {
      const { status, headers, message } = await postModern(world.base, callTool('fail', { code }), {
        accept,
      });
      expect([status, headers.get('content-type')]).toEqual([400, 'application/json']);
      expect(message).toEqual({ jsonrpc: '2.0', id: 1, error: { code, message: 'failed' } });
    }
  });

  test('§18.2 every other error is 200, and -32601 is for an old client', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const { status, message } = await postModern(world.base, callTool('nobody'));
    expect([status, message.error?.code]).toEqual([200, -32602]);
    const old = await post(`${world.base}/mcp`, { id: 1, method: 'no/such' });
    expect([old.status, old.message.error?.code]).toEqual([200, -32601]);
  });

  test('§18.4 a round trip through results passes untouched', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const { text } = await postModern(world.base, callTool('ask'));
    expect(text).toContain('"resultType":"input_required"');
    expect(text).toContain('"requestState":"opaque=="');
    const inputResponses = { name: { action: 'accept', content: { name: 'x' } } };
    const retry = { id: 2, ...callTool('ask', {}, { inputResponses, requestState: 'opaque==' }) };
    const { message } = await postModern(world.base, retry);
    expect(JSON.parse(textOf(message))).toEqual([inputResponses, 'opaque==']);
  });

  test('§18.5 progress and logs come on the stream of their request, before the answer, without event ids', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const progressing = { meta: { progressToken: 0 } };
    await using events = await streamModern(world.base, callTool('progress'), progressing);
    await events.next(isAnswer);
    expect(events.messages[0]?.params).toEqual({ progressToken: 0, progress: 1 });
    expect(events.headers.get('x-accel-buffering')).toBe('no');
    for (const meta of [{}, { 'io.modelcontextprotocol/logLevel': 'info' }]) {
      await using logging = await streamModern(world.base, callTool('log'), { meta });
      await logging.next(isAnswer);
      const isOptedIn = Object.keys(meta).length > 0;
      expect(logging.messages.map(({ method }) => method)).toEqual(
        isOptedIn ? ['notifications/message', undefined] : [undefined],
      );
    }
  });

  test('§18.5 closing the stream cancels, under the id that the server knows', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const controller = new AbortController();
    const calling = postModern(world.base, callTool('silent'), { signal: controller.signal });
    await until(() => told(world, 'tools/call').length === 1);
    controller.abort();
    await expect(calling).rejects.toThrow();
    await until(() => told(world, 'notifications/cancelled').length === 1);
    expect(told(world, 'notifications/cancelled')[0]?.params).toEqual({
      requestId: told(world, 'tools/call')[0]?.id,
    });
  });

  test.each(['GET', 'DELETE', 'PUT'])('§18.7 %s is 405', async (method) => {
    await using world = await openWorld({ fixture: 'modern' });
    const response = await fetch(`${world.base}/mcp`, {
      method,
      headers: { 'MCP-Protocol-Version': MODERN, 'Mcp-Session-Id': 'x' },
    });
    expect([response.status, await response.text()]).toEqual([405, 'Method not allowed\n']);
  });

  test('§7.2 §18.8 notifications and responses are accepted and go nowhere wrong', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const headers = { 'MCP-Protocol-Version': MODERN };
    const answer = await post(`${world.base}/mcp`, { id: 1, result: {} }, { headers });
    const cancelled = { method: 'notifications/cancelled', params: { requestId: 1 } };
    const notification = await post(`${world.base}/mcp`, cancelled, { headers });
    expect([answer.status, answer.text, notification.status]).toEqual([202, '', 202]);
    await postModern(world.base, callTool('echo'));
    expect(world.server.reports.some((line) => line.includes('"result"'))).toBe(false);
    expect(told(world, 'notifications/cancelled')).toEqual([]);
  });

  test('§7.1 large ids come back byte for byte in refusals', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const body = `{"jsonrpc":"2.0","id":9007199254740993,"method":"x","params":{"_meta":${JSON.stringify(META)}}}`;
    const { status, text } = await post(`${world.base}/mcp`, body, {
      headers: { 'MCP-Protocol-Version': '2025-11-25' },
    });
    expect(status).toBe(400);
    expect(text).toContain('"id":9007199254740993,');
  });
});

describe('subscriptions/listen (§18.6)', () => {
  test('§18.6 each stream gets its own, under the id of its own client, without a time limit', async () => {
    await using world = await openWorld({ fixture: 'modern', requestTimeoutMs: 1000 });
    await using one = await streamModern(world.base, { id: 4, ...LISTEN });
    await using two = await streamModern(world.base, { id: '4', ...LISTEN }, { accept: 'application/json' });
    await Promise.all([one, two].map((stream) => stream.next(({ method }) => method !== undefined)));
    await Bun.sleep(1500);
    await postModern(world.base, callTool('change'));
    for (const [stream, id] of [
      [one, 4],
      [two, '4'],
    ] as const) {
      await stream.next(({ method }) => method === 'notifications/tools/list_changed');
      expect(stream.headers.get('content-type')).toBe('text/event-stream');
      expect(stream.messages.map(({ method, params }) => [method, params._meta[SUBSCRIPTION]])).toEqual([
        ['notifications/subscriptions/acknowledged', id],
        ['notifications/tools/list_changed', id],
      ]);
    }
    expect(one.ended).toBe(false);
  });

  test('§18.6 a client that leaves cancels it', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const stream = await streamModern(world.base, LISTEN);
    await stream.next(({ method }) => method !== undefined);
    await stream[Symbol.asyncDispose]();
    await until(() => told(world, 'notifications/cancelled').length === 1);
    expect(told(world, 'notifications/cancelled')[0]?.params.requestId).toBe(
      told(world, LISTEN.method)[0]?.id,
    );
  });

  test('§18.6 a server that cancels it ends the stream', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    await using stream = await streamModern(world.base, LISTEN);
    await stream.next(({ method }) => method !== undefined);
    await postModern(world.base, callTool('cancelAll'));
    await until(() => stream.ended);
    expect(stream.messages).toHaveLength(1);
    expect(told(world, 'notifications/cancelled')).toEqual([]);
  });

  test('§18.6 a server that answers it ends the stream', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    await using stream = await streamModern(world.base, { id: 4, ...LISTEN });
    await stream.next(({ method }) => method !== undefined);
    await postModern(world.base, callTool('finishAll'));
    await until(() => stream.ended);
    expect(stream.messages[1]).toEqual({
      jsonrpc: '2.0',
      id: 4,
      result: { resultType: 'complete', _meta: { [SUBSCRIPTION]: 4 } },
    });
  });

  test('does not hold the proxy back when it stops', async () => {
    const world = await openWorld({ fixture: 'modern' });
    await using stream = await streamModern(world.base, LISTEN);
    await stream.next(({ method }) => method !== undefined);
    const startedAt = performance.now();
    await world.listener.stop({ graceMs: 10_000 });
    expect(performance.now() - startedAt).toBeLessThan(3000);
    await until(() => stream.ended);
    await world[Symbol.asyncDispose]();
  });
});

describe('a modern client and an old server', () => {
  const ALL = [MODERN, '2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

  test.each([['toolbox'], ['mute-before-handshake']])(
    '§19.3 the server is asked what it is once (%s), and its handshake made once for all',
    async (fixture) => {
      await using world = await openWorld({ fixture, eraProbeMs: 1000 });
      for (let round = 0; round < 3; round += 1) {
        expect((await postModern(world.base, callTool('echo', { text: 'hello' }))).status).toBe(200);
      }
      await connectStreamable(world.base);
      expect(textOf((await postModern(world.base, callTool('echo', { text: 'hello' }))).message)).toBe(
        'hello',
      );
      expect(told(world, 'initialize')).toHaveLength(1);
    },
  );

  test('§19.3 a server that is only slow is believed when it answers', async () => {
    await using world = await openWorld({ fixture: 'modern', args: ['slow=600'], eraProbeMs: 100 });
    expect((await postModern(world.base, callTool('echo'))).message.error).toBeDefined();
    await Bun.sleep(800);
    expect((await postModern(world.base, callTool('echo', { text: 'x' }))).status).toBe(200);
  });

  test('§19.3 an unknown version is offered what the server speaks, never the modern one alone', async () => {
    await using world = await openWorld();
    await connectStreamable(world.base);
    const meta = { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' };
    const { message } = await post(`${world.base}/mcp`, withMeta(callTool('echo'), meta));
    expect(message.error as unknown).toEqual({
      code: -32022,
      message: `unsupported MCP protocol version "2099-01-01" (supported: [${ALL.join(' ')}])`,
      data: { supported: ALL, requested: '2099-01-01' },
    });
  });

  test('§19.5 without a process it is told to come again', async () => {
    await using world = await openWorld({ fixture: undefined, attachWaitMs: 100 });
    const { status, headers } = await postModern(world.base, callTool('echo'));
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    world.attach('modern', 'first');
    expect((await postModern(world.base, callTool('echo'))).status).toBe(200);
  });

  test('§19.3 the next process is asked anew', async () => {
    await using world = await openWorld();
    await postModern(world.base, callTool('echo'));
    world.attach('modern', 'second');
    const { message } = await postModern(world.base, callTool('ask'));
    // The toolbox has no such answer to that call.
    expect(message.result.inputRequests.name.method).toBe('elicitation/create');
  });
});

describe('an old client and a modern server', () => {
  test('§19.3 is told which version is spoken, over both transports', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    await postModern(world.base, callTool('echo'));
    const error = {
      code: -32022,
      message: 'unsupported MCP protocol version "2025-06-18" (supported: [2026-07-28])',
      data: { supported: [MODERN], requested: '2025-06-18' },
    };
    const { status, headers, message } = await post(`${world.base}/mcp`, { id: 'a', ...INITIALIZE });
    expect([status, headers.get('mcp-session-id')]).toEqual([200, null]);
    expect(message as unknown).toEqual({ jsonrpc: '2.0', id: 'a', error });
    await using source = await openEvents(`${world.base}/sse`);
    await until(() => source.events.length > 0);
    await post(source.events[0]?.data ?? '', { id: 7, ...INITIALIZE });
    expect((await source.next(({ id }) => id === 7)).error).toEqual(error);
  });

  test('§19.3 a server of both eras serves both at once', async () => {
    await using world = await openWorld({ fixture: 'modern', args: ['dual'] });
    expect((await postModern(world.base, callTool('echo', { text: 'new' }))).status).toBe(200);
    const old = await connectStreamable(world.base);
    await using sse = await connectSse(world.base);
    expect(textOf((await old.call('echo', { text: 'old' })).message)).toBe('old');
    const params = { name: 'echo', arguments: { text: 'older' } };
    expect(textOf(await sse.request(1, 'tools/call', params))).toBe('older');
    expect(textOf((await postModern(world.base, callTool('echo', { text: 'new' }))).message)).toBe('new');
  });
});
