import { describe, expect, test } from 'bun:test';
import { connectSse, connectStreamable, INITIALIZE, post, type Rpc, until } from './raw-client.ts';
import { createMemoryJournal, openWorld, type World } from './world.ts';

const textOf = ({ result }: Rpc): string => result.content[0].text;
const told = (world: World, method: string): Rpc[] =>
  world.server.reports.map((line): Rpc => JSON.parse(line)).filter((message) => message.method === method);

describe.each(['same', 'text', 'fraction'])(
  'a server that takes integer ids only, and repeats them as: %s (spec 04 §6.3)',
  (form) => {
    const open = () => openWorld({ fixture: 'numbers-only', args: [form] });

    test.each([1, 'one', 9007199254740993n, 1.5])(
      'a client whose ids are like %p is answered over both transports',
      async (id) => {
        await using world = await open();
        const text = typeof id === 'string' ? `"${id}"` : String(id);
        const call = `{"jsonrpc":"2.0","id":${text},"method":"tools/call","params":{"name":"any"}}`;
        const { session } = await connectStreamable(world.base);
        expect((await post(`${world.base}/mcp`, call, { session })).text).toContain(`"id":${text},"result"`);
        await using sse = await connectSse(world.base);
        expect(await sse.post(call)).toBe(202);
        await until(() => sse.source.events.some(({ data }) => data.includes(`"id":${text},"result"`)));
      },
    );

    test('progress comes back under the client’s own token', async () => {
      await using world = await open();
      const client = await connectStreamable(world.base);
      await using stream = await client.stream('any', {}, { _meta: { progressToken: 'mine' } });
      expect(
        (await stream.next(({ method }) => method === 'notifications/progress')).params.progressToken,
      ).toBe('mine');
      expect(textOf(await stream.next(({ result }) => result !== undefined))).toBe('done');
    });

    test('a cancellation names the integer that the server knows', async () => {
      await using world = await open();
      const client = await connectStreamable(world.base);
      void client.call('silent', {}, { id: 'mine' });
      await until(() => told(world, 'tools/call').length > 0);
      await client.send({ method: 'notifications/cancelled', params: { requestId: 'mine' } });
      await until(() => told(world, 'notifications/cancelled').length > 0);
      const [call] = told(world, 'tools/call');
      expect(told(world, 'notifications/cancelled')[0]?.params.requestId).toBe(call?.id);
    });

    test('a question of the server reaches the client under an integer too', async () => {
      await using world = await open();
      const client = await connectStreamable(world.base);
      await using stream = await client.stream('ask');
      const question = await stream.next(({ method }) => method === 'roots/list');
      expect(Number.isInteger(question.id)).toBe(true);
      await client.send({ id: question.id, result: { roots: [] } });
      expect(textOf(await stream.next(({ result }) => result !== undefined))).toBe('{"roots":[]}');
    });
  },
);

test('ids are positive 32-bit integers, each used once (§6.3)', async () => {
  await using world = await openWorld();
  const client = await connectStreamable(world.base);
  await Promise.all(Array.from({ length: 50 }, () => client.call('echo', { text: 'x' })));
  const ids = told(world, 'tools/call').map(({ id }) => Number(id));
  expect(new Set(ids).size).toBe(50);
  expect(ids.every((id) => Number.isInteger(id) && id > 0 && id < 2 ** 31)).toBe(true);
});

test('ids of two lives of ours do not meet: each begins elsewhere (§6.3)', async () => {
  const first = await Promise.all(
    [1, 2, 3].map(async () => {
      await using world = await openWorld();
      await post(`${world.base}/mcp`, { id: 1, ...INITIALIZE });
      return told(world, 'initialize')[0]?.id;
    }),
  );
  expect(new Set(first).size).toBe(3);
});

test.each([
  ['a colour before it', '\u001b[36m', '\u001b[0m'],
  ['a byte order mark before it', '\ufeff', ''],
  ['a carriage return behind it', '', '\r'],
  ['an overwritten line before it', 'working…\r\u001b[K', ''],
  ['a prompt before it', '> ', ''],
  ['a batch around it', '[', ',{"jsonrpc":"2.0","method":"notifications/x"}]'],
])('an answer with %s reaches its client (§19.6)', async (_, before, after) => {
  await using world = await openWorld();
  const client = await connectStreamable(world.base);
  const call = client.call('silent', {}, { id: 'mine' });
  await until(() => told(world, 'tools/call').length > 0);
  world.server.receive(
    `${before}{"jsonrpc":"2.0","id":${told(world, 'tools/call')[0]?.id},"result":{}}${after}\n`,
  );
  expect((await call).message).toEqual({ jsonrpc: '2.0', id: 'mine', result: {} });
});

test('what was written to a process is known, in this life and after a crash of ours (§4)', async () => {
  const journal = createMemoryJournal();
  await using world = await openWorld({ journal });
  expect(world.bridge.hasWrittenTo('first')).toBe(false);
  await connectStreamable(world.base);
  expect([world.bridge.hasWrittenTo('first'), world.bridge.hasWrittenTo('second')]).toEqual([true, false]);
  await using after = await openWorld({ journal: createMemoryJournal(journal.records), fixture: undefined });
  expect([after.bridge.hasWrittenTo('first'), after.bridge.hasWrittenTo('second')]).toEqual([true, false]);
});
