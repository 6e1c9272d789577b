import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { echoFolder } from './echo-folder.ts';
import { leaveUnfinished } from './unfinished-request.ts';

const DRIP = { bytes: 'x', everyMs: 1000 };
/** A whole request has 30 seconds, the head of one ten; timers of the runtime are coarse. */
const LIMIT_SECONDS = 36;
const HEAD_LIMIT_SECONDS = 16;

const request = (method: string, path: string, headers: string, body = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n\r\n${body}`;
const JSON_TYPE = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream';
/** Ways not to finish a body, of a path that wants one. */
const BODIES = (path: string) =>
  [
    ['nothing of it', request('POST', path, `${JSON_TYPE}\r\nContent-Length: 100`), undefined],
    ['half of it', request('POST', path, `${JSON_TYPE}\r\nContent-Length: 100`, '{"name":'), undefined],
    ['a byte a second', request('POST', path, `${JSON_TYPE}\r\nContent-Length: 1000`, '{"name":"'), DRIP],
    [
      'a chunk without its end',
      request('POST', path, `${JSON_TYPE}\r\nTransfer-Encoding: chunked`, 'a\r\n{"na'),
      undefined,
    ],
    [
      'chunks without a last one',
      request('POST', path, `${JSON_TYPE}\r\nTransfer-Encoding: chunked`, '1\r\n{\r\n'),
      undefined,
    ],
    [
      'a chunk a second',
      request('POST', path, `${JSON_TYPE}\r\nTransfer-Encoding: chunked`, '1\r\n{\r\n'),
      { bytes: '1\r\n \r\n', everyMs: 1000 },
    ],
  ] as const;
const HEADS = (path: string) =>
  [
    ['no head', '', undefined],
    ['half a head', `POST ${path} HTTP/1.1\r\nContent-Le`, undefined],
    ['a head a byte a second', `POST ${path} HTTP/1.1\r\nX-A: `, DRIP],
  ] as const;

type Case = readonly [string, string, typeof DRIP | undefined];

/** All at once, because each takes its time. */
async function outcomesOf(to: Parameters<typeof leaveUnfinished>[0], cases: readonly Case[]) {
  const outcomes = await Promise.all(
    cases.map(async ([what, beginning, drip]) => [what, await leaveUnfinished(to, beginning, drip)] as const),
  );
  return outcomes.map(([what, { text, seconds }]) => ({
    what,
    status: text.split('\r\n', 1)[0] ?? '',
    seconds,
  }));
}

function expectAll(outcomes: Awaited<ReturnType<typeof outcomesOf>>, status: string, limitSeconds: number) {
  expect(outcomes.map(({ what, status: seen }) => ({ what, status: seen }))).toEqual(
    outcomes.map(({ what }) => ({ what, status })),
  );
  expect(outcomes.filter(({ seconds }) => seconds > limitSeconds)).toEqual([]);
}

describe.each(['TCP', 'a UNIX socket'])('the API over %s', (kind) => {
  let world: World;
  let to: Parameters<typeof leaveUnfinished>[0];
  const resources = new AsyncDisposableStack();
  beforeAll(async () => {
    world = resources.use(await openWorld(undefined));
    if (kind === 'TCP') {
      const api = resources.use(await startApi(world));
      to = { host: '127.0.0.1', port: Number(new URL(api.url).port) };
      return;
    }
    const path = join(world.folder, 'api.sock');
    const serving = world.start(['serve', '--socket', path]);
    resources.defer(() => serving.signal('SIGTERM'));
    await waitFor(
      () => fetch('http://api/health', { unix: path }),
      ({ status }) => status < 600,
      { what: 'it answers' },
    );
    to = { path };
  });
  afterAll(() => resources.disposeAsync());

  test('answers 408 and closes when a body that is wanted does not come, however it does not', async () => {
    expectAll(
      await outcomesOf(to, BODIES('/api/v1beta/groups')),
      'HTTP/1.1 408 Request Timeout',
      LIMIT_SECONDS,
    );
  }, 60_000);

  test('closes when a head does not come', async () => {
    expectAll(await outcomesOf(to, HEADS('/api/v1beta/groups')), '', HEAD_LIMIT_SECONDS);
  }, 60_000);

  test('answers at once where no body is wanted, and does not wait for it for long', async () => {
    const cases: readonly Case[] = [
      ['GET', request('GET', '/api/v1beta/groups', 'Content-Length: 100', 'ab'), undefined],
      ['a byte a second', request('GET', '/api/v1beta/groups', 'Content-Length: 1000', 'ab'), DRIP],
    ];
    expectAll(await outcomesOf(to, cases), 'HTTP/1.1 200 OK', LIMIT_SECONDS);
  }, 60_000);

  test('takes a body that comes slowly and whole, and keeps streams open', async () => {
    const stream = await fetch(`http://localhost${'port' in to ? `:${to.port}` : ''}/api/v1beta/events`, {
      ...('path' in to ? { unix: to.path } : {}),
      headers: { accept: 'text/event-stream' },
    });
    const name = `slow${kind.length}`;
    const body = JSON.stringify({ name });
    const head = request(
      'POST',
      '/api/v1beta/groups',
      `${JSON_TYPE}\r\nConnection: close\r\nContent-Length: ${body.length}`,
    );
    const pieces = [...body];
    const drip = {
      everyMs: 500,
      get bytes() {
        return pieces.shift() ?? '';
      },
    };
    const { text, seconds } = await leaveUnfinished(to, head, drip);
    expect(text).toStartWith('HTTP/1.1 201');
    expect(seconds).toBeGreaterThan(5);
    if (stream.ok) {
      const reader = stream.body?.getReader();
      expect((await reader?.read())?.done).toBe(false);
      await reader?.cancel();
    }
  }, 60_000);
});

