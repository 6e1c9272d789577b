import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { probeReadiness } from '../../src/proxy/index.ts';
import { openEvents, post, until } from './raw-client.ts';
import { openFront } from './reverse-front.ts';
import { openWorld } from './world.ts';

function openBackend(fetch: (request: Request) => Response | Promise<Response>) {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 0, fetch });
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

describe('reverse proxy', () => {
  test('an official client talks through it', async () => {
    await using backend = await openWorld();
    await using front = await openFront({ target: backend.base });
    const client = new Client({ name: 'a', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(`${front.base}/mcp`)) as never);
    const { content } = await client.callTool({ name: 'big', arguments: { bytes: 10_000_000 } });
    expect(JSON.stringify(content).length).toBeGreaterThan(10_000_000);
    const long = await client.callTool({ name: 'length', arguments: { text: 'x'.repeat(10_000_000) } });
    expect(JSON.stringify(long.content)).toContain('10000000');
    await client.close();
  });

  test('passes method, path, query, body and headers, but not those of the connection', async () => {
    await using backend = openBackend(async (request) =>
      Response.json(
        {
          method: request.method,
          url: request.url,
          headers: request.headers.toJSON(),
          body: await request.text(),
        },
        { status: 207, headers: { 'X-Answer': 'yes', 'Proxy-Authenticate': 'no' } },
      ),
    );
    await using front = await openFront({ target: backend.url });
    const response = await fetch(`${front.base}/a%2Fb//c?x=1&y=%20`, {
      method: 'PUT',
      body: 'bödy',
      headers: {
        Authorization: 'Bearer x',
        Cookie: 'a=b',
        'User-Agent': 'me',
        'X-Forwarded-For': '6.6.6.6',
        Forwarded: 'for=6.6.6.6',
        'X-Drop': '1',
        Connection: 'keep-alive, X-Drop, X-Forwarded-For, X-Forwarded-Host',
        'Proxy-Authorization': 'secret',
      },
    });
    expect([
      response.status,
      response.headers.get('x-answer'),
      response.headers.get('proxy-authenticate'),
    ]).toEqual([207, 'yes', null]);
    const seen = JSON.parse(await response.text());
    expect([seen.method, seen.url, seen.body]).toEqual(['PUT', `${backend.url}/a%2Fb//c?x=1&y=%20`, 'bödy']);
    expect(seen.headers).toMatchObject({
      host: new URL(backend.url).host,
      authorization: 'Bearer x',
      cookie: 'a=b',
      'user-agent': 'me',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': new URL(front.base).host,
      'x-forwarded-proto': 'http',
    });
    for (const name of ['forwarded', 'x-drop', 'proxy-authorization'])
      expect(seen.headers).not.toHaveProperty(name);
  });

  test('passes a compressed body as it is', async () => {
    const compressed = Bun.gzipSync('{"hello":"world"}');
    await using backend = openBackend(
      () =>
        new Response(compressed, {
          headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' },
        }),
    );
    await using front = await openFront({ target: backend.url });
    const response = await fetch(front.base, { decompress: false, headers: { 'Accept-Encoding': 'gzip' } });
    expect(response.headers.get('content-encoding')).toBe('gzip');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array(compressed));
  });

  test.each([
    ['on the same host is followed with method and body', '/next', 307, 'POST /next body'],
    ['to another host is the client’s business', 'http://other.invalid/', 307, undefined],
    ['of kind 303 is the client’s business', '/next', 303, undefined],
  ])('a redirect %s', async (_, location, status, expected) => {
    await using backend = openBackend(async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === '/start') return new Response(null, { status, headers: { Location: location } });
      return new Response(`${request.method} ${pathname} ${await request.text()}`);
    });
    await using front = await openFront({ target: backend.url });
    const response = await fetch(`${front.base}/start`, { method: 'POST', body: 'body', redirect: 'manual' });
    if (expected === undefined)
      expect([response.status, response.headers.get('location')]).toEqual([status, location]);
    else expect(await response.text()).toBe(expected);
  });

  test('gives up a redirect loop after ten hops', async () => {
    let hops = 0;
    await using backend = openBackend(() => {
      hops += 1;
      return new Response(null, { status: 302, headers: { Location: '/again' } });
    });
    await using front = await openFront({ target: backend.url });
    expect((await fetch(front.base, { redirect: 'manual' })).status).toBe(302);
    expect(hops).toBe(11);
  });

  test('a client that leaves takes its upstream request with it', async () => {
    let aborted = 0;
    await using backend = openBackend((request) => {
      request.signal.addEventListener('abort', () => {
        aborted += 1;
      });
      if (request.url.endsWith('/hang')) return new Promise(() => {});
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('data: 1\n\n')),
      });
      return new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
    });
    await using front = await openFront({ target: backend.url, transport: 'sse' });
    const source = await openEvents(`${front.base}/stream`);
    await until(() => source.events.length === 1);
    await source[Symbol.asyncDispose]();
    await until(() => aborted === 1);
    const controller = new AbortController();
    const hanging = fetch(`${front.base}/hang`, { signal: controller.signal });
    await Bun.sleep(50);
    controller.abort();
    await expect(hanging).rejects.toThrow();
    await until(() => aborted === 2);
  });

  test('stops when calls are done that are answered by events, and in spite of GET streams', async () => {
    const events = (ms: number) =>
      new ReadableStream<Uint8Array>({
        async start(controller) {
          controller.enqueue(Buffer.from(': working\n\n'));
          await Bun.sleep(ms);
          controller.enqueue(Buffer.from('data: {"jsonrpc":"2.0","id":1,"result":{"text":"finished"}}\n\n'));
          controller.close();
        },
      });
    await using backend = openBackend(
      ({ method }) =>
        new Response(events(method === 'POST' ? 1500 : 60_000), {
          headers: { 'Content-Type': 'text/event-stream' },
        }),
    );
    await using front = await openFront({ target: backend.url });
    await using _listening = await openEvents(front.base);
    const running = await openEvents(front.base, { method: 'POST', body: '{}' });
    const startedAt = performance.now();
    await front.listener.stop({ graceMs: 10_000 });
    expect(running.messages.map(({ result }) => result.text)).toEqual(['finished']);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });

  test.concurrent.each([
    [0, 'tools/call'],
    [200, 'tools/call'],
    [0, 'initialize'],
    [200, 'initialize'],
  ])(
    'closes a connection that idles after an answer by events that took %d ms, to %s',
    async (ms, method) => {
      const call = JSON.stringify({ jsonrpc: '2.0', id: 1, method });
      await using backend = openBackend(async () => {
        const body = new ReadableStream<Uint8Array>({
          async start(controller) {
            controller.enqueue(Buffer.from(': working\n\n'));
            await Bun.sleep(ms);
            controller.enqueue(Buffer.from('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n'));
            controller.close();
          },
        });
        const session = method === 'initialize' ? { 'Mcp-Session-Id': 'a' } : {};
        return new Response(body, { headers: { 'Content-Type': 'text/event-stream', ...session } });
      });
      await using front = await openFront({ target: backend.url, idleTimeoutSeconds: 1 });
      const socket = connect(Number(new URL(front.base).port), '127.0.0.1');
      const closed = Promise.withResolvers<void>();
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes.toString();
      });
      socket.on('close', () => closed.resolve());
      socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${call.length}\r\n\r\n${call}`);
      await closed.promise;
      expect(answer).toContain('"result":{}');
    },
    15_000,
  );

  test('spec 04 §2.2 does not wait for a body that trickles in, but for an answer that does', async () => {
    await using backend = openBackend(async () => {
      await Bun.sleep(6000);
      return new Response('late');
    });
    await using front = await openFront({
      target: backend.url,
      idleTimeoutSeconds: 120,
      readTimeoutSeconds: 1,
    });
    const socket = connect(Number(new URL(front.base).port), '127.0.0.1');
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    socket.on('error', () => undefined); // the byte that was on its way
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n');
    const trickle = setInterval(() => socket.write('x'), 200);
    const answered = fetch(front.base, { method: 'POST', body: 'x' });
    await until(
      () => closed,
      () => 'still open',
      9000,
    );
    clearInterval(trickle);
    expect(await (await answered).text()).toBe('late');
  }, 20_000);

  test('refuses batches whatever their type, also in a body that streams', async () => {
    await using backend = openBackend(() => new Response('reached'));
    await using front = await openFront({ target: backend.url });
    for (const body of ['[1]', `\n[${' '.repeat(2_000_000)}]`]) {
      const { status, message } = await post(front.base, body, { headers: { 'Content-Type': 'text/plain' } });
      expect([status, message.error?.code]).toEqual([400, -32600]);
    }
  });

  test('answers for a server that cannot be reached', async () => {
    await using front = await openFront({ target: 'http://127.0.0.1:1', refusedWaitMs: 100 });
    const withId = await post(`${front.base}/mcp`, { id: 'x', method: 'tools/list' });
    expect([withId.status, withId.message.id, withId.message.error?.code]).toEqual([502, 'x', -32603]);
    const without = await fetch(front.base);
    expect([without.status, await without.text()]).toEqual([502, '']);
  });

  test('waits for a server that starts again, at another address', async () => {
    await using backend = openBackend(() => new Response('here'));
    await using front = await openFront({ startWaitMs: 2000 });
    const waiting = fetch(front.base);
    await Bun.sleep(100);
    front.proxy.setTarget(backend.url);
    expect(await (await waiting).text()).toBe('here');
  });

  test('but not for ever', async () => {
    await using front = await openFront({ startWaitMs: 50 });
    const { status, headers, message } = await post(`${front.base}/mcp`, { id: 1, method: 'tools/list' });
    expect([status, headers.get('retry-after'), message.error?.code]).toEqual([503, '1', -32603]);
  });

  test('bridges the moment in which a known address refuses', async () => {
    const { port, ...first } = openBackend(() => new Response('first'));
    await first[Symbol.asyncDispose]();
    await using front = await openFront({ target: first.url });
    const waiting = post(front.base, { id: 1, method: 'tools/list' });
    await Bun.sleep(300);
    const server = Bun.serve({ port: port ?? 0, hostname: '127.0.0.1', fetch: () => new Response('second') });
    expect((await waiting).text).toBe('second');
    await server.stop(true);
  });

  test('an SSE server’s own address is replaced by ours; its other events are not touched', async () => {
    const events = `: hi\r\n\r\nevent: endpoint\r\ndata: TARGET/messages?sessionId=1\r\n\r\nevent: message\r\ndata: {"text":"event: endpoint\\ndata: /x"}\r\n\r\n`;
    await using backend = openBackend(
      (request) =>
        new Response(events.replace('TARGET', new URL(request.url).origin), {
          headers: { 'Content-Type': 'text/event-stream' },
        }),
    );
    await using front = await openFront({ target: backend.url, transport: 'sse' });
    const response = await fetch(`${front.base}/sse`, { headers: { Accept: 'text/event-stream' } });
    expect(await response.text()).toBe(events.replace('TARGET', ''));
  });

  test('health is whether somebody answers', async () => {
    await using backend = openBackend(() => new Response(null, { status: 404 }));
    await using front = await openFront({ target: backend.url });
    expect((await front.proxy.health())?.available).toBe(true);
    front.proxy.setTarget('http://127.0.0.1:1');
    expect((await front.proxy.health())?.available).toBe(false);
  });
});

describe('readiness', () => {
  test('of a streamable server is its answer to initialize; no session is left behind', async () => {
    await using world = await openWorld();
    const { signal } = new AbortController();
    expect(await probeReadiness(`${world.base}/mcp`, 'streamable-http', { signal })).toBe(true);
    expect(world.journal.records.map(({ type }) => type)).toEqual(['handshake', 'session', 'end']);
  });

  test('of an SSE server is its stream, which is closed again', async () => {
    await using world = await openWorld();
    const { signal } = new AbortController();
    expect(await probeReadiness(`${world.base}/sse`, 'sse', { signal })).toBe(true);
  });

  test('is waited for', async () => {
    let asked = 0;
    await using backend = openBackend(() => {
      asked += 1;
      return new Response(null, { status: asked < 3 ? 503 : 200 });
    });
    const { signal } = new AbortController();
    expect(await probeReadiness(backend.url, 'streamable-http', { signal })).toBe(true);
    expect(asked).toBe(3);
  });

  test('is given up in time, or when it is called off', async () => {
    const url = 'http://127.0.0.1:1';
    const { signal } = new AbortController();
    expect(await probeReadiness(url, 'sse', { signal, timeoutMs: 50 })).toBe(false);
    const controller = new AbortController();
    const probing = probeReadiness(url, 'sse', { signal: controller.signal });
    await Bun.sleep(20);
    controller.abort();
    expect(await probing).toBe(false);
  });

  test('brings what lets it in; a policy that refuses it all the same shows that everything is up', async () => {
    const statuses = [401, 403];
    const seen: (string | null)[] = [];
    await using backend = openBackend(({ headers }) => {
      seen.push(headers.get('authorization'));
      return new Response(null, { status: statuses.shift() ?? 500 });
    });
    const { signal } = new AbortController();
    const options = { authorization: 'Bearer own', signal };
    expect(await probeReadiness(backend.url, 'streamable-http', options)).toBe(true);
    expect(seen).toEqual(['Bearer own', 'Bearer own']);
  });
});
