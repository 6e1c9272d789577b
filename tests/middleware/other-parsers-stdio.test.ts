import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { waitFor } from '../harness/wait-for.ts';
import { connectSse, connectStreamable, openEvents, post } from '../proxy/raw-client.ts';
import { buildGoServer, startServer } from './real-servers.ts';
import { openProcessWorld, type ToolSettings } from './world.ts';

/** The same attack as in `other-parsers.test.ts` where the server is on stdio, and what two clients of one server can do. */
const ONLY_SHOWN: ToolSettings = { filter: ['shown'] };
const HIDDEN = '"params":{"name":"hidden"}';

let go: Awaited<ReturnType<typeof buildGoServer>>;
beforeAll(async () => {
  go = await buildGoServer();
}, 120_000);
afterAll(() => go[Symbol.asyncDispose]());

describe('a Go server on stdio with a tool that --tools hides', () => {
  test.each([
    ['a request with Method', `{"jsonrpc":"2.0","id":2,"method":"ping","Method":"tools/call",${HIDDEN}}`],
    [
      'a notification with METHOD',
      `{"jsonrpc":"2.0","method":"notifications/x","METHOD":"tools/call",${HIDDEN}}`,
    ],
    [
      'params with the Kelvin sign',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown","toKen":1,"progressTo\u212aen":1,"Name":"hidden"}}',
    ],
    [
      'a name in capitals behind the name',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown","NAME":"hidden"}}',
    ],
    [
      'a line of its own inside the message',
      `{"jsonrpc":"2.0","id":2,"method":"ping","params":{\n}}\r\n{"jsonrpc":"2.0","id":2,"method":"tools/call",${HIDDEN}}`,
    ],
  ])('%s is refused on both faces', async (_, body) => {
    await using world = await openProcessWorld([go.program], ONLY_SHOWN);
    const client = await connectStreamable(world.base);
    const headers = { 'Mcp-Session-Id': client.session };
    const answer = await post(`${world.base}/mcp`, body, { headers });
    expect([answer.status, answer.message.error?.code]).toEqual([400, -32_600]);
    await using sse = await connectSse(world.base);
    expect((await post(sse.endpoint, body)).status).toBe(400);
    await client.call('shown');
    expect(world.reports).toEqual(['ran shown']);
  });

  test.each([
    ['Method', `"Method":"tools/call",${HIDDEN}`],
    ['method in capitals, escaped', `"M\\u0045THOD":"tools/call",${HIDDEN}`],
    ['method as it is spelt', `"method":"tools/call",${HIDDEN}`],
    ['the result twice', `"result":{},"Method":"tools/call",${HIDDEN}`],
  ])('the answer to a question of the server cannot carry a call: %s', async (_, twist) => {
    await using world = await openProcessWorld([go.program], ONLY_SHOWN);
    const client = await connectStreamable(world.base);
    await using stream = await openEvents(`${world.base}/mcp`, {
      headers: { 'Mcp-Session-Id': client.session },
    });
    const question = await stream.next(({ method }) => method === 'roots/list');
    const body = `{"jsonrpc":"2.0","id":${JSON.stringify(question.id)},"result":{"roots":[]},${twist}}`;
    const answer = await post(`${world.base}/mcp`, body, { headers: { 'Mcp-Session-Id': client.session } });
    expect([answer.status, answer.message.error?.code]).toEqual([400, -32_600]);
    await client.call('shown');
    expect(world.reports).toEqual(['ran shown']);
  });
});

describe('two clients of one Go server, without any filter', () => {
  test.each([
    ['ID', (id: string) => `"ID":${id}`],
    ['id, escaped', (id: string) => `"i\\u0064":${id}`],
    ['Id before the id', (id: string) => `"Id":${id}`],
  ])('one cannot have its answer sent to the other by a second %s', async (_, second) => {
    await using world = await openProcessWorld([go.program], undefined);
    const body = `{"jsonrpc":"2.0","id":1,"method":"ping",${second('7')}}`;
    const answer = await post(`${world.base}/mcp`, body);
    expect([answer.status, answer.message.error?.code]).toEqual([400, -32_600]);
  });

  test.each([
    [
      'requestId',
      '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"RequestId":7}}',
    ],
    [
      'progressToken',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":1,"ProgressToken":7}}}',
    ],
    [
      '_meta',
      '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":{"progressToken":1},"_Meta":{"progressToken":7}}}',
    ],
  ])('nor touch what belongs to the other by a second %s', async (_, body) => {
    await using world = await openProcessWorld([go.program], undefined);
    expect((await post(`${world.base}/mcp`, body)).status).toBe(400);
  });
});

/** Twists that are put into a call, each harmless or not depending on who reads. */
const spelling = (name: string) =>
  fc.oneof(
    { weight: 25, arbitrary: fc.constant(name) },
    fc.constant(name.toUpperCase()),
    fc.constant(name.replace(/^./, (first) => first.toUpperCase())),
    fc.constant(name.replace('s', 'ſ')),
    fc.constant(name.replace(/[a-z]/, (first) => `\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}`)),
  );
const member = (name: string, values: readonly string[]) =>
  fc.tuple(spelling(name), fc.constantFrom(...values)).map(([key, value]) => `"${key}":${value}`);
const objectOf = (...members: readonly fc.Arbitrary<string>[]) =>
  fc
    .tuple(
      fc.array(fc.oneof(...members), { maxLength: 2 }),
      fc.shuffledSubarray([...members.keys()], { minLength: Math.max(0, members.length - 1) }),
      fc.tuple(...members),
    )
    .map(([extra, order, own]) => `{${[...order.map((at) => own[at] ?? ''), ...extra].join(',')}}`);
const PARAMS = objectOf(
  member('name', ['"hidden"', '"shown"', '"shown"', 'null']),
  member('arguments', ['{}', '{"name":"hidden"}']),
);
const MESSAGE = PARAMS.chain((params) =>
  objectOf(
    member('jsonrpc', ['"2.0"']),
    member('id', ['1', 'null', '"a"']),
    member('method', ['"tools/call"', '"tools/call"', '"ping"']),
    member('params', [params, params, '{"name":"shown"}']),
  ),
);
const BODY = fc
  .tuple(fc.constantFrom('', '', '', ' ', '\n', '\ufeff'), MESSAGE, fc.constantFrom('', '', '', ' x', '{}'))
  .map((parts) => parts.join(''));

test('whatever is made of spellings, repetitions and what stands around: the server never runs the hidden tool', async () => {
  await using direct = await startServer([go.program, '127.0.0.1:0']);
  await using world = await openProcessWorld([go.program], ONLY_SHOWN);
  let passed = 0;
  await fc.assert(
    fc.asyncProperty(BODY, async (body) => {
      await (await fetch(`http://${direct.address}/`, { method: 'POST', body })).arrayBuffer();
      const answer = await post(`${world.base}/mcp`, body);
      if (answer.status !== 400) passed += 1;
      expect(world.reports).not.toContain('ran hidden');
    }),
    { numRuns: 1500 },
  );
  await waitFor(
    () => world.reports.length,
    (count) => count > 0,
    { what: 'plain calls still reach the server' },
  );
  // Or nothing was shown.
  expect(direct.ran.filter((name) => name === 'hidden').length).toBeGreaterThan(50);
  expect(passed).toBeGreaterThan(50);
}, 60_000);
