import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { openWorld, type World } from '../harness/world.ts';
import { PYTHON_SERVER, type RealServer, startServer } from './real-servers.ts';

/**
 * The attack: a web page uses the MCP server of a workload through the user's browser, by its port on this machine. The page
 * may be another MCP server's, on another port. A browser sends some requests without asking the server first, and a GET of an
 * event stream even without `Origin`.
 */
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"shown"}}';
const INSPECTOR = 'http://localhost:6274';

let world: World;
let server: RealServer;
let closed: string;
let open: string;
beforeAll(async () => {
  world = await openWorld(undefined);
  server = await startServer(PYTHON_SERVER);
  const run = async (label: string, ...flags: string[]) => {
    const name = world.name(label);
    await world.ok(['run', `http://${server.address}/mcp`, '--name', name, '--wait', ...flags]);
    return new URL((await world.reached(name)).url).origin;
  };
  closed = await run('closed');
  open = await run('open', '--allowed-origins', INSPECTOR);
}, 60_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await world[Symbol.asyncDispose]();
});

const ask = (url: string, method: string, headers: Record<string, string>) =>
  fetch(url, { method, headers, ...(method === 'POST' ? { body: Buffer.from(CALL) } : {}) });

describe.each(['/mcp', '/sse', '/messages', '/messages?session_id=x', '/'])('%s of a workload', (path) => {
  test.each([
    ['another port of this machine', { Origin: 'http://localhost:9999' }],
    ['another machine', { Origin: 'https://evil.example' }],
    ['a sandboxed frame', { Origin: 'null' }],
    ['the right origin over TLS', { Origin: 'https://HERE' }],
    ['an extension', { Origin: 'chrome-extension://abcdefghijklmnopabcdefghijklmnop' }],
    ['a page without Origin on another port', { 'Sec-Fetch-Site': 'same-site' }],
    ['a page without Origin elsewhere', { 'Sec-Fetch-Site': 'cross-site' }],
    ['a name that was pointed here', { Host: 'evil.example' }],
  ] as const satisfies readonly (readonly [string, Record<string, string>])[])(
    'is closed to %s',
    async (_, signs) => {
      const before = server.ran.length;
      const headers = Object.fromEntries(
        Object.entries(signs).map(([name, value]) => [name, value.replace('HERE', new URL(closed).host)]),
      );
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        for (const type of ['application/json', 'text/plain', '']) {
          const answer = await ask(closed + path, method, { ...headers, 'Content-Type': type });
          expect([method, type, answer.status]).toEqual([method, type, 403]);
        }
      }
      expect(server.ran.length).toBe(before);
    },
  );
});

test('a program that is no browser is not touched', async () => {
  expect((await ask(`${closed}/mcp`, 'POST', {})).status).toBe(200);
});

test('a page that is refused is told the flag that would let it in, and with it is let in', async () => {
  const headers = { Origin: INSPECTOR, 'Sec-Fetch-Site': 'same-site', 'Content-Type': 'application/json' };
  const refused = await ask(`${closed}/mcp`, 'POST', headers);
  expect([refused.status, await refused.text()]).toEqual([
    403,
    expect.stringContaining(`--allowed-origins ${INSPECTOR}`),
  ]);
  expect((await ask(`${open}/mcp`, 'POST', headers)).status).toBe(200);
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
  'of an allowed page a body of type %p is refused all the same',
  async (type) => {
    const before = server.ran.length;
    const answer = await ask(`${open}/mcp`, 'POST', { Origin: INSPECTOR, 'Content-Type': type });
    expect([answer.status, server.ran.length]).toEqual([415, before]);
  },
);