describe('a workload and its host', () => {
  let world: World;
  const urls: URL[] = [];
  beforeAll(async () => {
    world = await openWorld(undefined);
    for (const [kind, transport] of [
      ['stdio', 'stdio'],
      ['http', 'streamable-http'],
    ] as const) {
      const name = world.name(kind);
      const flags = [
        '--transport',
        transport,
        '--proxy-mode',
        'streamable-http',
        '--permission-profile',
        'none',
      ];
      await world.ok(['run', await echoFolder(world, kind), '--name', name, ...flags]);
      urls.push(new URL((await world.reached(name)).url));
    }
  }, 60_000);
  afterAll(() => world[Symbol.asyncDispose]());

  test.each([
    ['of a stdio server', 0],
    ['of an HTTP server', 1],
  ] as const)(
    'the port %s answers 408 and closes when a body does not come, and closes when a head does not',
    async (_, index) => {
      const url = urls[index] as URL;
      const to = { host: '127.0.0.1', port: Number(url.port) };
      const [bodies, heads] = await Promise.all([
        outcomesOf(to, BODIES(url.pathname)),
        outcomesOf(to, HEADS(url.pathname)),
      ]);
      expectAll(bodies, 'HTTP/1.1 408 Request Timeout', LIMIT_SECONDS);
      expectAll(heads, '', HEAD_LIMIT_SECONDS);
      const initialize = {
        protocolVersion: '2025-06-18',
        capabilities: {},
        clientInfo: { name: 'x', version: '1' },
      };
      const answer = await post(
        url.href,
        JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: initialize }),
      );
      expect(answer.status).toBe(200);
    },
    90_000,
  );

  test('the control socket answers 408 and closes when a body does not come, and closes when a head does not', async () => {
    const to = { path: join(world.folder, 'run', 'toolhive', 'host.sock') };
    const path = `/workloads/${world.name('stdio')}/start`;
    const [bodies, heads] = await Promise.all([outcomesOf(to, BODIES(path)), outcomesOf(to, HEADS(path))]);
    expectAll(bodies, 'HTTP/1.1 408 Request Timeout', LIMIT_SECONDS);
    expectAll(heads, '', HEAD_LIMIT_SECONDS);
  }, 90_000);
});
