import { describe, expect, test } from 'bun:test';
import {
  Client as NextClient,
  StreamableHTTPClientTransport as NextTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Client as FirstClient } from 'mcp-sdk-1.0/client/index.js';
import { Client as OldClient } from 'mcp-sdk-1.10/client/index.js';
import { SSEClientTransport as OldSseTransport } from 'mcp-sdk-1.10/client/sse.js';
import { StreamableHTTPClientTransport as OldTransport } from 'mcp-sdk-1.10/client/streamableHttp.js';
import { callTool, postModern } from './modern-client.ts';
import { connectSse, INITIALIZE, openEvents, post, type Rpc, until } from './raw-client.ts';
import { createMemoryJournal, openWorld, type World } from './world.ts';

const ALL = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'];
const initialize = (protocolVersion: unknown) => ({
  id: 1,
  method: 'initialize',
  params: { ...INITIALIZE.params, protocolVersion },
});

const open = (mode: string, options = {}) => openWorld({ fixture: 'revisions', args: [mode], ...options });
const told = (world: World): Rpc[] =>
  world.server.reports.map((line): Rpc => JSON.parse(line)).filter(({ method }) => method === 'initialize');

/** What a client of that revision is told to speak, and its session. */
async function shake(base: string, version: unknown) {
  const { headers, message } = await post(`${base}/mcp`, initialize(version));
  return { version: message.result?.protocolVersion, session: headers.get('mcp-session-id') ?? '' };
}

