import { describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryBuckets } from '../../src/middleware/rate-limit/memory-buckets.ts';
import { findFreePort } from '../../src/platform/ports.ts';
import { waitFor } from '../harness/wait-for.ts';
import { openHttpAudit, post } from './audit-world.ts';

const call = (name: string, id: number | undefined = 1) => ({
  ...(id === undefined ? {} : { id }),
  method: 'tools/call',
  params: { name },
});
const bucket = (maxTokens: number, refillPeriod = '1h') => ({ maxTokens, refillPeriod });
const entry = (config: object, more: object = {}) => ({
  type: 'ratelimit',
  parameters: { namespace: 'ns', server_name: 'srv', config, ...more },
});

const statuses = async (base: string, tools: readonly string[]) => {
  const seen: number[] = [];
  for (const tool of tools) seen.push((await post(base, call(tool))).status);
  return seen;
};

describe('buckets in memory', () => {
  const sized = (name: string, maxTokens: number, periodMs: number) => ({ name, maxTokens, periodMs });

  test('fill up steadily, and are never fuller than full', () => {
    let now = 0;
    const take = createMemoryBuckets(() => now);
    const a = [sized('a', 2, 1000)];
    expect([take(a), take(a), take(a)]).toEqual([0, 0, 500]);
    now = 250;
    expect(take(a)).toBe(250);
    now = 500;
    expect([take(a), take(a)]).toEqual([0, 500]);
    now = 1_000_000;
    expect([take(a), take(a), take(a)]).toEqual([0, 0, 500]);
  });

  test('give a token of each or of none', () => {
    const take = createMemoryBuckets(() => 0);
    const both = [sized('a', 3, 1000), sized('b', 1, 5000)];
    expect([take(both), take(both)]).toEqual([0, 5000]);
    expect([take([sized('a', 3, 1000)]), take([sized('a', 3, 1000)])]).toEqual([0, 0]);
  });

  test('of callers beyond number are forgotten, the full ones first', () => {
    let now = 0;
    const take = createMemoryBuckets(() => now, 2);
    take([sized('quick', 1, 10)]);
    now = 20;
    take([sized('slow', 1, 10_000)]);
    take([sized('other', 1, 10_000)]);
    expect([take([sized('slow', 1, 10_000)]), take([sized('quick', 1, 10)])]).toEqual([10_000, 0]);
  });
});

describe('a limit', () => {
  test.each<[string, object, readonly number[]]>([
    ['of the server counts every tool', { shared: bucket(2) }, [200, 200, 429, 429]],
    ['of a caller is one of its own', { perUser: bucket(1) }, [200, 429, 429, 429]],
    ['of a tool counts that tool', { tools: [{ name: 'a', shared: bucket(1) }] }, [200, 429, 200, 200]],
    ['of a tool and caller does so', { tools: [{ name: 'b', perUser: bucket(1) }] }, [200, 200, 200, 429]],
    [
      'that is reached takes nothing from the others',
      { shared: bucket(3), tools: [{ name: 'a', shared: bucket(1) }] },
      [200, 429, 200, 200],
    ],
  ])('%s', async (_, config, expected) => {
    await using world = await openHttpAudit({ chain: [entry(config)] });
    expect(await statuses(world.base, ['a', 'a', 'b', 'b'])).toEqual([...expected]);
    expect(world.reached).toHaveLength(expected.filter((status) => status === 200).length);
    // Nothing but calls of tools is limited.
    expect((await post(world.base, { id: 1, method: 'tools/list' })).status).toBe(200);
  });

  test('is told with the time to wait', async () => {
    await using world = await openHttpAudit({ audit: {}, chain: [entry({ shared: bucket(1, '1m30s') })] });
    await post(world.base, call('a'));
    const refused = await post(world.base, call('a', 7));
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([
      429,
      '90',
      {
        jsonrpc: '2.0',
        id: 7,
        error: { code: 429, message: 'Rate limit exceeded', data: { retryAfterSeconds: 90 } },
      },
    ]);
    const told = await post(world.base, { method: 'tools/call', params: { name: 'a' } });
    expect('id' in ((await told.json()) as object)).toBe(false);
    const events = await waitFor(world.events, ({ length }) => length >= 3, { what: '3 events' });
    expect(events.map(({ type, outcome }) => [type, outcome])).toEqual([
      ['mcp_tool_call', 'success'],
      ['mcp_tool_call', 'failure'],
      ['mcp_tool_call', 'failure'],
    ]);
  });

  test.each([
    ['no token', { shared: bucket(0) }, 'maxTokens must be at least 1'],
    ['no period', { shared: bucket(1, '0s') }, 'refillPeriod must be positive'],
    ['no duration', { shared: bucket(1, '60') }, 'missing unit in duration'],
  ])('with %s keeps the proxy from starting', async (_, config, message) => {
    await expect(openHttpAudit({ chain: [entry(config)] })).rejects.toThrow(message);
  });
});

