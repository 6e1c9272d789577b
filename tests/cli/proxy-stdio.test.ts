import { describe, expect, test } from 'bun:test';
import { pumpClientStdio } from '../../src/client-stdio/index.ts';
import { ThvError } from '../../src/errors/index.ts';
import { silentLogger } from '../../src/platform/log.ts';
import { openStdioWorld } from '../middleware/world.ts';
import { type Rpc, until } from '../proxy/raw-client.ts';
import { openWorld } from '../proxy/world.ts';
import { runInProcess, workload } from './in-process.ts';

type Transport = 'sse' | 'streamable-http';

/** The pump between a URL and a client that the test plays. */
function startPump(url: string, transport: Transport, patienceMs = 2000) {
  const heard: Rpc[] = [];
  const lines: string[] = [];
  let input: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stdin = new ReadableStream<Uint8Array>({
    start: (controller) => {
      input = controller;
    },
  });
  const stop = new AbortController();
  const done = pumpClientStdio({
    url,
    transport,
    input: stdin,
    write(line) {
      lines.push(line);
      heard.push(JSON.parse(line));
      return true;
    },
    log: silentLogger,
    signal: stop.signal,
    patienceMs,
  });
  done.catch(() => undefined);
  return {
    done,
    heard,
    lines,
    say: (message: object | string) =>
      input?.enqueue(
        Buffer.from(
          `${typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })}\n`,
        ),
      ),
    async next(fits: (message: Rpc) => boolean): Promise<Rpc> {
      await until(
        () => heard.some(fits),
        () => `heard so far: ${JSON.stringify(heard)}`,
      );
      return heard.find(fits) ?? {};
    },
    end: () => input?.close(),
    stop: () => stop.abort(),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await done.catch(() => undefined);
    },
  };
}

type Pump = ReturnType<typeof startPump>;

const INITIALIZE = {
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '0' } },
} as const;

async function shakeHands(pump: Pump): Promise<Rpc> {
  pump.say(INITIALIZE);
  const answer = await pump.next(({ id }) => id === 0);
  pump.say({ method: 'notifications/initialized' });
  return answer;
}

const BOTH: readonly (readonly [Transport, string])[] = [
  ['streamable-http', '/mcp'],
  ['sse', '/sse#name'],
];

describe.each(BOTH)('over %s', (transport, path) => {
  test('the example of the specification gets its result', async () => {
    await using world = await openStdioWorld(['Foo'], undefined);
    await using pump = startPump(world.base + path, transport);
    pump.say('{"jsonrpc":"2.0","id":-1,"method":"initialize","params":{}}');
    const { result } = await pump.next(({ id }) => id === -1);
    expect(result.serverInfo).toEqual({ name: 's', version: '1' });
    expect(pump.lines.every((line) => line.endsWith('\n') && !line.slice(0, -1).includes('\n'))).toBe(true);
  });

  test('the end of stdin ends it after the answers that are pending', async () => {
    await using world = await openWorld();
    await using pump = startPump(world.base + path, transport);
    await shakeHands(pump);
    pump.say({ id: 'slow', method: 'tools/call', params: { name: 'sleep', arguments: { ms: 300 } } });
    pump.say({ id: 9_007_199_254_740_991, method: 'nobody/knows' });
    pump.end();
    await pump.done;
    expect(pump.heard.find(({ id }) => id === 'slow')).toBeDefined();
    expect(pump.heard.find(({ id }) => id === 9_007_199_254_740_991)).toBeDefined();
  });

  test('a signal ends it at once', async () => {
    await using world = await openStdioWorld([], undefined);
    const pump = startPump(world.base + path, transport);
    await shakeHands(pump);
    pump.stop();
    expect(await pump.done).toBeUndefined();
  });

  test('a server that is not there is an error', async () => {
    await using pump = startPump(`http://127.0.0.1:1${path}`, transport, 150);
    const reached = pump.done.then(
      () => 'reached',
      (error: Error) => error.message,
    );
    expect(await reached).toStartWith(
      `cannot reach the MCP server at http://127.0.0.1:1${path.replace(/#.*/, '')}: `,
    );
  });

  test('what is no message is not passed on', async () => {
    await using world = await openStdioWorld([], undefined);
    await using pump = startPump(world.base + path, transport);
    await shakeHands(pump);
    for (const line of ['', 'nonsense', '{"half', '[]']) pump.say(line);
    const { error } = await pump.next((message) => message.error !== undefined);
    expect(error?.code).toBe(-32_600);
    expect(pump.heard).toHaveLength(2);
  });

  test('a message in pieces, and the last without its newline', async () => {
    await using world = await openStdioWorld([], undefined);
    const heard: string[] = [];
    async function* input() {
      const bytes = Buffer.from(
        `{"jsonrpc":"2.0","id":"ö","method":"initialize","params":{}}\r\n{"jsonrpc":"2.0","id":2,"method":"tools/list"}`,
      );
      for (const byte of bytes) yield new Uint8Array([byte]);
    }
    await pumpClientStdio({
      url: world.base + path,
      transport,
      input: input(),
      write: (line) => heard.push(line) > 0,
      log: silentLogger,
      signal: new AbortController().signal,
    });
    expect(heard.map((line) => JSON.parse(line).id)).toEqual(['ö', 2]);
  });
});

