import { describe, expect, test } from 'bun:test';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, message, openSse, openStreamable, type RawClient } from '../harness/raw-client.ts';
import { openWorld, type World } from '../harness/world.ts';

const TEN_MEGABYTES = 10_000_000;

/** The ways to an answer. */
const CLIENTS: readonly { readonly way: string; readonly open: (url: string) => Promise<RawClient> }[] = [
  { way: 'JSON from /mcp', open: (url) => openStreamable(new URL('/mcp', url).href) },
  { way: 'events from /mcp', open: (url) => openStreamable(new URL('/mcp', url).href, true) },
  { way: '/sse', open: (url) => openSse(new URL('/sse', url).href) },
];

onEachEngine((engine) => {
  describe.each(['stdio', 'streamable-http'] as const)('a %s server', (transport) => {
    test.each(transport === 'stdio' ? CLIENTS : CLIENTS.slice(0, 1))(
      'a result of 10 MB arrives whole as $way',
      async ({ open }) => {
        await using world = await openWorld(engine);
        const url = await runFixture(world, transport === 'stdio' ? 'echo' : 'http', transport);
        await using client = await open(url);
        const text = await callTool(client, 1, 'big', { bytes: TEN_MEGABYTES });
        expect(text.length).toBe(TEN_MEGABYTES);
        expect(/[^x]/.test(text)).toBe(false);
      },
    );

    test('an argument of 10 MB arrives whole', async () => {
      await using world = await openWorld(engine);
      const url = await runFixture(world, transport === 'stdio' ? 'echo' : 'http', transport);
      for (const { open } of transport === 'stdio' ? CLIENTS : CLIENTS.slice(0, 1)) {
        await using client = await open(url);
        const data = 'ÿ'.repeat(TEN_MEGABYTES / 2);
        expect(await callTool(client, 1, 'length', { data })).toBe(`${data.length}`);
      }
    });
  });

  test.each([
    ['noise', 20],
    ['drip', 5], // a millisecond for each byte
    ['flood', 20],
  ])('a server of the kind "%s" is understood', async (behaviour, calls) => {
    await using world = await openWorld(engine);
    const url = await runFixture(world, behaviour);
    for (const { open } of CLIENTS) {
      await using client = await open(url);
      const answers = await Promise.all(
        Array.from({ length: calls }, (_, index) =>
          callTool(client, index + 1, 'echo', { message: `${behaviour} ${index}` }),
        ),
      );
      expect(answers).toEqual(answers.map((_, index) => `${behaviour} ${index}`));
      expect(client.strays).toEqual([]);
    }
  });

  test('clients that never read their answers do not hold up the others', async () => {
    await using world = await openWorld(engine);
    const url = await runFixture(world, 'echo');
    await using deaf = new AsyncDisposableStack();
    for (let index = 0; index < 8; index++) {
      const socket = await connectWithoutReading(Number(new URL(url).port));
      deaf.defer(() => socket.terminate());
      const body = message({
        id: index,
        method: 'tools/call',
        params: { name: 'big', arguments: { bytes: 4_000_000 } },
      });
      socket.write(
        `POST /mcp HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    }
    const stalled = await connectWithoutReading(Number(new URL(url).port));
    deaf.defer(() => stalled.terminate());
    stalled.write(`GET /sse HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAccept: text/event-stream\r\n\r\n`);

    for (const { open } of CLIENTS) {
      await using client = await open(url);
      const startedAt = performance.now();
      for (let id = 1; id <= 20; id++)
        expect(await callTool(client, id, 'echo', { message: `${id}` })).toBe(`${id}`);
      // Held up, they would wait until the deaf ones are cut off.
      expect(performance.now() - startedAt).toBeLessThan(20_000);
    }
  });

  test('a server that never answers holds up nobody else, and list goes on', async () => {
    await using world = await openWorld(engine);
    const name = world.name('silent');
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio', '--', 'silent']);
    const silent = await world.reached(name);
    const controller = new AbortController();
    const hung = fetch(new URL('/mcp', silent.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: message({ id: 1, method: 'ping' }),
      signal: controller.signal,
    }).catch((error: Error) => error.name);
    const url = await runFixture(world, 'echo');
    await using client = await openStreamable(new URL('/mcp', url).href);
    expect(await callTool(client, 1, 'echo', { message: 'hello' })).toBe('hello');
    expect((await world.find(name))?.status).toBe('running');
    controller.abort();
    expect(await hung).toBe('AbortError');
  });
});

/** Runs a fixture and gives its URL. */
async function runFixture(world: World, behaviour: string, transport = 'stdio'): Promise<string> {
  const name = world.name(behaviour);
  await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', transport, '--', behaviour]);
  return (await world.reached(name)).url;
}

async function connectWithoutReading(port: number) {
  const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
  socket.pause();
  return socket;
}