describe.skipIf(Bun.which('redis-server') === null)('buckets in Redis', () => {
  async function openRedis(password = '', wanted = 0) {
    const port = wanted || (await findFreePort(new Set()));
    const folder = await mkdtemp(join(tmpdir(), 'thv-redis-'));
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const server = Bun.spawn(
      ['redis-server', ...args, ...(password === '' ? [] : ['--requirepass', password])],
      { stdout: 'pipe', stderr: 'inherit' },
    );
    for await (const chunk of server.stdout)
      if (new TextDecoder().decode(chunk).includes('Ready to accept connections')) break;
    return {
      port,
      address: `127.0.0.1:${port}`,
      server,
      async [Symbol.asyncDispose]() {
        server.kill();
        await server.exited;
        await rm(folder, { recursive: true });
      },
    };
  }

  test('are shared by all proxies, and named as the reference names them', async () => {
    await using redis = await openRedis('ses:ame');
    const chain = [
      entry({ shared: bucket(3), perUser: bucket(10) }, { redis_addr: redis.address, redis_db: 2 }),
    ];
    const services = { env: { THV_SESSION_REDIS_PASSWORD: 'ses:ame' } };
    await using one = await openHttpAudit({ chain, services });
    await using two = await openHttpAudit({ chain, services });
    expect(await statuses(one.base, ['a', 'b'])).toEqual([200, 200]);
    expect(await statuses(two.base, ['a', 'a'])).toEqual([200, 429]);
    const refused = await post(one.base, call('a'));
    expect(refused.headers.get('retry-after')).toBe('1200');
    const client = new Bun.RedisClient(`redis://:${encodeURIComponent('ses:ame')}@${redis.address}/2`);
    const keys = (await client.keys('*')).sort();
    expect([keys.length, keys[0]]).toEqual([2, 'thv:rl:{ns:srv}:shared']);
    expect(keys[1]).toStartWith('thv:rl:{ns:srv}:user:');
    expect(await client.send('HKEYS', ['thv:rl:{ns:srv}:shared'])).toEqual(['tokens', 'last_refill']);
    expect(await client.ttl('thv:rl:{ns:srv}:shared')).toBeGreaterThan(7000);
    client.close();
  });

  test('that cannot be reached keep the proxy from starting, and later on hold no call up', async () => {
    const away = [entry({ shared: bucket(1) }, { redis_addr: '127.0.0.1:1' })];
    await expect(openHttpAudit({ chain: away })).rejects.toThrow(
      'rate limits: Redis at 127.0.0.1:1 cannot be reached',
    );
    await using redis = await openRedis();
    await using world = await openHttpAudit({
      chain: [entry({ shared: bucket(1) }, { redis_addr: redis.address })],
    });
    expect(await statuses(world.base, ['a', 'a'])).toEqual([200, 429]);
    redis.server.kill();
    await redis.server.exited;
    expect(await statuses(world.base, ['a', 'a'])).toEqual([200, 200]);
    expect(
      world.logged.filter(({ msg }) => msg === 'rate limits cannot be looked up, calls pass'),
    ).toHaveLength(1);
    await using _ = await openRedis('', redis.port);
    await waitFor(
      () => statuses(world.base, ['a', 'a']),
      (seen) => seen.includes(429),
      { what: 'Redis counts again' },
    );
  });
});
