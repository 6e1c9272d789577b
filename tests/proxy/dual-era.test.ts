import { describe, expect, test } from 'bun:test';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { callTool, MODERN, postModern } from './modern-client.ts';
import { connectSse, connectStreamable, INITIALIZE, post, type Rpc } from './raw-client.ts';
import { createMemoryJournal, openWorld, type World } from './world.ts';

const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
const textOf = ({ result }: Rpc): string => result.content[0].text;
const told = (world: World, method: string): number =>
  world.server.reports.map((line): Rpc => JSON.parse(line)).filter((message) => message.method === method)
    .length;

async function usesModern({ base }: World): Promise<void> {
  const { status, message } = await postModern(base, { method: 'tools/list' });
  expect([status, message.result?.resultType, message.result?.tools.length]).toEqual([200, 'complete', 1]);
  expect(
    textOf(
      (await postModern(base, callTool('echo', { text: 'new' }), { headers: { 'Mcp-Param-Text': 'new' } }))
        .message,
    ),
  ).toBe('new');
}

async function usesLegacy({ base }: World): Promise<string> {
  const { session, call } = await connectStreamable(base);
  expect(textOf((await call('echo', { text: 'old' })).message)).toBe('old');
  return session;
}

describe.each([['dual'], ['dual', 'once']])(
  'a server of both eras (%s %s) serves both, whichever comes first (spec 04 §19.3)',
  (...args: string[]) => {
    const open = (options = {}) => openWorld({ fixture: 'modern', args, ...options });

    test('legacy first', async () => {
      await using world = await open();
      await usesLegacy(world);
      await usesModern(world);
      await usesLegacy(world);
      expect([told(world, 'initialize'), told(world, 'server/discover')]).toEqual([1, 1]);
    });

    test('modern first', async () => {
      await using world = await open();
      await usesModern(world);
      await usesLegacy(world);
      await usesModern(world);
      await using sse = await connectSse(world.base);
      expect(textOf(await sse.request(1, 'tools/call', { name: 'echo', arguments: { text: 'sse' } }))).toBe(
        'sse',
      );
      // Servers exist that keep to the era of a handshake, so what was discovered ahead of one is asked again.
      const isAskedAgain = !args.includes('once');
      expect([told(world, 'initialize'), told(world, 'server/discover')]).toEqual([1, isAskedAgain ? 2 : 1]);
    });

    test('both at once', async () => {
      await using world = await open();
      await Promise.all([usesModern(world), usesLegacy(world), usesModern(world), usesLegacy(world)]);
      expect(told(world, 'initialize')).toBe(1);
    });

    test.each(['legacy', 'modern'])('%s first, then another process', async (first) => {
      await using world = await open();
      if (first === 'legacy') await usesLegacy(world);
      await usesModern(world);
      const session = await usesLegacy(world);
      await world.server.kill();
      world.attach('modern', 'second', args);
      await usesModern(world);
      const { call } = await connectStreamable(world.base, session);
      expect(textOf((await call('echo', { text: 'again' })).message)).toBe('again');
      await usesLegacy(world);
    });

    test('after a crash of ours, the process being the same', async () => {
      const journal = createMemoryJournal();
      await using before = await open({ journal });
      await usesLegacy(before);
      await using after = await open({ journal: createMemoryJournal(journal.records) });
      await usesModern(after);
      await usesLegacy(after);
      expect(told(after, 'initialize')).toBe(0);
    });

    test('after a stop and a start: the journal holds a handshake, and the process is new', async () => {
      const journal = createMemoryJournal();
      {
        await using before = await open({ journal });
        const session = await usesLegacy(before);
        await fetch(`${before.base}/mcp`, { method: 'DELETE', headers: { 'Mcp-Session-Id': session } });
      }
      await using after = await open({ journal, fixture: undefined });
      after.attach('modern', 'second', args);
      await usesModern(after);
      await usesLegacy(after);
    });

    test('an unknown version is offered both eras', async () => {
      await using world = await open();
      await usesLegacy(world);
      await usesModern(world);
      const params = { name: 'echo', _meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } };
      const { message } = await post(`${world.base}/mcp`, { id: 1, method: 'tools/call', params });
      expect((message.error as { data?: unknown } | undefined)?.data).toEqual({
        supported: [MODERN, ...LEGACY],
        requested: '2099-01-01',
      });
    });

    test('official clients of both eras side by side', async () => {
      await using world = await open();
      for (const mode of ['legacy', 'auto', 'legacy']) {
        const client = new Client({ name: 'a', version: '1' }, { versionNegotiation: { mode } } as never);
        await client.connect(new StreamableHTTPClientTransport(new URL(`${world.base}/mcp`)));
        expect(textOf({ result: await client.callTool({ name: 'echo', arguments: { text: mode } }) })).toBe(
          mode,
        );
        await client.close();
      }
    });
  },
);

