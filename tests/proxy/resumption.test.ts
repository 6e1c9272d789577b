import { describe, expect, test } from 'bun:test';
import { connect } from 'node:net';
import { connectStreamable, INITIALIZE, post, until } from './raw-client.ts';
import { createMemoryJournal, openWorld, type World } from './world.ts';

interface Line {
  readonly id: string | undefined;
  readonly data: string;
  readonly retry?: string;
}

/** A stream as it is on the wire, ids and all. */
async function open(world: World, method: 'GET' | 'POST', headers: Record<string, string>, body?: object) {
  const controller = new AbortController();
  const response = await fetch(`${world.base}/mcp`, {
    method,
    headers: {
      Accept: 'application/json, text/event-stream',
      'Content-Type': 'application/json',
      ...headers,
    },
    signal: controller.signal,
    ...(body === undefined ? {} : { body: JSON.stringify({ jsonrpc: '2.0', ...body }) }),
  });
  const events: Line[] = [];
  const state = { ended: false };
  const reading = (async () => {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const bytes of response.body ?? []) {
        const blocks = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1];
          const [id, retry] = ['id', 'retry'].map((name) => RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]);
          if (data !== undefined) events.push({ id, data, ...(retry === undefined ? {} : { retry }) });
        }
      }
    } catch {
      // Left by the test.
    }
    state.ended = true;
  })();
  return {
    status: response.status,
    events,
    isEnded: () => state.ended,
    async leave() {
      controller.abort();
      await reading;
    },
  };
}

const changed = (n: number) =>
  `{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":${n}}}`;
const numbers = (events: readonly Line[]) => events.map(({ data }) => JSON.parse(data).params.n);

function say(world: World, ...which: readonly number[]): void {
  for (const n of which) world.server.receive(`${changed(n)}\n`);
}

describe('a lost GET stream', () => {
  test('goes on where it was: what was missed comes once', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': session };
    const first = await open(world, 'GET', headers);
    say(world, 1, 2);
    await until(() => first.events.length === 2);
    const last = first.events[1]?.id ?? '';
    expect(last).not.toBe('');
    await first.leave();
    say(world, 3, 4);
    const second = await open(world, 'GET', { ...headers, 'Last-Event-ID': last });
    await until(() => second.events.length === 2);
    say(world, 5);
    await until(() => second.events.length === 3);
    expect(numbers(second.events)).toEqual([3, 4, 5]);
    const ids = [...first.events, ...second.events].map(({ id }) => id);
    expect(new Set(ids).size).toBe(5);
    const third = await open(world, 'GET', { ...headers, 'Last-Event-ID': ids[4] ?? '' });
    say(world, 6);
    await until(() => third.events.length > 0);
    expect(numbers(third.events)).toEqual([6]);
    expect(second.isEnded()).toBe(true);
    await third.leave();
  });

  test.each([
    ['no id', undefined],
    ['an id of nobody', 'nobody.1.1'],
    ['nonsense', '€ ..'],
    ['an id of no request', 'nobody.1.1.e30'],
    ['half a request', 'nobody.1.1.IjE'],
  ])('%s begins anew', async (_, last) => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': session };
    const first = await open(world, 'GET', headers);
    say(world, 1);
    await until(() => first.events.length === 1);
    await first.leave();
    say(world, 2);
    const again = await open(world, 'GET', {
      ...headers,
      ...(last === undefined ? {} : { 'Last-Event-ID': encodeURI(last) }),
    });
    say(world, 3);
    await until(() => again.events.length > 0);
    expect(numbers(again.events)).toEqual([3]);
    await again.leave();
  });

  test('of one session tells nothing to another', async () => {
    await using world = await openWorld();
    const one = await connectStreamable(world.base);
    const two = await connectStreamable(world.base);
    const first = await open(world, 'GET', { 'Mcp-Session-Id': one.session });
    say(world, 1);
    await until(() => first.events.length === 1);
    const last = first.events[0]?.id ?? '';
    await first.leave();
    say(world, 2);
    const other = await open(world, 'GET', { 'Mcp-Session-Id': two.session, 'Last-Event-ID': last });
    say(world, 3);
    await until(() => other.events.length > 0);
    expect(numbers(other.events)).toEqual([3]);
    await other.leave();
  });

  test('is remembered up to a number of bytes, the newest first', async () => {
    await using world = await openWorld({ replayBytes: 1000 });
    const { session } = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': session };
    const first = await open(world, 'GET', headers);
    say(world, 0);
    await until(() => first.events.length === 1);
    const last = first.events[0]?.id ?? '';
    await first.leave();
    for (let n = 1; n <= 100; n += 1) say(world, n);
    world.server.receive(`${changed(101).replace('"n"', `"filler":"${'x'.repeat(2000)}","n"`)}\n`);
    const again = await open(world, 'GET', { ...headers, 'Last-Event-ID': last });
    say(world, 102);
    await until(() => numbers(again.events).includes(102));
    expect(numbers(again.events).slice(-3)).toEqual([99, 100, 102]);
    expect(again.events.length).toBeLessThan(12);
    await again.leave();
  });

  test.each([
    ['of the revision before', { version: '2024-11-05' }],
    ['switched off', { version: '2025-06-18', replayBytes: 0 }],
  ])('%s has no event ids', async (_, { version, ...options }) => {
    await using world = await openWorld(options);
    const { headers } = await post(`${world.base}/mcp`, {
      id: 1,
      ...INITIALIZE,
      params: { ...INITIALIZE.params, protocolVersion: version },
    });
    const stream = await open(world, 'GET', { 'Mcp-Session-Id': headers.get('mcp-session-id') ?? '' });
    say(world, 1);
    await until(() => stream.events.length === 1);
    expect(stream.events[0]?.id).toBeUndefined();
    await stream.leave();
  });
});

