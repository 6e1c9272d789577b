import { describe, expect, test } from 'bun:test';
import { hasCode } from '../../src/errors/index.ts';
import { findFreePort, isPortAvailable } from '../../src/platform/index.ts';
import { silentLogger } from '../../src/platform/log.ts';
import { createReverseProxy, openListener } from '../../src/proxy/index.ts';
import { connectSse, INITIALIZE, post } from './raw-client.ts';
import { openWorld } from './world.ts';

const fetchNothing = { fetch: () => new Response('another program') };
const hasIpv6 = (() => {
  try {
    Bun.serve({ hostname: '::1', port: 0, ...fetchNothing }).stop(true);
    return true;
  } catch {
    return false;
  }
})();

async function openAt(host: string, port = 0) {
  const endpoint = createReverseProxy({ log: silentLogger });
  const handler = () => new Response('ours');
  return openListener({ host, port, handler, endpoint, transportLabel: '', log: silentLogger });
}

const answers = async (host: string, port: number) =>
  fetch(`http://${host}:${port}/x`, { keepalive: false }).then(
    (response) => response.text(),
    () => 'nobody',
  );

describe.if(hasIpv6)('`localhost` is both loopback addresses', () => {
  test.each([
    ['127.0.0.1', 'ours'],
    ['localhost', 'ours'],
    ['0.0.0.0', 'ours'],
    ['127.0.0.2', 'nobody'],
  ])('--host %s: over IPv6 there answers %s', async (host, expected) => {
    await using listener = await openAt(host);
    expect(await answers('[::1]', listener.port)).toBe(expected);
    const other = host === '127.0.0.2' ? host : '127.0.0.1';
    expect(await answers(other, listener.port)).toBe('ours');
  });

  test('MCP over both transports, with our own address in the Host and Origin headers', async () => {
    await using world = await openWorld({ port: await findFreePort() });
    const base = `http://[::1]:${world.listener.port}`;
    const headers = { Origin: base };
    expect((await post(`${base}/mcp`, { id: 1, ...INITIALIZE }, { headers })).status).toBe(200);
    await using sse = await connectSse(base);
    expect(sse.endpoint).toStartWith(`${base}/messages?session_id=`);
    expect((await sse.request(1, 'tools/list')).result.tools.length).toBeGreaterThan(0);
    expect(
      (await post(`${base}/mcp`, { id: 2, ...INITIALIZE }, { headers: { Origin: 'http://evil' } })).status,
    ).toBe(403);
  });

  test.each(['::1', '127.0.0.1'])(
    'a port that another program has on %s is taken, and nothing is left open',
    async (hostname) => {
      const port = await findFreePort();
      const other = Bun.serve({ hostname, port, ...fetchNothing });
      expect(await isPortAvailable(port)).toBe(false);
      const error = await openAt('127.0.0.1', port).catch((thrown: unknown) => thrown);
      if (!hasCode(error, 'ERR_LISTEN_FAILED')) throw error;
      expect(error.facts.address).toBe(hostname === '::1' ? `[::1]:${port}` : `127.0.0.1:${port}`);
      await other.stop(true);
      expect(await isPortAvailable(port)).toBe(true);
      await using again = await openAt('127.0.0.1', port);
      expect(again.port).toBe(port);
    },
  );

  test('both are closed by a stop', async () => {
    const listener = await openAt('127.0.0.1');
    await listener.stop({ graceMs: 0 });
    expect([await answers('[::1]', listener.port), await answers('127.0.0.1', listener.port)]).toEqual([
      'nobody',
      'nobody',
    ]);
  });
});
