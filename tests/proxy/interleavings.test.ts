import { expect, test } from 'bun:test';
import { array, assert, asyncProperty, constantFrom, integer, oneof, record } from 'fast-check';
import { callTool, postModern } from './modern-client.ts';
import {
  connectSse,
  connectStreamable,
  type Rpc,
  type SseClient,
  type StreamableClient,
} from './raw-client.ts';
import { openWorld } from './world.ts';

const textOf = ({ result }: Rpc): string => result?.content?.[0]?.text;

/** One call of one client: how long the server takes, and which id the client gave it. */
const call = record({
  client: integer({ min: 0, max: 5 }),
  face: constantFrom('json', 'events', 'sse', 'modern', 'sessionless'),
  ms: integer({ min: 0, max: 12 }),
  id: oneof(integer({ min: 0, max: 3 }), constantFrom('0', '1', '', 'ä', '"')),
});

test('spec 04 §19.1 §19.6 whatever the order of calls and answers, each client gets its own answers and no others', async () => {
  // Speaks both eras, so that all five ways to call meet in one process.
  await using world = await openWorld({ fixture: 'modern', args: ['dual'] });
  await postModern(world.base, callTool('echo'));
  const streamable: StreamableClient[] = [];
  const sse: SseClient[] = [];
  for (let index = 0; index <= 5; index += 1) {
    streamable.push(await connectStreamable(world.base));
    sse.push(await connectSse(world.base));
  }
  let round = 0;

  const property = asyncProperty(array(call, { minLength: 1, maxLength: 60 }), async (calls) => {
    round += 1;
    const before = sse.map(({ source }) => source.messages.length);
    const answers = calls.map(async ({ client, face, ms, id }, index) => {
      const text = `${round}/${index}/${client}`;
      const params = { name: 'delay', arguments: { ms, text } };
      const message = { id, method: 'tools/call', params };
      switch (face) {
        case 'modern': {
          const answer = await postModern(world.base, { id, ...callTool('delay', { ms, text }) });
          return [answer.message.id, textOf(answer.message), id, text];
        }
        case 'sse': {
          // Ids repeat in one session: the text tells which of the equal ids this answer is for.
          await sse[client]?.post(message);
          const answer = await sse[client]?.source.next((seen) => textOf(seen) === text);
          return [answer?.id, text, id, text];
        }
        default: {
          const accept = face === 'events' ? 'application/json, text/event-stream' : 'application/json';
          const options = { accept, ...(face === 'sessionless' ? { session: undefined } : {}) };
          const answer = await streamable[client]?.send(message, options);
          return [answer?.message.id, answer && textOf(answer.message), id, text];
        }
      }
    });
    for (const [seenId, seenText, id, text] of await Promise.all(answers)) {
      expect([seenId, seenText]).toEqual([id, text]);
    }
    for (const [client, { source }] of sse.entries()) {
      const mine = calls.filter((each) => each.face === 'sse' && each.client === client).length;
      expect(source.messages.length).toBe((before[client] ?? 0) + mine);
    }
  });
  await assert(property, { numRuns: 150, interruptAfterTimeLimit: 12_000, endOnFailure: true });
  for (const client of sse) await client[Symbol.asyncDispose]();
}, 20_000);
