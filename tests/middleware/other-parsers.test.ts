import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { waitFor } from '../harness/wait-for.ts';
import { openWorld, type World } from '../harness/world.ts';
import { buildGoServer, PYTHON_SERVER, type RealServer, startServer } from './real-servers.ts';

/**
 * The attack: a client may only use the tool `shown`, and sends a body in which the proxy finds no call of `hidden`, but the
 * server does, because its parser is another one. Each body is first sent to the server itself, which must run the hidden
 * tool, or the case would show nothing; then through the proxy, which must refuse it without the server hearing of it.
 */
const HIDDEN = '"params":{"name":"hidden"}';
const CALL = `{"jsonrpc":"2.0","id":2,"method":"tools/call",${HIDDEN}}`;

interface Attack {
  readonly body: string | Uint8Array<ArrayBuffer>;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Unless 400. */
  readonly status?: number;
}

const body = (text: string): Attack => ({ body: text });

/** Go: names match in any case by Unicode folding, the last of two wins, what follows the first value is not looked at. */
const AGAINST_GO: readonly (readonly [string, Attack])[] = [
  ['Method in place of method', body(`{"jsonrpc":"2.0","id":2,"Method":"tools/call",${HIDDEN}}`)],
  [
    'METHOD behind a harmless method',
    body(`{"jsonrpc":"2.0","id":2,"method":"ping","METHOD":"tools/call",${HIDDEN}}`),
  ],
  ['method twice', body(`{"jsonrpc":"2.0","id":2,"method":"tools/call",${HIDDEN},"method":"tools/call"}`)],
  [
    'Params behind params',
    body(
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown"},"Params":{"name":"hidden"}}',
    ),
  ],
  [
    'params with a long s',
    body(
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown"},"paramſ":{"name":"hidden"}}',
    ),
  ],
  [
    'params with an escaped long s',
    body(
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown"},"param\\u017f":{"name":"hidden"}}',
    ),
  ],
  [
    'Name behind name',
    body('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown","Name":"hidden"}}'),
  ],
  ['nAmE alone', body('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"nAmE":"hidden"}}')],
  [
    'name twice, one of them escaped',
    body(
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hidden","name":"shown","n\\u0061me":"hidden"}}',
    ),
  ],
  [
    'an answer that is a call as well',
    body(`{"jsonrpc":"2.0","id":2,"result":{},"Method":"tools/call",${HIDDEN}}`),
  ],
  [
    'a call that is an answer as well',
    body(`{"jsonrpc":"2.0","id":2,"error":{"code":1,"message":""},"method":"tools/call",${HIDDEN}}`),
  ],
  ['a notification', body(`{"jsonrpc":"2.0","METHOD":"tools/call",${HIDDEN}}`)],
  ['no version', body(`{"id":2,"method":"tools/call",${HIDDEN}}`)],
  ['Jsonrpc', body(`{"Jsonrpc":"2.0","id":2,"method":"tools/call",${HIDDEN}}`)],
  ['a list as id', body(`{"jsonrpc":"2.0","id":[2],"method":"tools/call",${HIDDEN}}`)],
  ['ID behind id', body(`{"jsonrpc":"2.0","id":2,"method":"tools/call",${HIDDEN},"ID":3}`)],
  ['a second message behind', body(`${CALL}{"jsonrpc":"2.0","id":2,"method":"ping"}`)],
  ['rubbish behind', body(`${CALL} x`)],
  ['bytes that are no UTF-8', { body: Buffer.from(CALL.replace('"2.0"', '"2.0\xff"'), 'latin1') }],
  [
    'half a surrogate pair in a name',
    body(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hidden","\\ud800":1}}`),
  ],
  [
    'nesting deeper than the proxy reads',
    body(
      `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hidden","x":${'['.repeat(600)}${']'.repeat(600)}}}`,
    ),
  ],
  [
    'much white space before a message twisted as above',
    body(`${' '.repeat(70_000)}{"Method":"tools/call",${HIDDEN}}`),
  ],
  ['text', { body: `{"Method":"tools/call",${HIDDEN}}`, headers: { 'Content-Type': 'text/plain' } }],
  [
    'a form',
    {
      body: `{"Method":"tools/call",${HIDDEN}}`,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    },
  ],
  ['a PUT', { body: `{"Method":"tools/call",${HIDDEN}}`, method: 'PUT' }],
  ['a DELETE', { body: `{"Method":"tools/call",${HIDDEN}}`, method: 'DELETE' }],
  [
    'another charset',
    { body: CALL, headers: { 'Content-Type': 'application/json; charset=utf-7' }, status: 415 },
  ],
  [
    'a charset named twice',
    {
      body: CALL,
      headers: { 'Content-Type': 'application/json; charset=utf-8; Charset="utf-7"' },
      status: 415,
    },
  ],
  [
    'a charset in an extended parameter',
    { body: CALL, headers: { 'Content-Type': "application/json; charset*=us-ascii''utf-7" }, status: 415 },
  ],
  [
    'a method header that says something else',
    { body: CALL.replace('hidden', 'hidden'), headers: { 'Mcp-Method': 'ping' } },
  ],
];

const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const utf32 = (text: string) => Buffer.concat([...text].map((c) => Buffer.from([c.charCodeAt(0), 0, 0, 0])));

/** Python: finds out the encoding by itself, takes NaN, half surrogate pairs in UTF-8, and the last of two members. */
const AGAINST_PYTHON: readonly (readonly [string, Attack])[] = [
  ['UTF-16, little end first', { body: utf16(CALL) }],
  ['UTF-16, big end first', { body: utf16(CALL).swap16() }],
  ['UTF-16 with a byte order mark', { body: utf16(`\ufeff${CALL}`) }],
  [
    'UTF-16, big end first, with a mark and much space',
    { body: utf16(`\ufeff${' '.repeat(5000)}${CALL}`).swap16() },
  ],
  ['UTF-32', { body: utf32(CALL) }],
  ['UTF-32, big end first, with a mark', { body: utf32(`${CALL}`).swap32() }],
  ['a byte order mark', body(`\ufeff${CALL}`)],
  [
    'a number that is none',
    body(`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hidden","x":NaN}}`),
  ],
  ['infinity', body(`{"jsonrpc":"2.0","id":-Infinity,"method":"tools/call",${HIDDEN}}`)],
  [
    'half a surrogate pair as bytes',
    { body: Buffer.from(CALL.replace('"2.0"', '"2.0\xed\xa0\x80"'), 'latin1') },
  ],
  [
    'a name twice',
    body('{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"shown","name":"hidden"}}'),
  ],
  ['no version, in a PATCH', { body: `{"method":"tools/call",${HIDDEN}}`, method: 'PATCH' }],
];

const send = (url: string, { body, method = 'POST', headers }: Attack) =>
  fetch(url, { method, body, headers: { 'Content-Type': 'application/json', ...headers } });

let world: World;
let go: Awaited<ReturnType<typeof buildGoServer>>;
beforeAll(async () => {
  world = await openWorld(undefined);
  go = await buildGoServer();
}, 120_000);
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await go[Symbol.asyncDispose]();
});

