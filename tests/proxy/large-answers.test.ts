import { describe, expect, test } from 'bun:test';
import { callTool, postModern } from './modern-client.ts';
import { connectSse, connectStreamable, type Posted } from './raw-client.ts';
import { openWorld } from './world.ts';

const BOTH = 'application/json, text/event-stream';
const JSON_TYPE = 'application/json';
const EVENTS = 'text/event-stream';
const LARGE = 2 * 1024 * 1024;
/** What a client of the official Python SDK takes as one event. */
const EVENT_LIMIT = 1024 * 1024;

const typeOf = ({ headers }: Posted) => headers.get('content-type');
const lengthOf = ({ message }: Posted) => message.result.content[0].text.length;

describe('a large answer is no event where that can be helped (spec 04 §6.2)', () => {
  test.each([
    ['application/json, text/event-stream', JSON_TYPE],
    ['text/event-stream, application/json', JSON_TYPE],
    ['text/event-stream;q=0.9, application/json;q=0.1', JSON_TYPE],
    ['text/event-stream, */*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['text/event-stream', EVENTS],
  ])('accepting %s: %s', async (accept, expected) => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const answer = await call('big', { bytes: LARGE }, { accept });
    expect([answer.status, typeOf(answer), lengthOf(answer)]).toEqual([200, expected, LARGE]);
  });

  test('no event of a client that takes JSON comes near the limit, and small answers stay events', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    for (const bytes of [0, 1000, 500_000, 512 * 1024, EVENT_LIMIT - 100, EVENT_LIMIT, EVENT_LIMIT + 1]) {
      const answer = await call('big', { bytes }, { accept: BOTH });
      expect(lengthOf(answer)).toBe(bytes);
      expect([bytes, typeOf(answer)]).toEqual([bytes, bytes <= 500_000 ? EVENTS : JSON_TYPE]);
    }
  });

  test('size is counted in bytes, not in characters', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const answer = await call('echo', { text: '漢'.repeat(400_000) }, { accept: BOTH });
    expect([typeOf(answer), lengthOf(answer)]).toEqual([JSON_TYPE, 400_000]);
  });

  test('an answer that took some time is held back as long as nothing was said', async () => {
    await using world = await openWorld();
    const { call } = await connectStreamable(world.base);
    const text = 'x'.repeat(LARGE);
    const answer = await call('delay', { ms: 300, text }, { accept: BOTH });
    expect([typeOf(answer), lengthOf(answer)]).toEqual([JSON_TYPE, LARGE]);
  });

  test.each([
    ['python-httpx2/2.16.2', 1500, JSON_TYPE],
    ['another', 1500, EVENTS],
  ])(
    'a slow one to a client that can resume, whose HTTP client is %s, after %d ms: %s',
    async (agent, ms, expected) => {
      await using world = await openWorld();
      const { send } = await connectStreamable(world.base);
      const params = { name: 'delay', arguments: { ms, text: 'x'.repeat(LARGE) } };
      const answer = await send(
        { id: 1, method: 'tools/call', params },
        { accept: BOTH, headers: { 'User-Agent': agent, 'MCP-Protocol-Version': '2025-11-25' } },
      );
      expect([typeOf(answer), lengthOf(answer)]).toEqual([expected, LARGE]);
    },
  );

  test('behind progress it is an event of the same stream', async () => {
    await using world = await openWorld();
    const { stream } = await connectStreamable(world.base);
    await using source = await stream(
      'progress',
      { steps: 2, bytes: LARGE },
      { _meta: { progressToken: 1 } },
    );
    await source.next(({ result }) => result !== undefined);
    expect(source.messages.map(({ method }) => method)).toEqual([
      'notifications/progress',
      'notifications/progress',
      undefined,
    ]);
  });

  test('of revision 2026-07-28 as well', async () => {
    await using world = await openWorld({ fixture: 'modern' });
    const answer = await postModern(world.base, callTool('echo', { text: 'x'.repeat(LARGE) }), {
      accept: BOTH,
    });
    expect([answer.status, typeOf(answer), lengthOf(answer)]).toEqual([200, JSON_TYPE, LARGE]);
  });

  test('the old SSE transport knows events only', async () => {
    await using world = await openWorld();
    await using sse = await connectSse(world.base);
    const { result } = await sse.request(1, 'tools/call', { name: 'big', arguments: { bytes: LARGE } });
    expect(result.content[0].text.length).toBe(LARGE);
  });
});
