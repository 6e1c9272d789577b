import { describe, expect, test } from 'bun:test';
import { connect, createServer } from 'node:net';
import { hasCode } from '../../src/errors/index.ts';
import { connectSse, post, until } from './raw-client.ts';
import { openWorld } from './world.ts';

/** A port that was free a moment ago. */
async function findPort(): Promise<number> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  server.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}

/** One request written by hand; the whole answer. */
async function speak(base: string, request: string): Promise<string> {
  const { hostname, port } = new URL(base);
  const socket = connect(Number(port), hostname);
  const { promise, resolve } = Promise.withResolvers<string>();
  let answer = '';
  socket.on('data', (bytes) => {
    answer += bytes.toString();
    if (answer.includes('\r\n\r\n')) resolve(answer);
  });
  socket.on('close', () => resolve(answer));
  socket.write(request);
  const text = await promise;
  socket.destroy();
  return text;
}

describe('the port', () => {
  test('that is taken is named in the error', async () => {
    await using world = await openWorld();
    const opening = openWorld({ port: world.listener.port });
    const error = await opening.catch((thrown) => thrown);
    if (!hasCode(error, 'ERR_LISTEN_FAILED')) throw error;
    expect(error.facts.address).toBe(`127.0.0.1:${world.listener.port}`);
    expect(error.message).toContain(error.facts.address);
  });

  test('is free again after stop, which lets running calls finish', async () => {
    const world = await openWorld();
    const { port } = world.listener;
    await using sse = await connectSse(world.base);
    const params = { name: 'delay', arguments: { ms: 300, text: 'finished' } };
    const running = post(`${world.base}/mcp`, { id: 1, method: 'tools/call', params });
    await Bun.sleep(50);
    await world.listener.stop({ graceMs: 5000 });
    expect((await running).message.result.content[0].text).toBe('finished');
    await until(() => sse.source.ended);
    await world[Symbol.asyncDispose]();
    await using next = await openWorld({ port });
    expect(next.listener.port).toBe(port);
  });

  test('stops in spite of a call that never ends', async () => {
    const world = await openWorld();
    const hanging = post(`${world.base}/mcp`, { id: 1, method: 'tools/call', params: { name: 'silent' } });
    await Bun.sleep(100);
    const startedAt = performance.now();
    await world.listener.stop({ graceMs: 100 });
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect((await hanging).status).toBe(504);
    // The process lives on without us and must not work for nobody.
    await until(() => world.server.reports.some((line) => line.includes('notifications/cancelled')));
    await world[Symbol.asyncDispose]();
  });
});

describe('a connection', () => {
  const call = (name: string, ms: number, accept: string) => {
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name, arguments: { ms, text: 'x' } },
    });
    const head = `POST /mcp HTTP/1.1\r\nHost: x\r\nAccept: ${accept}\r\nContent-Length: ${body.length}`;
    return `${head}\r\n\r\n${body}`;
  };

  test.concurrent.each(['application/json', 'text/event-stream'])(
    'outlives a long call answered in %s, and is closed when it idles after that',
    async (accept) => {
      await using world = await openWorld({ idleTimeoutSeconds: 1 });
      const { hostname, port } = new URL(world.base);
      const socket = connect(Number(port), hostname);
      const closed = Promise.withResolvers<void>();
      let answer = '';
      socket.on('data', (bytes) => {
        answer += bytes.toString();
      });
      socket.on('close', () => closed.resolve());
      socket.write(call('delay', 6000, accept));
      await until(
        () => answer.includes('"text":"x"'),
        () => answer,
        9000,
      );
      await closed.promise;
    },
    20_000,
  );
});