describe.each([
  ['Go', () => startServer([go.program, '127.0.0.1:0']), AGAINST_GO],
  ['Python', () => startServer(PYTHON_SERVER), AGAINST_PYTHON],
] as const)('a server in %s with a tool that --tools hides', (language, start, attacks) => {
  let server: RealServer;
  let url: string;
  beforeAll(async () => {
    server = await start();
    const name = world.name(language.toLowerCase());
    const target = `http://${server.address}/mcp`;
    await world.ok(['run', target, '--name', name, '--tools', 'shown', '--wait']);
    url = (await world.reached(name)).url;
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const heard = () => server.ran.length;
  let before = 0;
  afterEach(() => {
    before = heard();
  });

  test('runs the tool that is shown', async () => {
    const answer = await send(url, { body: CALL.replace('hidden', 'shown') });
    expect(answer.status).toBe(200);
    await waitFor(heard, (count) => count === before + 1, { what: 'the tool ran' });
    expect(server.ran.at(-1)).toBe('shown');
  });

  test('a plain call of the hidden tool is refused by the filter', async () => {
    const answer = await send(url, { body: CALL });
    expect(await answer.json()).toEqual({
      jsonrpc: '2.0',
      id: 2,
      error: { code: -32_602, message: 'tool not found' },
    });
    expect(heard()).toBe(before);
  });

  test.each([...attacks])('%s: the server would run it, and is not asked', async (_, attack) => {
    await (await send(`http://${server.address}/mcp`, attack)).arrayBuffer();
    await waitFor(heard, (count) => count === before + 1, { what: 'the server itself runs it' });
    expect(server.ran.at(-1)).toBe('hidden');
    const answer = await send(url, attack);
    expect({ status: answer.status, text: await answer.text() }).toEqual({
      status: attack.status ?? 400,
      text:
        attack.status === 415 ? expect.stringContaining('plain UTF-8') : expect.stringContaining('-32600'),
    });
    expect(heard()).toBe(before + 1);
  });
});