describe('each client of a stdio server has its own revision (spec 04 §6.5)', () => {
  test.each(ALL.map((first) => [first]))('whoever is first (%s), all others get theirs', async (first) => {
    await using world = await open('echo');
    for (const version of [first, ...ALL, ...ALL.toReversed()]) {
      expect((await shake(world.base, version)).version).toBe(version);
    }
    expect(told(world).map(({ params }) => params.protocolVersion)).toEqual(['2025-11-25']);
  });

  test.each([
    ['2025-11-25', ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']],
    ['2025-06-18', ['2024-11-05', '2025-03-26', '2025-06-18', '2025-06-18']],
    ['2025-03-26', ['2024-11-05', '2025-03-26', '2025-03-26', '2025-03-26']],
    ['2024-11-05', ['2024-11-05', '2024-11-05', '2024-11-05', '2024-11-05']],
  ])('a server of %s offers nobody more than it speaks', async (newest, expected) => {
    await using world = await open(newest);
    const got = [];
    for (const version of ALL) got.push((await shake(world.base, version)).version);
    expect(got).toEqual(expected);
    expect(told(world)).toHaveLength(1);
  });

  test.each(['2099-01-01', '2026-07-28', '1.0', '', 7, null, undefined])(
    'what is no revision with a handshake (%p) gets the server’s',
    async (version) => {
      await using world = await open('2025-06-18');
      expect((await shake(world.base, version)).version).toBe('2025-06-18');
      expect((await shake(world.base, '2024-11-05')).version).toBe('2024-11-05');
    },
  );

  test('over both transports, and for clients that come at once', async () => {
    await using world = await open('echo');
    await using source = await openEvents(`${world.base}/sse`);
    await until(() => source.events.length > 0);
    const [mine] = await Promise.all([
      source.next(({ id }) => id === 1),
      post(source.events[0]?.data ?? '', initialize('2024-11-05')),
      ...ALL.map(async (version) => expect((await shake(world.base, version)).version).toBe(version)),
    ]);
    expect(mine.result.protocolVersion).toBe('2024-11-05');
    expect(told(world)).toHaveLength(1);
  });

  test.each(['2025-03-26', '2024-11-05'])(
    'a server that refuses all but %s is asked for the client’s own',
    async (only) => {
      await using world = await open(`refuses=${only}`);
      expect((await shake(world.base, only)).version).toBe(only);
      expect(told(world).map(({ params }) => params.protocolVersion)).toEqual(['2025-11-25', only]);
      expect((await shake(world.base, '2025-11-25')).version).toBe(only);
    },
  );

  test('a new process is asked for the newest too, and sessions keep their revisions', async () => {
    await using world = await open('echo');
    const { session } = await shake(world.base, '2024-11-05');
    world.attach('revisions', 'second', ['echo']);
    await until(() => told(world).length > 0);
    expect(told(world)[0]?.params.protocolVersion).toBe('2025-11-25');
    expect((await shake(world.base, '2025-06-18')).version).toBe('2025-06-18');
    expect(await typesFor(world.base, session)).toEqual(['text', 'text', 'text']);
  });

  test('after a crash of ours as well', async () => {
    const journal = createMemoryJournal();
    await using before = await open('echo', { journal });
    const old = await shake(before.base, '2025-03-26');
    await using after = await open('echo', { journal: createMemoryJournal(journal.records) });
    expect((await shake(after.base, '2024-11-05')).version).toBe('2024-11-05');
    expect(await typesFor(after.base, old.session)).toEqual(['text', 'audio', 'text']);
  });

  test('modern callers are no part of it', async () => {
    await using world = await openWorld({ fixture: 'modern', args: ['dual'] });
    expect((await shake(world.base, '2024-11-05')).version).toBe('2024-11-05');
    expect((await postModern(world.base, callTool('echo', { text: 'x' }))).status).toBe(200);
    expect((await shake(world.base, '2025-06-18')).version).toBe('2025-06-18');
  });
});

async function typesFor(base: string, session: string): Promise<string[]> {
  const { message } = await post(
    `${base}/mcp`,
    { id: 2, method: 'tools/call', params: { name: 'all' } },
    { session },
  );
  return message.result.content.map(({ type }: { type: string }) => type);
}

describe('content that a revision does not have is text there (§6.5)', () => {
  test.each([
    ['2024-11-05', ['text', 'text', 'text']],
    ['2025-03-26', ['text', 'audio', 'text']],
    ['2025-06-18', ['text', 'audio', 'resource_link']],
    ['2025-11-25', ['text', 'audio', 'resource_link']],
  ])('a client of %s', async (version, types) => {
    await using world = await open('echo');
    const { session } = await shake(world.base, version);
    expect(await typesFor(world.base, session)).toEqual(types);
    const prompt = await post(
      `${world.base}/mcp`,
      { id: 3, method: 'prompts/get', params: { name: 'p' } },
      { session },
    );
    expect(prompt.message.result.messages.map(({ content }: Rpc['result']) => content.type)).toEqual(types);
  });

  test('it says the same, and everything else stays', async () => {
    await using world = await open('echo');
    const { session } = await shake(world.base, '2024-11-05');
    const { message } = await post(
      `${world.base}/mcp`,
      { id: 2, method: 'tools/call', params: { name: 'all' } },
      { session },
    );
    expect(message.result).toMatchObject({ structuredContent: { audio: [1] }, later: 'member' });
    expect(message.result.content).toEqual([
      { type: 'text', text: 'plain', _meta: { kept: true } },
      { type: 'text', text: '[audio: audio/wav, 5 bytes]', data: 'aGVsbG8=', mimeType: 'audio/wav' },
      {
        type: 'text',
        text: '[resource link: a (file:///a, text/plain)] the first',
        uri: 'file:///a',
        name: 'a',
        mimeType: 'text/plain',
        description: 'the first',
      },
    ]);
  });

  test('over the SSE transport, in questions of the server too', async () => {
    await using world = await open('echo');
    await using source = await openEvents(`${world.base}/sse`);
    await until(() => source.events.length > 0);
    const url = source.events[0]?.data ?? '';
    await post(url, initialize('2024-11-05'));
    await source.next(({ id }) => id === 1);
    await post(url, { id: 2, method: 'ask' });
    const question = await source.next(({ method }) => method === 'sampling/createMessage');
    expect(question.params.messages[0].content.text).toBe('[audio: audio/wav, 5 bytes]');
    await using newer = await connectSse(world.base);
    const { result } = await newer.request(5, 'tools/call', { name: 'all' });
    expect(result.content[1].type).toBe('audio');
  });
});

describe('official clients of all ages behind one server, the newest first (§6.5)', () => {
  const MCP = '/mcp';
  const SSE = '/sse';
  const clients = {
    'client 2.x': [MCP, () => new NextClient({ name: 'a', version: '1' }), NextTransport],
    'sdk 1.32': [MCP, () => new Client({ name: 'a', version: '1' }), StreamableHTTPClientTransport],
    'sdk 1.10': [MCP, () => new OldClient({ name: 'a', version: '1' }), OldTransport],
    'sdk 1.10 over SSE': [SSE, () => new OldClient({ name: 'a', version: '1' }), OldSseTransport],
    'sdk 1.0 over SSE': [
      SSE,
      () => new FirstClient({ name: 'a', version: '1' }, { capabilities: {} }),
      OldSseTransport,
    ],
  } as const;
  type Name = keyof typeof clients;
  const names = Object.keys(clients) as Name[];

  test.each([
    ['newest first', names],
    ['oldest first', names.toReversed()],
  ])('%s', async (_, order) => {
    await using world = await open('echo');
    for (const name of order) {
      const [path, create, Transport] = clients[name];
      const client = create();
      await client.connect(new Transport(new URL(world.base + path)) as never);
      expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['all']);
      const { content } = (await client.callTool({ name: 'all', arguments: {} })) as Rpc['result'];
      expect([name, content.length]).toEqual([name, 3]);
      await client.close();
    }
    expect(told(world)).toHaveLength(1);
  });
});
