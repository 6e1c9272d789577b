import { afterAll, beforeAll, expect, test } from 'bun:test';
import { createServer as createHttp, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcp } from 'node:net';
import { isRefused } from '../upstream.ts';
import { createRawUpstream } from './raw-upstream.ts';

let server: Server;
beforeAll(async () => {
  server = createHttp((request, response) => response.end(`${request.headers.host} ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => void server.close());

/** Answers each connection with `answer`, in pieces, and leads on to the server where that is a yes. */
async function openGate(answer: readonly string[]) {
  const heads: string[] = [];
  const gate = createTcp((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', async (head) => {
      socket.pause();
      heads.push(head.toString());
      for (const piece of answer) {
        socket.write(piece);
        await Bun.sleep(1);
      }
      if (!answer.join('').startsWith('HTTP/1.1 200')) return void socket.end();
      const inner = connect((server.address() as AddressInfo).port, '127.0.0.1');
      inner.pipe(socket).pipe(inner);
    });
  });
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve));
  const { port } = gate.address() as AddressInfo;
  return { heads, port, [Symbol.dispose]: () => void gate.close() };
}

async function send(port: number, count = 1): Promise<readonly string[]> {
  const head = 'CONNECT x:8080 HTTP/1.1\r\n\r\n';
  using upstream = createRawUpstream(() => async () => ({ hostname: '127.0.0.1', port, head }));
  const answers: string[] = [];
  for (let sent = 0; sent < count; sent++) {
    const answer = await upstream.send({
      origin: new URL('http://127.0.0.1:8080'),
      path: '/mcp',
      method: 'GET',
      headers: [],
      body: undefined,
      signal: new AbortController().signal,
    });
    answers.push(await answer.text());
  }
  return answers;
}

test.each([
  ['at once', ['HTTP/1.1 200 OK\r\n\r\n']],
  ['byte by byte', [...'HTTP/1.1 200 OK\r\nVia: x\r\n\r\n']],
])('a server answers through a tunnel that is granted %s, and keeps its connection', async (_, answer) => {
  using gate = await openGate(answer);
  expect(await send(gate.port, 2)).toEqual(['127.0.0.1:8080 /mcp', '127.0.0.1:8080 /mcp']);
  expect(gate.heads).toEqual(['CONNECT x:8080 HTTP/1.1\r\n\r\n']);
});

test.each<[answer: readonly string[], isAsRefused: boolean, reason: string]>([
  [['HTTP/1.1 502 Bad Gateway\r\n\r\n'], true, 'the way to the server was refused with status 502'],
  [['HTTP/1.1 403 Forbidden\r\n\r\n'], false, 'the way to the server was refused with status 403'],
  [['HTTP/1.1 20'], false, 'the way to the server was closed'],
  [[], false, 'the way to the server was closed'],
  [['x'.repeat(20_000)], false, 'the way to the server was closed'],
])('a tunnel that answers %j is none', async (answer, isAsRefused, reason) => {
  using gate = await openGate(answer);
  const failure = await send(gate.port).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(String(failure)).toContain(reason);
  expect(isRefused(failure)).toBe(isAsRefused);
});
