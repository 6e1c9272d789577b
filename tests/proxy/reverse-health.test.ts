import { describe, expect, test } from 'bun:test';
import { createHeaderCredentials } from '../../src/proxy/index.ts';
import type { Health } from '../../src/proxy/types.ts';
import { INITIALIZE, post, until } from './raw-client.ts';
import { openFront, openSessionServer, result } from './reverse-front.ts';

const FAST = { intervalMs: 20, pingTimeoutMs: 100, retryDelayMs: 10, failureThreshold: 3 };
const DEAD = 'http://127.0.0.1:1';

describe('spec 04 §9.2 health monitor', () => {
  test('counts nothing before the server has served somebody', async () => {
    const lost: Health[] = [];
    await using front = await openFront({
      target: DEAD,
      health: FAST,
      onUnhealthy: (health) => lost.push(health),
      refusedWaitMs: 0,
    });
    await post(front.base, { id: 0, ...INITIALIZE });
    await Bun.sleep(300);
    expect(lost).toEqual([]);
  });

  test.each<[string, (base: string) => Promise<unknown>]>([
    ['a 200 with a session', (base) => post(base, { id: 1, method: 'tools/list' })],
    ['a 200 to initialize', (base) => post(base, { id: 0, ...INITIALIZE })],
    [
      'a 200 to a modern request',
      (base) =>
        post(base, {
          id: 1,
          method: 'x',
          params: {
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
    ],
  ])('after %s, failures up to the threshold are told once', async (what, ask) => {
    let pings = 0;
    await using backend = openSessionServer((asked) => {
      if (asked.method === 'POST' && asked.rpc?.method !== 'ping')
        return result(asked, {}, what.endsWith('session') ? { 'Mcp-Session-Id': 's' } : {});
      if (asked.path === '/') pings += 1;
      return new Response(null, { status: 503 });
    });
    const lost: Health[] = [];
    await using front = await openFront({
      target: backend.url,
      health: FAST,
      onUnhealthy: (health) => lost.push(health),
    });
    await ask(front.base);
    await until(() => lost.length === 1);
    expect([lost[0]?.available, lost[0]?.error]).toEqual([false, 'the MCP server answered 503']);
    // Three ticks, the first two with a second ping each.
    expect(pings).toBe(5);
    await Bun.sleep(150);
    expect(lost.length).toBe(1);
  });

  test.each([
    ['401', 401],
    ['404', 404],
    ['405', 405],
    ['307', 307],
  ])('%s is alive, and a success takes failures back', async (_, status) => {
    let asked = 0;
    await using backend = openSessionServer((request) => {
      if (request.rpc?.method === 'initialize') return undefined;
      asked += 1;
      return new Response(null, { status: asked % 4 === 1 ? 500 : status });
    });
    const lost: Health[] = [];
    await using front = await openFront({
      target: backend.url,
      health: { ...FAST, failureThreshold: 2 },
      onUnhealthy: (health) => lost.push(health),
    });
    await post(front.base, { id: 0, ...INITIALIZE });
    await until(() => asked > 12);
    expect(lost).toEqual([]);
  });

  test('a server taken down on purpose is not lost', async () => {
    await using backend = openSessionServer();
    const lost: Health[] = [];
    await using front = await openFront({
      target: backend.url,
      health: FAST,
      onUnhealthy: (health) => lost.push(health),
    });
    await post(front.base, { id: 0, ...INITIALIZE });
    front.proxy.setTarget(undefined);
    await Bun.sleep(200);
    front.proxy.setTarget(DEAD);
    await Bun.sleep(200);
    expect(lost).toEqual([]);
  });

  test('a server that does not answer is lost as well', async () => {
    await using backend = openSessionServer(({ rpc }) =>
      rpc?.method === 'initialize' ? undefined : new Promise(() => {}),
    );
    const lost: Health[] = [];
    await using front = await openFront({
      target: backend.url,
      health: { ...FAST, pingTimeoutMs: 20, failureThreshold: 1 },
      onUnhealthy: (health) => lost.push(health),
    });
    await post(front.base, { id: 0, ...INITIALIZE });
    await until(() => lost.length === 1);
    expect(lost[0]?.error).toBe('no answer within 20 ms');
  });
});

describe('spec 04 §9.1, §19.13 /health', () => {
  const health = async (base: string) => {
    const response = await fetch(`${base}/health`);
    // biome-ignore lint/suspicious/noExplicitAny: tests look into foreign payloads
    return { status: response.status, body: (await response.json()) as any };
  };

  test('a stateless server is pinged by POST', async () => {
    await using backend = openSessionServer((asked) =>
      asked.method === 'POST' ? result(asked, {}) : new Response(null, { status: 500 }),
    );
    await using front = await openFront({ target: backend.url, isStateless: true });
    expect(await health(front.base)).toMatchObject({ status: 200, body: { status: 'healthy' } });
    const [asked] = backend.asked;
    expect(asked?.rpc).toEqual({ jsonrpc: '2.0', id: 0, method: 'ping', params: {} });
    expect(asked?.headers.toJSON()).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    });
  });

  test('a 5xx on / while MCP works is healthy; both failing is degraded, still 200', async () => {
    let works = true;
    await using backend = openSessionServer(({ path }) =>
      path === '/mcp' && works ? new Response('{}') : new Response(null, { status: 502 }),
    );
    await using front = await openFront({ target: backend.url });
    expect((await health(front.base)).body).toMatchObject({ status: 'healthy', mcp: { available: true } });
    works = false;
    expect(await health(front.base)).toMatchObject({
      status: 200,
      body: { status: 'degraded', mcp: { available: false, error: 'the MCP server answered 502' } },
    });
  });

  test('a remote server is asked where it serves, with the headers given, and no redirect is followed', async () => {
    await using backend = openSessionServer(
      () => new Response(null, { status: 302, headers: { Location: 'http://other.invalid/' } }),
    );
    await using front = await openFront({
      target: `${backend.url}/v2/mcp?k=1`,
      isRemote: true,
      credentials: createHeaderCredentials({ Authorization: 'Bearer t' }),
    });
    expect((await health(front.base)).body.status).toBe('healthy');
    const [asked] = backend.asked;
    expect([asked?.path, asked?.headers.get('authorization')]).toEqual(['/v2/mcp?k=1', 'Bearer t']);
  });

  test('nobody is asked where that is not wanted', async () => {
    await using backend = openSessionServer();
    await using front = await openFront({ target: backend.url, isRemote: true, answersHealth: false });
    const { body } = await health(front.base);
    expect([body.status, body.mcp, backend.asked]).toEqual(['healthy', undefined, []]);
  });
});