describe('a lost POST stream', () => {
  const progress = (steps: number, ms: number) => ({
    id: 7,
    method: 'tools/call',
    params: { name: 'progress', arguments: { steps, ms }, _meta: { progressToken: 'p' } },
  });

  test.each([
    ['while the call runs', 0],
    ['after the answer', 600],
  ])('goes on over GET, %s', async (_, awayMs) => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': session };
    const first = await open(world, 'POST', headers, progress(10, 50));
    await until(() => first.events.length >= 2);
    await first.leave();
    await Bun.sleep(awayMs);
    const last = first.events.at(-1)?.id ?? '';
    const second = await open(world, 'GET', { ...headers, 'Last-Event-ID': last });
    await until(() => second.isEnded());
    const all = [...first.events, ...second.events].map(({ data }) => JSON.parse(data));
    expect(all.slice(0, -1).map(({ params }) => params.progress)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(all.at(-1).id).toBe(7);
    expect(world.server.reports.some((line) => line.includes('notifications/cancelled'))).toBe(false);
  });

  test('spec 04 §19.4 that nobody comes back to is cancelled', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const stream = await open(world, 'POST', { 'Mcp-Session-Id': session }, progress(1000, 50));
    await until(() => stream.events.length > 0);
    await stream.leave();
    const isCancelled = () => world.server.reports.some((line) => line.includes('notifications/cancelled'));
    await until(isCancelled, undefined, 6000);
  });

  test('§6.2 an answer that nothing came before carries no id', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const params = { name: 'delay', arguments: { ms: 150 } };
    const stream = await open(
      world,
      'POST',
      { 'Mcp-Session-Id': session },
      { id: 1, method: 'tools/call', params },
    );
    await until(() => stream.isEnded());
    expect(stream.events.map(({ id }) => id)).toEqual([undefined]);
  });
});

