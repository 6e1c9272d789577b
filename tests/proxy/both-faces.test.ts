import { describe, expect, test } from 'bun:test';
import {
  Client as NextClient,
  SSEClientTransport as NextSseTransport,
  StreamableHTTPClientTransport as NextStreamableTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { connectSse, connectStreamable, post } from './raw-client.ts';
import { openWorld } from './world.ts';

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text;

describe('one server behind both transports (spec 04 §6.3, §6.5, §19.1, §19.6, §19.17)', () => {
  test('official clients of both kinds work side by side', async () => {
    await using world = await openWorld();
    const streamable = new Client({ name: 'a', version: '1' });
    const sse = new Client({ name: 'b', version: '1' });
    // The SDK's own types disagree under exactOptionalPropertyTypes.
    await streamable.connect(new StreamableHTTPClientTransport(new URL(`${world.base}/mcp`)) as never);
    await sse.connect(new SSEClientTransport(new URL(`${world.base}/sse`)) as never);
    for (const client of [streamable, sse]) {
      const { tools } = await client.listTools();
      expect(tools.map(({ name }) => name)).toContain('echo');
      const result = await client.callTool({ name: 'echo', arguments: { text: 'héllo 👩‍👩‍👧' } });
      expect(textOf(result)).toBe('héllo 👩‍👩‍👧');
    }
    await streamable.close();
    await sse.close();
    const handshakes = world.server.reports.filter((line) => line.includes('"initialize"'));
    expect(handshakes).toHaveLength(1);
    expect(world.server.reports.filter((line) => line.includes('notifications/initialized'))).toHaveLength(1);
  });

  test.each(['legacy', 'auto'])(
    'the next generation of official clients works, %s negotiation',
    async (mode) => {
      await using world = await openWorld();
      for (const path of ['mcp', 'sse']) {
        const client = new NextClient({ name: 'a', version: '1' }, { versionNegotiation: { mode } } as never);
        const url = new URL(`${world.base}/${path}`);
        const transport = path === 'mcp' ? new NextStreamableTransport(url) : new NextSseTransport(url);
        await client.connect(transport);
        expect(textOf(await client.callTool({ name: 'echo', arguments: { text: path } }))).toBe(path);
        await client.close();
      }
    },
  );

  test('two SSE clients with equal ids each get their own answer only', async () => {
    await using world = await openWorld();
    await using first = await connectSse(world.base);
    await using second = await connectSse(world.base);
    const call = (text: string, ms: number) => ({ name: 'delay', arguments: { text, ms } });
    const [one, two] = await Promise.all([
      first.request(1, 'tools/call', call('first', 50)),
      second.request(1, 'tools/call', call('second', 10)),
    ]);
    expect([textOf(one.result), textOf(two.result)]).toEqual(['first', 'second']);
    expect(first.source.messages.filter(({ id }) => id === 1)).toHaveLength(1);
    expect(second.source.messages.filter(({ id }) => id === 1)).toHaveLength(1);
  });

  test('50 clients with many calls at once are never mixed up', async () => {
    await using world = await openWorld();
    const clients = await Promise.all(Array.from({ length: 50 }, () => connectStreamable(world.base)));
    await Promise.all(
      clients.map(async ({ call }, client) => {
        const calls = Array.from({ length: 20 }, async (_, index) => {
          const text = `${client}/${index}`;
          const { message } = await call('echo', { text }, { id: index });
          expect([message.id, textOf(message.result)]).toEqual([index, text]);
        });
        await Promise.all(calls);
      }),
    );
  });

  test('two calls in flight with one id in one session each get an answer', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const answers = await Promise.all([
      call('delay', { ms: 30, text: 'a' }, { id: 'same' }),
      call('delay', { ms: 10, text: 'b' }, { id: 'same' }),
    ]);
    expect(answers.map(({ message }) => textOf(message.result))).toEqual(['a', 'b']);
  });

  test.each([
    ['above 2^53', '9007199254740993'],
    ['fractional', '1.50'],
    ['text with an escape', '"a\\u0062"'],
    ['zero', '0'],
    ['empty text', '""'],
  ])('an id that is %s comes back as it was sent', async (_, id) => {
    await using world = await openWorld();
    const params = '{"name":"echo","arguments":{"text":"x"}}';
    const body = `{\n"jsonrpc":"2.0",\r\n"id":${id},"method":"tools/call","params":${params}}`;
    const { status, text } = await post(`${world.base}/mcp`, body);
    expect(status).toBe(200);
    expect(text).toContain(`"id":${id}`);
  });

  test('a fast answer to a client that accepts events is one event', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const { headers, text } = await call(
      'echo',
      { text: 'x' },
      { accept: 'application/json, text/event-stream' },
    );
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(text).toMatch(/^event: message\ndata: \{.*\}\n\n$/);
  });

  test('noise of the server is no message', async () => {
    await using world = await openWorld({ fixture: 'noisy' });
    const { call } = await connectStreamable(world.base);
    const { message } = await call('any', { text: 'hello' });
    expect(textOf(message.result)).toBe('hello');
  });

  test.each([
    ['10 MB result', 'big', { bytes: 10_000_000 }, 10_000_000],
    ['10 MB argument', 'length', { text: 'x'.repeat(10_000_000) }, 8],
  ])('%s passes over both transports', async (_, tool, input, length) => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    await using sse = await connectSse(world.base);
    const json = await call(tool, input);
    const events = await call(tool, input, { accept: 'text/event-stream' });
    const streamed = await sse.request('big', 'tools/call', { name: tool, arguments: input });
    for (const { result } of [json.message, events.message, streamed])
      expect(textOf(result)?.length).toBe(length);
  });
});