describe('paths', () => {
  test.each([
    ['GET', '/nothing', 404, '404 page not found\n'],
    ['GET', '/mcp/', 404, '404 page not found\n'],
    ['PUT', '/mcp', 405, 'Method not allowed\n'],
    ['OPTIONS', '/mcp', 405, 'Method not allowed\n'],
    ['POST', '/sse', 405, 'Method not allowed\n'],
    ['GET', '/messages', 405, 'Method not allowed\n'],
    ['POST', '/messages', 400, 'session_id is required\n'],
    ['POST', '/health', 405, 'Method not allowed\n'],
    ['GET', '/mcp', 400, 'Mcp-Session-Id header required for standalone SSE\n'],
    ['DELETE', '/mcp', 400, 'Mcp-Session-Id header required for DELETE\n'],
    ['GET', '/.well-known/oauth-protected-resource', 404, '{"error":"not_found"}'],
    ['GET', '/.well-known/x/y', 404, '{"error":"not_found"}'],
  ])('%s %s is %d', async (method, path, status, body) => {
    await using world = await openWorld({ fixture: undefined });
    const response = await fetch(`${world.base}${path}`, { method });
    expect([response.status, await response.text()]).toEqual([status, body]);
  });

  test.each([
    ['GET /health HTTP/1.0', '', '"status":"healthy"'],
    ['GET /nothing HTTP/1.0', '', '404 page not found'],
    ['POST /messages?session_id=x HTTP/1.0', '{}', '"code":-32001'],
    [
      'POST /mcp HTTP/1.0',
      '{"jsonrpc":"2.0","id":1,"method":"ping"}',
      '{"jsonrpc":"2.0","id":1,"result":{}}',
    ],
    ['POST /mcp HTTP/1.1\r\nHost:', '{"jsonrpc":"2.0","id":1,"method":"ping"}', '"result":{}'],
  ])('%s needs no Host', async (line, body, expected) => {
    await using world = await openWorld();
    const head = `${line}\r\nContent-Length: ${body.length}\r\n\r\n`;
    expect(await speak(world.base, head + body)).toContain(expected);
  });

  test('/metrics says where metrics are not', async () => {
    await using world = await openWorld({ fixture: undefined });
    const response = await fetch(`${world.base}/metrics`);
    expect(response.status).toBe(404);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toStartWith('/metrics is not served on this port.');
  });

  test.each(['sse', 'streamable-http'] as const)(
    '/health tells whether the %s server is there',
    async (proxyMode) => {
      await using world = await openWorld({ proxyMode });
      await using sse = await connectSse(world.base);
      const health = async () => (await fetch(`${world.base}/health`)).json();
      expect(await health()).toMatchObject({
        status: 'healthy',
        transport: 'streamable-http',
        mcp: { available: true },
      });
      await world.server.kill();
      expect(await health()).toMatchObject({
        status: 'degraded',
        mcp: { available: false, error: 'the MCP server is not running' },
      });
      expect(sse.source.messages.filter(({ id }) => id !== 'handshake')).toEqual([]);
    },
  );
});

describe('bodies', () => {
  const batch = {
    jsonrpc: '2.0',
    error: {
      code: -32600,
      message: 'JSON-RPC batch requests are not supported (batching was removed in MCP revision 2025-06-18)',
    },
  };

  test.each([
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"a"}]'],
    ['a broken batch', ' \v['],
  ])('%s is refused', async (_, body) => {
    await using world = await openWorld({ fixture: undefined });
    const { status, message } = await post(`${world.base}/mcp`, body, {
      headers: { 'Content-Type': 'text/plain' },
    });
    expect([status, message]).toEqual([400, batch as never]);
  });

  test('what is no message is refused on both faces', async () => {
    await using world = await openWorld();
    await using sse = await connectSse(world.base);
    const streamable = await post(`${world.base}/mcp`, '{"a":1}');
    expect([streamable.status, streamable.text]).toEqual([400, 'Invalid JSON-RPC 2.0 message\n']);
    const messages = await post(sse.endpoint, '{"a":');
    expect(messages.status).toBe(400);
    expect(messages.text).toStartWith('Error parsing JSON-RPC message: ');
  });

  test('/messages says Accepted', async () => {
    await using world = await openWorld();
    await using sse = await connectSse(world.base);
    const { status, text } = await post(sse.endpoint, { method: 'notifications/x' });
    expect([status, text]).toEqual([202, 'Accepted']);
  });
});

describe('origin and host', () => {
  const ping = { id: 1, method: 'ping' };

  test.each([
    ['no Origin', {}, 200],
    ['our own page', { Origin: 'http://localhost:PORT' }, 200],
    ['our own page, other spelling', { Origin: 'HTTP://LOCALHOST:PORT' }, 200],
    ['a foreign page', { Origin: 'https://evil.example' }, 403],
    ['another port', { Origin: 'http://localhost:1' }, 403],
    ['null', { Origin: 'null' }, 403],
  ])('%s', async (_, headers, expected) => {
    const port = await findPort();
    await using world = await openWorld({ port });
    const origin = 'Origin' in headers ? { Origin: headers.Origin.replace('PORT', String(port)) } : {};
    const { status, message } = await post(`${world.base}/mcp`, ping, { headers: origin });
    expect(status).toBe(expected);
    if (expected === 403)
      expect(message.error).toMatchObject({ code: -32600, message: 'Origin not allowed' });
  });

  test.each(['/sse', '/messages', '/mcp'])(
    'a page that rebinds its name to us reaches nothing at %s',
    async (path) => {
      const port = await findPort();
      await using world = await openWorld({ port });
      const answer = await speak(world.base, `GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\n\r\n`);
      expect(answer).toStartWith('HTTP/1.1 403');
      expect(answer).toContain('"message":"Host not allowed"');
    },
  );

  test('two Origin headers are refused even when each is allowed', async () => {
    const port = await findPort();
    await using world = await openWorld({ port });
    const origin = `Origin: http://localhost:${port}\r\n`;
    const answer = await speak(world.base, `GET /mcp HTTP/1.1\r\nHost: localhost\r\n${origin}${origin}\r\n`);
    expect(answer).toStartWith('HTTP/1.1 403');
  });

  test('/health stands outside the chain', async () => {
    const port = await findPort();
    await using world = await openWorld({ port });
    const response = await fetch(`${world.base}/health`, { headers: { Origin: 'https://evil.example' } });
    expect(response.status).toBe(200);
  });
});
