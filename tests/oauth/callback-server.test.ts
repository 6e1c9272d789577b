import { expect, test } from 'bun:test';
import { createServer } from 'node:net';
import { startCallbackServer } from '../../src/oauth/callback-server.ts';

function hasIpv6(): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer()
    .on('error', () => resolve(false))
    .listen(0, '::1', () => server.close(() => resolve(true)));
  return promise;
}

const withIpv6 = await hasIpv6();
const open = (port = 0) => startCallbackServer({ port, state: 's', complete: async () => undefined });

test.each(['127.0.0.1', ...(withIpv6 ? ['[::1]'] : [])])(
  'a browser that takes localhost for %s comes back',
  async (host) => {
    await using server = open();
    const url = new URL(server.redirectUri);
    expect(url.hostname).toBe('localhost');
    const answer = await fetch(`http://${host}:${url.port}/callback?state=s&code=c`, { proxy: false });
    expect(answer.status).toBe(200);
    await server.finished;
  },
);

test.skipIf(!withIpv6)('a port that somebody else has on the other address is taken', async () => {
  const other = Bun.listen({ hostname: '::1', port: 0, socket: { data() {} } });
  expect(() => open(other.port)).toThrow(`failed to start callback server: port ${other.port}`);
  other.stop(true);
});