describe('an id to come back with before anything is said (MCP 2025-11-25)', () => {
  const delay = (ms: number) => ({
    id: 1,
    method: 'tools/call',
    params: { name: 'delay', arguments: { ms } },
  });
  const newest = { 'MCP-Protocol-Version': '2025-11-25' };

  test('is the first event of a stream, and leads to the answer', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': session, ...newest };
    const first = await open(world, 'POST', headers, delay(400));
    await until(() => first.events.length > 0);
    const [priming] = first.events;
    expect(priming).toEqual({ id: expect.stringMatching(/^\S+$/), retry: '500', data: '' });
    await first.leave();
    const second = await open(world, 'GET', { ...headers, 'Last-Event-ID': priming?.id ?? '' });
    await until(() => second.isEnded());
    expect(second.events.map(({ data }) => JSON.parse(data).result.content[0].text)).toEqual(['400']);
    expect(world.server.reports.some((line) => line.includes('notifications/cancelled'))).toBe(false);
  });

  test('stands before progress and answer on a stream that is not lost', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const params = { name: 'progress', arguments: { steps: 2 }, _meta: { progressToken: 'p' } };
    const message = { id: 1, method: 'tools/call', params };
    const stream = await open(world, 'POST', { 'Mcp-Session-Id': session, ...newest }, message);
    await until(() => stream.isEnded());
    const [priming, ...rest] = stream.events;
    expect(priming?.data).toBe('');
    expect(rest.map(({ data }) => JSON.parse(data).params?.progress)).toEqual([1, 2, undefined]);
    expect(new Set(stream.events.map(({ id }) => id)).size).toBe(4);
  });

  test.each([
    ['a client of 2025-06-18', { 'MCP-Protocol-Version': '2025-06-18' }, {}],
    ['a client that does not say which revision it speaks', {}, {}],
    ['a bridge that keeps nothing', newest, { replayBytes: 0 }],
  ])('is not sent to %s', async (_, headers, options) => {
    await using world = await openWorld(options);
    const { session } = await connectStreamable(world.base);
    const stream = await open(world, 'POST', { 'Mcp-Session-Id': session, ...headers }, delay(150));
    await until(() => stream.isEnded());
    expect(stream.events.map(({ id, data }) => [id, JSON.parse(data).id])).toEqual([[undefined, 1]]);
  });

  test('is not sent without a session, which it could not be used in', async () => {
    await using world = await openWorld();
    await connectStreamable(world.base);
    const stream = await open(world, 'POST', newest, delay(150));
    await until(() => stream.isEnded());
    expect(stream.events.map(({ data }) => JSON.parse(data).id)).toEqual([1]);
  });

  test('is no part of an answer that comes at once', async () => {
    await using world = await openWorld();
    const { session } = await connectStreamable(world.base);
    const stream = await open(world, 'POST', { 'Mcp-Session-Id': session, ...newest }, delay(0));
    await until(() => stream.isEnded());
    expect(stream.events.map(({ id }) => id)).toEqual([undefined]);
  });
});

test('a POST stream that nothing is known of any more ends in an error, not in silence', async () => {
  const journal = createMemoryJournal();
  const before = await openWorld({ journal });
  const { session } = await connectStreamable(before.base);
  const headers = { 'Mcp-Session-Id': session, 'MCP-Protocol-Version': '2025-11-25' };
  const call = { id: 'grüße', method: 'tools/call', params: { name: 'silent' } };
  const lost = await open(before, 'POST', headers, call);
  await until(() => lost.events.length > 0);
  // Killed, not stopped: nothing is said, the journal is what it is.
  await using after = await openWorld({ journal: createMemoryJournal(journal.records) });
  const own = await open(after, 'GET', headers);
  const back = await open(after, 'GET', { ...headers, 'Last-Event-ID': lost.events[0]?.id ?? '' });
  await until(() => back.isEnded());
  const error = { code: -32603, message: 'The answer was lost with its stream' };
  expect(back.events.map(({ data }) => JSON.parse(data))).toEqual([{ jsonrpc: '2.0', id: 'grüße', error }]);
  say(after, 1);
  await until(() => own.events.length > 0);
  await own.leave();
  await lost.leave();
  await before[Symbol.asyncDispose]();
});

test('many lost streams leave nothing behind', async () => {
  await using world = await openWorld();
  const { session } = await connectStreamable(world.base);
  const { port } = new URL(world.base);
  for (let round = 0; round < 50; round += 1) {
    const socket = connect(Number(port), '127.0.0.1');
    socket.write(
      `GET /mcp HTTP/1.1\r\nHost: x\r\nMcp-Session-Id: ${session}\r\nLast-Event-ID: a.1.1\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
  }
  const stream = await open(world, 'GET', { 'Mcp-Session-Id': session });
  say(world, 1);
  await until(() => stream.events.length === 1);
  await stream.leave();
});
