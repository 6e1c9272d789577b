import { expect, test } from 'bun:test';
import { connect } from 'node:net';
import { connectSse, connectStreamable, post } from './raw-client.ts';
import { openWorld } from './world.ts';

const ROUNDS = 10_000;
const PARALLEL = 32;

/** Small and repeatable, so that a failure can be looked at again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  };
}

interface Attack {
  readonly head: string;
  readonly body: string;
  /** Fewer bytes than announced, and then nothing. */
  readonly cut?: boolean;
}

const deep = (levels: number, open: string, close: string) => open.repeat(levels) + close.repeat(levels);
const HUGE_ID = '9'.repeat(5000);
const request = (id: string, rest = '') => `{"jsonrpc":"2.0","id":${id},"method":"echo"${rest}}`;

const bodies: readonly string[] = [
  '',
  ' ',
  '{',
  '}',
  'null',
  'true',
  '0',
  '"text"',
  '[]',
  '[[[[',
  '\u0000',
  '\ufeff{}',
  '{"jsonrpc":"2.0"}',
  '{"jsonrpc":2.0,"id":1,"method":"x"}',
  '{"jsonrpc":"2.0","id":1,"method":"x"',
  '{"jsonrpc":"2.0","id":1,"method":"x",}',
  "{'jsonrpc':'2.0','id':1,'method':'x'}",
  '{"jsonrpc":"2.0","id":[1],"method":"x"}',
  '{"jsonrpc":"2.0","id":{},"method":"x"}',
  '{"jsonrpc":"2.0","id":true,"method":"x"}',
  '{"jsonrpc":"2.0","id":01,"method":"x"}',
  '{"jsonrpc":"2.0","id":NaN,"method":"x"}',
  '{"jsonrpc":"2.0","id":1,"method":null}',
  '{"jsonrpc":"2.0","id":1,"method":["x"]}',
  '{"jsonrpc":"2.0","id":1,"method":"\\uZZZZ"}',
  '{"jsonrpc":"2.0","id":1,"method":"a\nb"}',
  `{"jsonrpc":"2.0","id":1,"method":"x","params":${deep(513, '[', ']')}}`,
  `{"jsonrpc":"2.0","id":1,"method":"x","params":${deep(100_000, '[', ']')}}`,
  `{"jsonrpc":"2.0","id":1,"method":"x","params":${deep(100_000, '{"a":', '}')}}`,
  `${'{"a":'.repeat(50_000)}`,
  request(HUGE_ID, ',"jsonrpc":"1.0"'),
  request('1', `,"id":{}`),
  request('1', ',"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":{}}}'),
  request('1', ',"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"x"}}'),
  request('1', ',"params":{"_meta":{"io.modelcontextprotocol/clientInfo":1}}'),
];

const headers: readonly string[] = [
  '',
  'Mcp-Session-Id: x\r\n',
  'Mcp-Session-Id: a\r\nMcp-Session-Id: b\r\n',
  `Mcp-Session-Id: ${'x'.repeat(4000)}\r\n`,
  'MCP-Protocol-Version: 2026-07-28\r\nMCP-Protocol-Version: 2025-06-18\r\n',
  'MCP-Protocol-Version: \r\n',
  'MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: =?base64?%%%?=\r\n',
  'Mcp-Name: =?base64?\r\nMcp-Name: ?=\r\n',
  'Content-Type: \r\n',
  'Content-Type: application/json\r\nContent-Type: text/plain\r\n',
  'Accept: text/event-stream\r\nAccept: */*;q=x\r\n',
  'Last-Event-ID: ../../etc/passwd\r\n',
];

const targets: readonly string[] = [
  '/mcp',
  '/mcp',
  '/messages',
  '/messages?session_id=',
  '/messages?session_id=%zz',
  '/mcp?x=%00',
];

function attack(random: (below: number) => number): Attack {
  const pick = (list: readonly string[]): string => list[random(list.length)] ?? '';
  const body = pick(bodies);
  const kind = random(20);
  const bytes = Buffer.byteLength(body);
  const start = `POST ${pick(targets)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${pick(headers)}`;
  if (kind === 0) return { head: `${start}Content-Length: ${bytes + 10}\r\n\r\n`, body, cut: true };
  if (kind === 1) return { head: `${start}Transfer-Encoding: chunked\r\n\r\n`, body: 'zz\r\n' };
  if (kind === 2)
    return { head: `${start}Content-Length: ${bytes}\r\nContent-Length: ${bytes + 1}\r\n\r\n`, body };
  return { head: `${start}Content-Length: ${bytes}\r\n\r\n`, body };
}

/** Status line and body, or `undefined` when the connection was closed without a word. */
function launch(port: number, { head, body, cut = false }: Attack): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connect(port, '127.0.0.1');
  let seen = '';
  socket.on('data', (bytes) => {
    seen += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  socket.on('close', () => resolve(seen === '' ? undefined : seen));
  socket.write(head + body);
  if (cut) setTimeout(() => socket.destroy(), 2);
  return promise;
}

test('10,000 malformed requests get proper errors; the port lives, memory is flat', async () => {
  await using world = await openWorld();
  const port = Number(new URL(world.base).port);
  const { call } = await connectStreamable(world.base);
  const random = createRandom(7);
  const statuses = new Map<string, number>();
  let launched = 0;
  let atHalf = 0;

  async function besiege(): Promise<void> {
    while (launched < ROUNDS) {
      launched += 1;
      if (launched === ROUNDS / 2) {
        Bun.gc(true);
        atHalf = process.memoryUsage().rss;
      }
      const sent = attack(random);
      const answer = await launch(port, sent);
      const status = answer === undefined ? 'closed' : (/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? answer);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (/^(?:400|404|closed)$/.test(status)) continue;
      throw new Error(`${status} for ${JSON.stringify(sent).slice(0, 500)}: ${answer?.slice(0, 500)}`);
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, besiege));
  // Only what never became a request may go unanswered.
  expect(statuses.get('closed') ?? 0).toBeLessThan(ROUNDS / 5);
  Bun.gc(true);
  expect(process.memoryUsage().rss - atHalf).toBeLessThan(48 * 1024 * 1024);
  expect((await call('echo', { text: 'alive' })).message.result.content[0].text).toBe('alive');
  await using sse = await connectSse(world.base);
  expect((await sse.request(1, 'tools/list')).error).toBeUndefined();
  expect(world.log.filter((line) => line.includes('ERROR'))).toEqual([]);
  // None of it reached the server.
  expect(world.server.reports.filter((line) => line.includes('"echo"') && !line.includes('alive'))).toEqual(
    [],
  );
}, 120_000);

test('ids of any size are echoed, and deep but legal messages pass', async () => {
  await using world = await openWorld();
  const id = '7'.repeat(100_000);
  const { status, text } = await post(`${world.base}/mcp`, request(id));
  expect([status, text.includes(`"id":${id}`)]).toEqual([200, true]);
  const params = `,"params":{"a":${deep(400, '[', ']')}}`;
  expect((await post(`${world.base}/mcp`, request('1', params))).status).toBe(200);
});