test('who calls a handshake repeated is answered for from what it said of itself, in each caller’s revision (§19.3)', async () => {
  await using world = await openWorld({ fixture: 'modern', args: ['dual', 'once'] });
  await usesModern(world);
  for (const protocolVersion of LEGACY) {
    const params = { ...INITIALIZE.params, protocolVersion };
    const { headers, message } = await post(`${world.base}/mcp`, { id: 'a', method: 'initialize', params });
    expect(headers.get('mcp-session-id')).toBeString();
    expect([message.id, message.result]).toEqual([
      'a',
      {
        protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: 'discovered', version: '2' },
        instructions: 'as discovered',
      },
    ]);
  }
  expect(told(world, 'initialize')).toBe(1);
});

test('the same after a crash of ours, which forgets what was discovered (§19.3)', async () => {
  const journal = createMemoryJournal();
  await using world = await openWorld({ fixture: 'modern', args: ['dual', 'once'], journal });
  await usesModern(world);
  // The process keeps its memory of the first client: it is attached to a bridge without one.
  await using after = await openWorld({ fixture: 'modern', args: ['dual', 'once'] });
  await post(`${after.base}/mcp`, { id: 1, method: 'tools/list' });
  await usesLegacy(after);
});

test('a server of the era without a handshake only keeps to it (§19.3)', async () => {
  await using modern = await openWorld({ fixture: 'modern' });
  await usesModern(modern);
  const refused = await post(`${modern.base}/mcp`, { id: 1, ...INITIALIZE });
  expect([refused.headers.get('mcp-session-id'), refused.message.error?.code]).toEqual([null, -32022]);
  await usesModern(modern);
});

describe('the official server, which keeps to the era it heard first (§19.3)', () => {
  async function echoes({ base }: World, mode: string): Promise<void> {
    const client = new Client({ name: 'a', version: '1' }, { versionNegotiation: { mode } } as never);
    await client.connect(new StreamableHTTPClientTransport(new URL(`${base}/mcp`)));
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['echo']);
    expect(textOf({ result: await client.callTool({ name: 'echo', arguments: {} }) })).toBe('x');
    if (mode === 'legacy') await client.ping();
    await client.close();
  }

  test('legacy first: clients of both eras are served', async () => {
    await using world = await openWorld({ fixture: 'official-dual' });
    for (const mode of ['legacy', 'auto', 'legacy']) await echoes(world, mode);
  });

  test('modern first: clients of both eras are served', async () => {
    await using world = await openWorld({ fixture: 'official-dual' });
    expect((await postModern(world.base, { method: 'tools/list' })).status).toBe(200);
    await echoes(world, 'legacy');
    const { session, call } = await connectStreamable(world.base);
    expect(textOf((await call('echo')).message)).toBe('x');
    await using sse = await connectSse(world.base);
    expect(textOf(await sse.request('s', 'tools/call', { name: 'echo' }))).toBe('x');
    expect((await postModern(world.base, callTool('echo'))).status).toBe(200);
    // Without a session, with params and without, with `_meta` and without.
    for (const params of [undefined, {}, { _meta: {} }, { _meta: { progressToken: 1 } }]) {
      const { message } = await post(`${world.base}/mcp`, { id: 1, method: 'tools/list', params });
      expect(message.result.tools).toHaveLength(1);
    }
    await world.server.kill();
    world.attach('official-dual', 'second');
    for (let round = 0; round < 2; round += 1) {
      const again = await connectStreamable(world.base, session);
      expect(textOf((await again.call('echo')).message)).toBe('x');
      expect((await postModern(world.base, callTool('echo'))).status).toBe(200);
      await usesOfficial(world.base);
    }
    // Another program in its place, which knows nothing of that era.
    await world.server.kill();
    world.attach('toolbox', 'third');
    expect(textOf((await postModern(world.base, callTool('echo', { text: 'new' }))).message)).toBe('new');
    const other = await connectStreamable(world.base, session);
    expect(textOf((await other.call('echo', { text: 'old' })).message)).toBe('old');
  });

  test('modern first, then a crash of ours', async () => {
    const journal = createMemoryJournal();
    await using world = await openWorld({ fixture: 'official-dual', journal });
    await postModern(world.base, { method: 'tools/list' });
    await usesOfficial(world.base);
    expect(journal.records).toContainEqual(expect.objectContaining({ type: 'handshake', isStandIn: true }));
  });

  async function usesOfficial(base: string): Promise<void> {
    const { call } = await connectStreamable(base);
    expect(textOf((await call('echo')).message)).toBe('x');
  }
});
