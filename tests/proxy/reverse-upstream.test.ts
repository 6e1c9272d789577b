import { describe, expect, test } from 'bun:test';
import type { Socket } from 'bun';
import { type EventSource, openEvents, post, until } from './raw-client.ts';
import { openFront, openSessionServer, result } from './reverse-front.ts';

interface Wire {
  requests: number;
  text: string;
}

/** A server that says what it is told, byte for byte, to each request (recognised by its blank line). */
function openWire(answer: (socket: Socket<Wire>, request: number, text: string) => void) {
  const state = { connections: 0, open: 0, requests: 0 };
  const server = Bun.listen<Wire>({
    hostname: '127.0.0.1',
    port: 0,
    data: { requests: 0, text: '' },
    socket: {
      open(socket) {
        socket.data = { requests: 0, text: '' };
        state.connections += 1;
        state.open += 1;
      },
      close() {
        state.open -= 1;
      },
      data(socket, bytes) {
        socket.data.text += bytes.toString('latin1');
        if (!socket.data.text.includes('\r\n\r\n')) return;
        const { text } = socket.data;
        socket.data.text = '';
        socket.data.requests += 1;
        state.requests += 1;
        answer(socket, socket.data.requests, text);
      },
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    state,
    [Symbol.asyncDispose]: async () => server.stop(true),
  };
}

async function ask(base: string, method: string) {
  const response = await fetch(base, { method, redirect: 'manual', decompress: false });
  const { status, statusText } = response;
  // How a body is framed towards the client is the listener's choice, and goes by how the body happened to arrive.
  const framing = method === 'HEAD' ? [] : ['content-length', 'transfer-encoding', 'content-type'];
  const left = ['date', 'connection', ...framing];
  const headers = [...response.headers].filter(([name]) => !left.includes(name));
  return { status, statusText, headers, body: await response.text() };
}

describe('our HTTP client behaves as fetch does', () => {
  test.each<[string, string, { method?: string; closes?: boolean }?]>([
    ['length', 'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nhi'],
    ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n'],
    ['until close', 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhi', { closes: true }],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\n\r\nhi', { closes: true }],
    ['no body', 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', { method: 'POST' }],
    ['204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['304', 'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'],
    ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n', { method: 'HEAD' }],
    ['provisional', 'HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi'],
    ['cookies', 'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n'],
    ['status of our own', 'HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nhi'],
    ['redirect elsewhere', 'HTTP/1.1 302 Found\r\nLocation: http://a.invalid/\r\nContent-Length: 0\r\n\r\n'],
    [
      'hop-by-hop',
      'HTTP/1.1 200 OK\r\nConnection: X-B\r\nX-B: 1\r\nKeep-Alive: 1\r\nContent-Length: 0\r\n\r\n',
    ],
    ['error body', 'HTTP/1.1 500 Oops\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nno'],
    ['long', `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`],
    ['compressed', `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc`],
  ])('%s', async (_, text, { method = 'GET', closes = false } = {}) => {
    await using wire = openWire((socket) => {
      socket.write(Buffer.from(text, 'latin1'));
      if (closes) socket.end();
    });
    await using ours = await openFront({ target: wire.url });
    await using theirs = await openFront({ target: wire.url, fetch });
    const seen = await ask(ours.base, method);
    expect(seen).toEqual(await ask(theirs.base, method));
    expect(await ask(ours.base, method)).toEqual(seen);
  });

  test.each<[string, string]>([
    ['is no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['ends at once', ''],
    ['breaks off in its headers', 'HTTP/1.1 200 OK\r\nX: '],
    ['breaks off in a short body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc'],
    ['switches protocols', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['has an impossible status', 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n'],
  ])('spec 04 §8.1: an answer that %s is 502, with the request’s id if it has one', async (_, text) => {
    await using wire = openWire((socket) => {
      socket.write(text);
      socket.end();
    });
    await using front = await openFront({ target: wire.url });
    const { status, message } = await post(front.base, { id: 'x', method: 'tools/list' });
    expect([status, message.id, message.error?.code]).toEqual([502, 'x', -32603]);
    expect((await fetch(front.base)).status).toBe(502);
  });
});

describe('a server that dies in the midst of its events', () => {
  const PROGRESS = 'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n';
  const ANSWER = 'data: {"jsonrpc":"2.0","id":"x","result":{}}\n\n';
  const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
  const openDying = (pieces: readonly string[]) =>
    openWire(async (socket) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
      for (const piece of pieces) {
        socket.write(chunk(piece));
        await Bun.sleep(10);
      }
      socket.end();
    });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 'x', method: 'tools/call' });
  const isBroken = ({ comments }: EventSource) => comments.some((comment) => comment.startsWith('error: '));

  test.each<[string, readonly string[], number]>([
    ['after one', [PROGRESS], 1],
    ['in the midst of one', [PROGRESS, 'event: message\ndata: {"jsonrpc"'], 1],
    ['in the midst of its answer', [ANSWER.slice(0, -3)], 0],
    ['before any', [': hello\n\n'], 0],
  ])('%s is told of by an error with the id of the call', async (_, pieces, heard) => {
    await using wire = openDying(pieces);
    await using front = await openFront({ target: wire.url });
    await using events = await openEvents(front.base, { method: 'POST', body });
    await until(() => events.ended);
    expect(events.messages.slice(heard)).toEqual([
      {
        jsonrpc: '2.0',
        id: 'x',
        error: { code: -32603, message: 'The MCP server ended before it answered' },
      },
    ]);
    expect(isBroken(events)).toBe(false);
  });

  test.each<[string, readonly string[], RequestInit]>([
    ['whose events have ids', [`id: 1\n${PROGRESS}`], { method: 'POST', body }],
    ['whose events have ids, in two pieces', [`${PROGRESS}i`, 'd: 1\n'], { method: 'POST', body }],
    ['that has answered', [PROGRESS, ANSWER], { method: 'POST', body }],
    ['that was not called', [PROGRESS], {}],
  ])('%s is nothing to add to', async (_, pieces, init) => {
    await using wire = openDying(pieces);
    await using front = await openFront({ target: wire.url });
    await using events = await openEvents(front.base, init);
    await until(() => events.ended);
    expect(events.messages.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(isBroken(events)).toBe(true);
  });
});

describe('connections to the server', () => {
  const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';

  test('are used again, one request at a time', async () => {
    await using wire = openWire((socket) => {
      setTimeout(() => socket.write(OK), 5);
    });
    await using front = await openFront({ target: wire.url });
    for (let round = 0; round < 20; round += 1) expect((await ask(front.base, 'GET')).body).toBe('hi');
    expect(wire.state.connections).toBe(1);
    await Promise.all(Array.from({ length: 20 }, () => ask(front.base, 'GET')));
    expect([wire.state.connections <= 20, wire.state.requests]).toEqual([true, 40]);
  });

  /** Answers the first request of a connection and closes it at the next. */
  const openAbrupt = () =>
    openWire((socket, request) => {
      if (request === 1) socket.write(OK);
      else socket.end();
    });

  test('that the server closed meanwhile cost nobody an error where asking again is harmless', async () => {
    await using wire = openAbrupt();
    await using front = await openFront({ target: wire.url });
    for (let round = 0; round < 5; round += 1) expect((await ask(front.base, 'GET')).status).toBe(200);
  });

  test('never carry a call twice', async () => {
    await using wire = openAbrupt();
    await using front = await openFront({ target: wire.url });
    const statuses: number[] = [];
    for (let round = 0; round < 4; round += 1)
      statuses.push((await post(front.base, { id: 1, method: 'tools/call' })).status);
    expect(statuses).toEqual([200, 502, 200, 502]);
    expect(wire.state.requests).toBe(4);
  });

  test('carry no call after a pause in which the server may have given them up', async () => {
    await using wire = openAbrupt();
    await using front = await openFront({ target: wire.url });
    for (let round = 0; round < 2; round += 1) {
      expect((await post(front.base, { id: 1, method: 'tools/call' })).status).toBe(200);
      await Bun.sleep(1100);
    }
    expect(wire.state.connections).toBe(2);
    await until(() => wire.state.open === 1);
  });

  test('on which an answer had begun are not tried again', async () => {
    await using wire = openWire((socket, request) => {
      if (request === 1) socket.write(OK);
      else socket.end('HTTP/1.1 200 OK\r\n');
    });
    await using front = await openFront({ target: wire.url });
    await post(front.base, { id: 1, method: 'tools/list' });
    expect((await post(front.base, { id: 2, method: 'tools/list' })).status).toBe(502);
    expect(wire.state.requests).toBe(2);
  });

  test('end with the client, and with the proxy', async () => {
    await using wire = openWire((socket, _, text) => {
      if (text.includes('/stream'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
      else if (!text.includes('/hang')) socket.write(OK);
    });
    const front = await openFront({ target: wire.url });
    for (const path of ['/hang', '/stream']) {
      const controller = new AbortController();
      const asked = fetch(front.base + path, { signal: controller.signal });
      if (path === '/stream') await (await asked).body?.getReader().read();
      else await until(() => wire.state.open === 1);
      controller.abort();
      await asked.catch(() => undefined);
      await until(() => wire.state.open === 0);
    }
    await ask(front.base, 'GET');
    expect(wire.state.open).toBe(1);
    await front[Symbol.asyncDispose]();
    await until(() => wire.state.open === 0);
  });

  test('hold the server back when the client does not read, and lose nothing', async () => {
    const size = 64 * 1024 * 1024;
    let sent = 0;
    await using wire = openWire((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const piece = Buffer.alloc(65_536, 'x');
      const timer = setInterval(() => {
        while (sent < size) {
          const written = socket.write(piece.subarray(0, Math.min(piece.length, size - sent)));
          if (written <= 0) return;
          sent += written;
        }
        clearInterval(timer);
      }, 2);
    });
    await using front = await openFront({ target: wire.url });
    const response = await fetch(front.base);
    const reader = response.body?.getReader();
    const first = await reader?.read();
    // Buffers on the way fill up; then nothing moves any more.
    let before = -1;
    for (const deadline = performance.now() + 5000; before !== sent && performance.now() < deadline; ) {
      before = sent;
      await Bun.sleep(300);
    }
    expect(sent).toBe(before);
    expect(sent).toBeLessThan(size);
    let received = first?.value?.byteLength ?? 0;
    for (let piece = await reader?.read(); piece?.done === false; piece = await reader?.read())
      received += piece.value.byteLength;
    expect(received).toBe(size);
  });

  test('carry long bodies both ways, with and without a length', async () => {
    await using backend = Bun.serve({
      port: 0,
      maxRequestBodySize: 1e9,
      fetch: (request) =>
        new Response(request.body, {
          headers: { 'X-Length': request.headers.get('content-length') ?? 'none' },
        }),
    });
    await using front = await openFront({ target: backend.url.href });
    const bytes = Buffer.alloc(20_000_000, 'long body ');
    const chunked = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += 1_000_003)
            controller.enqueue(bytes.subarray(at, at + 1_000_003));
          controller.close();
        },
      });
    for (const [body, length] of [
      [bytes, '20000000'],
      [chunked(), 'none'],
      [bytes.subarray(0, 100_000), '100000'],
    ] as const) {
      const response = await fetch(front.base, { method: 'PUT', body });
      expect(response.headers.get('x-length')).toBe(length);
      const size = body instanceof Uint8Array ? body.length : bytes.length;
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(0, size))).toBe(true);
    }
  });

  test('are as many as there are streams, beyond what fetch would hold', async () => {
    await using backend = openSessionServer(({ method, rpc }) =>
      method === 'GET'
        ? new Response(
            new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from(': x\n\n')) }),
            {
              headers: { 'Content-Type': 'text/event-stream' },
            },
          )
        : result({ rpc } as never, {}),
    );
    await using front = await openFront({ target: backend.url });
    const sockets: Socket[] = [];
    let answered = 0;
    for (let count = 0; count < 400; count += 1) {
      sockets.push(
        await Bun.connect({
          hostname: '127.0.0.1',
          port: Number(new URL(front.base).port),
          socket: {
            open: (socket) => void socket.write('GET /mcp HTTP/1.1\r\nHost: a\r\n\r\n'),
            data(_, bytes) {
              if (bytes.includes('200 OK')) answered += 1;
            },
          },
        }),
      );
    }
    await until(() => answered === 400);
    expect((await post(`${front.base}/mcp`, { id: 1, method: 'ping' })).status).toBe(200);
    for (const socket of sockets) socket.terminate();
  });

  test('a path that begins with two slashes stays on the server', async () => {
    await using backend = openSessionServer((asked) => new Response(asked.path));
    await using front = await openFront({ target: backend.url });
    const { hostname, port } = new URL(front.base);
    const { promise, resolve } = Promise.withResolvers<string>();
    await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.write('GET //other.invalid/x HTTP/1.1\r\nHost: a\r\n\r\n'),
        data: (_, bytes) => resolve(bytes.toString()),
      },
    });
    expect(await promise).toEndWith('//other.invalid/x');
  });
});
