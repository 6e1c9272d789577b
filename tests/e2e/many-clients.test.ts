import { expect, test } from 'bun:test';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { onEachEngine } from '../harness/on-each-engine.ts';
import { callTool, openSse, openStreamable, type RawClient } from '../harness/raw-client.ts';
import { openWorld } from '../harness/world.ts';

const CLIENTS = 50;
const CALLS = 200;
/** Calls that one client has under way at a time. */
const OUTSTANDING = 8;

onEachEngine((engine) => {
  test('50 clients with 200 calls each, all with the same ids, get each answer once and nobody else’s', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio']);
    const { url } = await world.reached(name);

    await using clients = new AsyncDisposableStack();
    const open = async (index: number): Promise<RawClient> => {
      if (index % 3 === 0) return clients.use(await openSse(new URL('/sse', url).href));
      return clients.use(await openStreamable(new URL('/mcp', url).href, index % 3 === 1));
    };
    const opened = await Promise.all(Array.from({ length: CLIENTS }, (_, index) => open(index)));

    const answered = await Promise.all(opened.map((client, index) => callAll(client, index)));
    expect(answered.flat().filter(({ expected, received }) => expected !== received)).toEqual([]);
    expect(answered.flat()).toHaveLength(CLIENTS * CALLS);
    expect(opened.flatMap(({ strays }) => strays)).toEqual([]);
  }, 120_000);

  test('progress of two calls with the same token reaches only who asked, complete and before the answer', async () => {
    await using world = await openWorld(engine);
    const name = world.name();
    await world.ok(['run', FIXTURE_IMAGE, '--name', name, '--transport', 'stdio']);
    const { url } = await world.reached(name);
    const endpoint = new URL('/mcp', url).href;
    const callers = await Promise.all(
      [3, 5].map(async (steps) => ({ steps, client: await openStreamable(endpoint, true) })),
    );

    const streams = await Promise.all(
      callers.map(({ steps, client }) =>
        client.stream(1, 'tools/call', {
          name: 'progress',
          arguments: { steps },
          _meta: { progressToken: 'same' },
        }),
      ),
    );
    expect(streams.map((messages) => messages.map(({ params, id }) => params ?? id))).toEqual(
      callers.map(({ steps }) => [
        ...Array.from({ length: steps }, (_, index) => ({
          progressToken: 'same',
          progress: index + 1,
          total: steps,
        })),
        1,
      ]),
    );
    for (const { client } of callers) await client[Symbol.asyncDispose]();
  });
});

interface Answered {
  readonly expected: string;
  readonly received: string;
}

/** Every client counts its ids from 1, so that answers that go astray are taken for somebody else's. */
async function callAll(client: RawClient, index: number): Promise<readonly Answered[]> {
  const answered: Answered[] = [];
  let next = 1;
  const callOneAfterAnother = async () => {
    while (next <= CALLS) {
      const id = next++;
      const expected = `client ${index} call ${id}`;
      answered.push({ expected, received: await callTool(client, id, 'echo', { message: expected }) });
    }
  };
  await Promise.all(Array.from({ length: OUTSTANDING }, callOneAfterAnother));
  return answered;
}