interface Script {
  readonly post?: (message: Rpc, request: Request) => Response | Promise<Response>;
  readonly get?: (request: Request) => Response;
}

/** A streamable server that does as the test says. */
function scriptServer({ post, get }: Script, port = 0) {
  const seen: { readonly method: string; readonly headers: Headers; readonly message: Rpc | undefined }[] =
    [];
  const server = Bun.serve({
    port,
    hostname: '127.0.0.1',
    idleTimeout: 0,
    async fetch(request) {
      if (request.url.endsWith('/health')) return new Response('ok');
      const text = await request.text();
      const message: Rpc | undefined = text === '' ? undefined : JSON.parse(text);
      seen.push({ method: request.method, headers: request.headers, message });
      if (request.method === 'GET') return get?.(request) ?? new Response(null, { status: 405 });
      if (message === undefined) return new Response(null, { status: 204 });
      const answer = post?.(message, request);
      if (answer !== undefined) return answer;
      if (message.id === undefined || message.method === undefined)
        return new Response(null, { status: 202 });
      return Response.json(
        { jsonrpc: '2.0', id: message.id, result: { protocolVersion: '2025-11-25' } },
        { headers: { 'Mcp-Session-Id': 'one' } },
      );
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}/mcp`,
    port: server.port ?? 0,
    seen,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

const events = (...messages: readonly (object | string)[]) =>
  messages
    .map((message) => (typeof message === 'string' ? message : `data: ${JSON.stringify(message)}\n\n`))
    .join('');
const asEvents = (text: string) => new Response(text, { headers: { 'Content-Type': 'text/event-stream' } });

describe('streamable HTTP', () => {
  test('session and version go with every message after the handshake, and the session is ended', async () => {
    await using server = scriptServer({});
    await using pump = startPump(server.url, 'streamable-http');
    await shakeHands(pump);
    pump.say({ id: 1, method: 'ping' });
    await pump.next(({ id }) => id === 1);
    pump.end();
    await pump.done;
    const told = server.seen.map(({ method, headers, message }) => [
      message?.method ?? method,
      headers.get('mcp-session-id'),
      headers.get('mcp-protocol-version'),
    ]);
    expect(told.filter(([what]) => what !== 'GET')).toEqual([
      ['initialize', null, null],
      ['notifications/initialized', 'one', '2025-11-25'],
      ['ping', 'one', '2025-11-25'],
      ['DELETE', 'one', '2025-11-25'],
    ]);
  });

  test('a question of the server and its answer pass', async () => {
    await using world = await openWorld();
    await using pump = startPump(`${world.base}/mcp`, 'streamable-http');
    pump.say({ ...INITIALIZE, params: { ...INITIALIZE.params, capabilities: { roots: {} } } });
    await pump.next(({ id }) => id === 0);
    pump.say({ method: 'notifications/initialized' });
    pump.say({
      id: 1,
      method: 'tools/call',
      params: { name: 'ask', arguments: { method: 'roots/list' }, _meta: { progressToken: 'p' } },
    });
    const question = await pump.next(({ method, id }) => method === 'roots/list' || id === 1);
    if (question.method !== undefined) pump.say({ id: question.id, result: { roots: [] } });
    expect((await pump.next(({ id }) => id === 1)).id).toBe(1);
  });

  test('what comes on the stream of its own passes, also after it broke', async () => {
    let opened = 0;
    await using server = scriptServer({
      get: (request) => {
        opened += 1;
        if (opened === 1) return asEvents(`retry: 10\nid: 7\n${events({ jsonrpc: '2.0', method: 'n/1' })}`);
        if (opened > 2) return new Response(null, { status: 405 });
        return asEvents(
          events({ jsonrpc: '2.0', method: `n/after-${request.headers.get('last-event-id')}` }),
        );
      },
    });
    await using pump = startPump(server.url, 'streamable-http');
    await shakeHands(pump);
    await pump.next(({ method }) => method === 'n/1');
    await pump.next(({ method }) => method === 'n/after-7');
  });

  test('an answer whose stream ended early is fetched', async () => {
    await using server = scriptServer({
      post: ({ method }) =>
        method === 'tools/call' ? asEvents('id: 1\nretry: 5\ndata:\n\n') : (undefined as never),
      get: (request) =>
        request.headers.get('last-event-id') === '1'
          ? asEvents(events({ jsonrpc: '2.0', id: 1, result: { late: true } }))
          : new Response(null, { status: 405 }),
    });
    await using pump = startPump(server.url, 'streamable-http');
    await shakeHands(pump);
    pump.say({ id: 1, method: 'tools/call', params: { name: 'x' } });
    expect((await pump.next(({ id }) => id === 1)).result).toEqual({ late: true });
  });

  test.each([
    ['a plain text', () => new Response('Timeout waiting\n', { status: 504 }), -32_603, 'Timeout waiting'],
    [
      'an error without an id',
      () =>
        Response.json(
          { jsonrpc: '2.0', error: { code: -32_600, message: 'Origin not allowed' } },
          { status: 403 },
        ),
      -32_600,
      'Origin not allowed',
    ],
    ['nothing', () => new Response(null, { status: 502 }), -32_603, 'the MCP server answered 502'],
    [
      'a stream without the answer',
      () => asEvents(events({ jsonrpc: '2.0', method: 'n' })),
      -32_603,
      'the MCP server ended its response without an answer (200)',
    ],
  ])('a request answered with %s gets an error', async (_, respond, code, message) => {
    await using server = scriptServer({
      post: ({ method }) => (method === 'x' ? respond() : (undefined as never)),
    });
    await using pump = startPump(server.url, 'streamable-http');
    await shakeHands(pump);
    pump.say({ id: 'a', method: 'x' });
    const answer = await pump.next(({ id }) => id === 'a');
    expect(answer.error).toEqual({ code, message });
  });

  test('a session that expired is begun again out of sight', async () => {
    let handshakes = 0;
    await using server = scriptServer({
      post({ id, method }, request) {
        if (method === 'initialize') {
          handshakes += 1;
          return Response.json(
            { jsonrpc: '2.0', id, result: { protocolVersion: '2025-06-18' } },
            { headers: { 'Mcp-Session-Id': `s${handshakes}` } },
          );
        }
        if (method !== 'x' || request.headers.get('mcp-session-id') === 's2') return undefined as never;
        return Response.json(
          { jsonrpc: '2.0', id, error: { code: -32_001, message: 'Session not found' } },
          { status: 404 },
        );
      },
    });
    await using pump = startPump(server.url, 'streamable-http');
    await shakeHands(pump);
    for (const id of [1, 2, 3]) pump.say({ id, method: 'x' });
    for (const wanted of [1, 2, 3]) expect((await pump.next(({ id }) => id === wanted)).result).toBeDefined();
    expect([handshakes, pump.heard.length]).toEqual([2, 4]);
  });

  test('revision 2026-07-28: headers say what the message says, and leaving is cancelling', async () => {
    const left = Promise.withResolvers<void>();
    await using server = scriptServer({
      post: ({ method }, request) => {
        if (method !== 'tools/call') return undefined as never;
        request.signal.addEventListener('abort', () => left.resolve());
        const body = new ReadableStream({ start: (controller) => controller.enqueue(': open\n\n') });
        return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
      },
    });
    await using pump = startPump(server.url, 'streamable-http');
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    pump.say({ id: 1, method: 'server/discover', params: { _meta } });
    await pump.next(({ id }) => id === 1);
    pump.say({ id: 2, method: 'tools/call', params: { name: 'ü', _meta } });
    await until(() => server.seen.length === 2);
    const names = ['mcp-protocol-version', 'mcp-method', 'mcp-name', 'mcp-session-id'];
    expect(server.seen.map(({ headers }) => names.map((name) => headers.get(name)))).toEqual([
      ['2026-07-28', 'server/discover', null, null],
      ['2026-07-28', 'tools/call', '=?base64?w7w=?=', null],
    ]);
    pump.say({ method: 'notifications/cancelled', params: { requestId: 2 } });
    await left.promise;
    pump.end();
    await pump.done;
    expect([server.seen.length, pump.heard.length]).toEqual([2, 1]);
  });

  test('revision 2026-07-28: arguments that a list of tools asks for go into headers', async () => {
    const properties = {
      region: { type: 'string', 'x-mcp-header': 'Region' },
      n: { type: 'number', 'x-mcp-header': 'N' },
      other: { type: 'string' },
    };
    await using server = scriptServer({
      post: ({ id, method }) =>
        method === 'tools/list'
          ? Response.json({
              jsonrpc: '2.0',
              id,
              result: { tools: [{ name: 't', inputSchema: { properties } }] },
            })
          : (undefined as never),
    });
    await using pump = startPump(server.url, 'streamable-http');
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
    pump.say({ id: 1, method: 'tools/list', params: { _meta } });
    await pump.next(({ id }) => id === 1);
    const args = { region: 'köln', n: 7, other: 'x' };
    pump.say({ id: 2, method: 'tools/call', params: { name: 't', arguments: args, _meta } });
    await pump.next(({ id }) => id === 2);
    const sent = server.seen.at(-1)?.headers;
    expect([sent?.get('mcp-param-region'), sent?.get('mcp-param-n')]).toEqual(['=?base64?a8O2bG4=?=', '7']);
  });

  test('a server that is started again is found again, its session still valid', async () => {
    const first = scriptServer({});
    await using pump = startPump(first.url, 'streamable-http', 5000);
    await shakeHands(pump);
    await first[Symbol.asyncDispose]();
    pump.say({ id: 1, method: 'x' });
    await Bun.sleep(200);
    await using second = scriptServer({}, first.port);
    expect((await pump.next(({ id }) => id === 1)).result).toBeDefined();
    const call = second.seen.find(({ message }) => message?.method === 'x');
    expect(call?.headers.get('mcp-session-id')).toBe('one');
  });

  test('a server that does not come back is an error, and requests are told', async () => {
    const server = scriptServer({});
    await using pump = startPump(server.url, 'streamable-http', 300);
    await shakeHands(pump);
    await until(() => server.seen.some(({ method }) => method === 'GET'));
    await server[Symbol.asyncDispose]();
    pump.say({ id: 1, method: 'x' });
    await expect(pump.done).rejects.toThrow('cannot reach the MCP server at');
    expect(pump.heard.find(({ id }) => id === 1)?.error?.code).toBe(-32_603);
  });
});

test('SSE: a new stream, waited for if need be, gets the handshake of the old one', async () => {
  let refusals = 0;
  const streams: ReadableStreamDefaultController<Uint8Array | string>[] = [];
  const told: [string | null, string | undefined][] = [];
  await using server = {
    it: Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      idleTimeout: 0,
      async fetch(request) {
        const url = new URL(request.url);
        if (url.pathname === '/sse') {
          if (streams.length === 1 && refusals < 2) {
            refusals += 1;
            return new Response(null, { status: 503 });
          }
          return new Response(
            new ReadableStream({
              start(controller) {
                streams.push(controller);
                controller.enqueue(`event: endpoint\ndata: /messages?session_id=${streams.length}\n\n`);
              },
            }),
            { headers: { 'Content-Type': 'text/event-stream' } },
          );
        }
        const { id, method } = (await request.json()) as Rpc;
        told.push([url.searchParams.get('session_id'), method]);
        if (id !== undefined && method !== 'hang')
          streams.at(-1)?.enqueue(events({ jsonrpc: '2.0', id, result: {} }));
        return new Response('Accepted', { status: 202 });
      },
    }),
    [Symbol.asyncDispose]() {
      return this.it.stop(true);
    },
  };
  await using pump = startPump(`http://127.0.0.1:${server.it.port}/sse`, 'sse');
  await shakeHands(pump);
  pump.say({ id: 1, method: 'hang' });
  await until(() => told.length === 3);
  streams[0]?.close();
  expect((await pump.next(({ id }) => id === 1)).error?.code).toBe(-32_603);
  pump.say({ id: 2, method: 'x' });
  expect((await pump.next(({ id }) => id === 2)).result).toEqual({});
  expect(told.slice(3)).toEqual([
    ['2', 'initialize'],
    ['2', 'notifications/initialized'],
    ['2', 'x'],
  ]);
  expect(pump.heard).toHaveLength(3);
});

test.each([404, 503])('SSE: a server that answers %d and nothing else is an error', async (status) => {
  await using server = Bun.serve({ port: 0, fetch: () => new Response(null, { status }) });
  await using pump = startPump(`${server.url}sse`, 'sse', 300);
  expect(await pump.done.catch((thrown: ThvError) => thrown.message)).toBe(
    `cannot reach the MCP server at ${server.url}sse: it answered ${status}`,
  );
});

test.each(['a comment and nothing more', 'a stream that ends at once'])(
  'SSE: a server that says %s is an error',
  async (kind) => {
    const body = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.from(': hello\n\n'));
          if (kind.includes('ends')) controller.close();
        },
      });
    const headers = { 'Content-Type': 'text/event-stream' };
    await using server = Bun.serve({ port: 0, fetch: () => new Response(body(), { headers }) });
    await using pump = startPump(`${server.url}sse`, 'sse', 300);
    pump.say(INITIALIZE);
    expect(await pump.done.catch((thrown: ThvError) => thrown.message)).toBe(
      `cannot reach the MCP server at ${server.url}sse: its stream does not say where to send messages to`,
    );
    expect(pump.heard).toMatchObject([{ id: 0, error: { code: -32603 } }]);
  },
);

describe('thv proxy stdio', () => {
  test.each([
    [
      'is not known',
      async () => {
        throw new ThvError('ERR_WORKLOAD_NOT_FOUND', { workload: 'a' });
      },
      'Error: failed to get workload "a": workload not found: a. Hint: use \'thv list --all\' to see available workloads\n',
    ],
    [
      'is stopped',
      async () => workload('a', { status: 'stopped' }),
      'Error: workload "a" does not have connection details (is it running?)\n',
    ],
    [
      'has no URL',
      async () => workload('a', { url: '' }),
      'Error: workload "a" does not have connection details (is it running?)\n',
    ],
  ])('of a workload that %s', async (_, get, stderr) => {
    const result = await runInProcess(['proxy', 'stdio', 'a'], { workloads: { get } });
    expect(result).toEqual({ exit: 1, stdout: '', stderr });
  });
});
