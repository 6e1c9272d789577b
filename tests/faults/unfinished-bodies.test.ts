import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { startApi } from '../api/server.ts';
import { post } from '../harness/raw-client.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { echoFolder } from './echo-folder.ts';
import { leaveUnfinished } from './unfinished-request.ts';

const DRIP = { bytes: 'x', everyMs: 1000 };
/** The program gives a whole request 30 seconds and the head of one ten; coarse timers and a busy machine come on top. */
const LIMIT_SECONDS = 45;
const HEAD_LIMIT_SECONDS = 25;

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

/** Where unfinished requests are sent. */
interface Targets {
  readonly world: World;
  readonly 'the API over TCP': Target;
  readonly 'the API over a UNIX socket': Target;
  readonly 'a stdio server': URL;
  readonly 'an HTTP server': URL;
}

type Target = Parameters<typeof leaveUnfinished>[0];

const resources = new AsyncDisposableStack();
let targets: Targets;
beforeAll(async () => {
  const world = resources.use(await openWorld(undefined));
  const api = resources.use(await startApi(world));
  const path = await serveOnSocket();
  targets = {
    world,
    'the API over TCP': { host: '127.0.0.1', port: Number(new URL(api.url).port) },
    'the API over a UNIX socket': { path },
    'a stdio server': await runEcho(world, 'stdio', 'stdio'),
    'an HTTP server': await runEcho(world, 'http', 'streamable-http'),
  };
}, 60_000);
afterAll(() => resources.disposeAsync());

async function serveOnSocket(): Promise<string> {
  const world = resources.use(await openWorld(undefined));
  const path = join(world.folder, 'api.sock');
  const serving = world.start(['serve', '--socket', path]);
  resources.defer(() => serving.signal('SIGTERM'));
  await waitFor(
    () => fetch('http://api/health', { unix: path }),
    ({ status }) => status < 600,
    { what: 'it answers' },
  );
  return path;
}

async function runEcho(world: World, kind: 'stdio' | 'http', transport: string): Promise<URL> {
  const name = world.name(kind);
  const flags = ['--proxy-mode', 'streamable-http', '--permission-profile', 'none'];
  await world.ok(['run', await echoFolder(world, kind), '--name', name, '--transport', transport, ...flags]);
  return new URL((await world.reached(name)).url);
}

// All at once, because they wait for deadlines of the program most of the time.
describe.concurrent.each(['the API over TCP', 'the API over a UNIX socket'] as const)('%s', (kind) => {
  test('answers 408 and closes when the body of a request does not arrive', async () => {
    expectAll(
      await outcomesOf(targets[kind], BODIES('/api/v1beta/groups')),
      'HTTP/1.1 408 Request Timeout',
      LIMIT_SECONDS,
    );
  }, 90_000);

  test('closes the connection when the head of a request does not arrive', async () => {
    expectAll(await outcomesOf(targets[kind], HEADS('/api/v1beta/groups')), '', HEAD_LIMIT_SECONDS);
  }, 90_000);

  test('answers a request that needs no body at once, and does not wait for the body for long', async () => {
    const cases: readonly Case[] = [
      ['GET', request('GET', '/api/v1beta/groups', 'Content-Length: 100', 'ab'), undefined],
      ['a byte a second', request('GET', '/api/v1beta/groups', 'Content-Length: 1000', 'ab'), DRIP],
    ];
    expectAll(await outcomesOf(targets[kind], cases), 'HTTP/1.1 200 OK', LIMIT_SECONDS);
  }, 90_000);

  test('accepts a body that arrives slowly but completely, and keeps event streams open', async () => {
    const to = targets[kind];
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
  }, 90_000);
});

describe.concurrent('a workload and its host', () => {
  test.each(['a stdio server', 'an HTTP server'] as const)(
    'the port of %s answers 408 and closes when a body does not arrive, and closes when a head does not',
    async (kind) => {
      const url = targets[kind];
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

  test('the control socket answers 408 and closes when a body does not arrive, and closes when a head does not', async () => {
    const { world } = targets;
    const to = { path: join(world.folder, 'run', 'toolhive', 'host.sock') };
    const path = `/workloads/${world.name('stdio')}/start`;
    const [bodies, heads] = await Promise.all([outcomesOf(to, BODIES(path)), outcomesOf(to, HEADS(path))]);
    expectAll(bodies, 'HTTP/1.1 408 Request Timeout', LIMIT_SECONDS);
    expectAll(heads, '', HEAD_LIMIT_SECONDS);
  }, 90_000);
});
