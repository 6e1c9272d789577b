import { describe, expect, test } from 'bun:test';
import { decodeHeaderValue, findHeaderMismatch, findMirroredParams } from './index.ts';

const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`;
const call = (name: unknown, args: object = {}) => ({ name, arguments: args });
const ok = undefined;

type Row = readonly [string, string, unknown, Readonly<Record<string, string>>, number | undefined];

const rows: readonly Row[] = [
  [
    'method and name agree',
    'tools/call',
    call('echo'),
    { 'mcp-method': 'tools/call', 'mcp-name': 'echo' },
    ok,
  ],
  ['no method header', 'tools/call', call('echo'), { 'mcp-name': 'echo' }, -32020],
  ['another method', 'tools/call', call('echo'), { 'mcp-method': 'tools/list', 'mcp-name': 'echo' }, -32020],
  ['method in another case', 'tools/list', {}, { 'mcp-method': 'Tools/List' }, -32020],
  ['header sent twice', 'tools/list', {}, { 'mcp-method': 'tools/list, tools/list' }, -32020],
  ['no name header', 'tools/call', call('echo'), { 'mcp-method': 'tools/call' }, -32020],
  ['another name', 'prompts/get', call('a'), { 'mcp-method': 'prompts/get', 'mcp-name': 'b' }, -32020],
  ['a URI', 'resources/read', { uri: 'a:b' }, { 'mcp-method': 'resources/read', 'mcp-name': 'a:b' }, ok],
  [
    'another URI',
    'resources/read',
    { uri: 'a:b' },
    { 'mcp-method': 'resources/read', 'mcp-name': 'a:c' },
    -32020,
  ],
  [
    'an encoded name',
    'tools/call',
    call('héllo 👩'),
    { 'mcp-method': 'tools/call', 'mcp-name': base64('héllo 👩') },
    ok,
  ],
  [
    'a needlessly encoded name',
    'tools/call',
    call('echo'),
    { 'mcp-method': 'tools/call', 'mcp-name': base64('echo') },
    ok,
  ],
  [
    'a name that looks encoded, encoded',
    'tools/call',
    call(base64('x')),
    { 'mcp-method': 'tools/call', 'mcp-name': base64(base64('x')) },
    ok,
  ],
  [
    'a name that looks encoded, plain',
    'tools/call',
    call(base64('x')),
    { 'mcp-method': 'tools/call', 'mcp-name': base64('x') },
    -32020,
  ],
  [
    'a broken encoding',
    'tools/call',
    call('x'),
    { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?%%?=' },
    -32020,
  ],
  [
    'the marker in another case',
    'tools/call',
    call('x'),
    { 'mcp-method': 'tools/call', 'mcp-name': `=?BASE64?${btoa('x')}?=` },
    -32020,
  ],
  ['a body without a name', 'tools/call', {}, { 'mcp-method': 'tools/call' }, ok],
  ['a method that needs no name', 'tools/list', undefined, { 'mcp-method': 'tools/list' }, ok],
];

describe('headers of a modern request', () => {
  test.each([...rows])('spec 04 §18.1, §18.2 %s', (_, method, params, headers, code) => {
    const all: Readonly<Record<string, string>> = { 'mcp-protocol-version': '2026-07-28', ...headers };
    expect(findHeaderMismatch({ method, params, header: (name) => all[name] })?.code).toBe(code as number);
  });

  test.each([
    [null, ''],
    ['2025-11-25', '2025-11-25'],
  ])('§18.2 version header %p', (version, header) => {
    const all: Readonly<Record<string, string | null>> = { 'mcp-protocol-version': version };
    expect(findHeaderMismatch({ method: 'x', params: {}, header: (name) => all[name] })).toEqual({
      code: -32020,
      message: `MCP-Protocol-Version header "${header}" does not match _meta protocol version "2026-07-28"`,
      data: { header, body: '2026-07-28' },
    });
  });

  const mirrored = [
    { path: ['region'], header: 'Region' },
    { path: ['deep', 'limit'], header: 'Limit' },
    { path: ['flag'], header: 'Flag' },
  ];

  test.each([
    [
      'all agree',
      { region: 'eu', deep: { limit: 5 }, flag: true },
      { region: 'eu', limit: '5', flag: 'true' },
      ok,
    ],
    ['none are given', {}, {}, ok],
    ['null is as good as absent', { region: null }, {}, ok],
    ['a header is missing', { region: 'eu' }, {}, -32020],
    ['an argument is missing', {}, { region: 'eu' }, -32020],
    ['they differ', { region: 'eu' }, { region: 'us' }, -32020],
    ['a deep one differs', { deep: { limit: 5 } }, { limit: '6' }, -32020],
    ['a number spelt otherwise', { deep: { limit: 5 } }, { limit: '5.0' }, ok],
    ['an encoded value', { region: ' ü ' }, { region: base64(' ü ') }, ok],
    ['false is a value', { flag: false }, { flag: 'false' }, ok],
    ['an integer that lost its digits is not judged', { deep: { limit: 2 ** 53 } }, { limit: '1' }, ok],
  ] as const)('§18.1 Mcp-Param: %s', (_, args, params, code) => {
    const all: Record<string, string> = {
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 't',
    };
    for (const [name, value] of Object.entries(params)) all[`mcp-param-${name}`] = value;
    const facts = { method: 'tools/call', params: call('t', args), header: (name: string) => all[name] };
    expect(findHeaderMismatch({ ...facts, mirrored })?.code).toBe(code as number);
  });

  test('§18.1 annotations are found at any depth of properties, malformed ones are not', () => {
    const schema = {
      properties: {
        region: { type: 'string', 'x-mcp-header': 'Region' },
        deep: { properties: { limit: { type: 'integer', 'x-mcp-header': 'Limit' } } },
        bad: { type: 'string', 'x-mcp-header': 'a b' },
        wrong: { type: 'string', 'x-mcp-header': 5 },
        list: { items: { 'x-mcp-header': 'Item' } },
      },
    };
    expect(findMirroredParams(schema)).toEqual(mirrored.slice(0, 2));
    for (const nothing of [undefined, null, 5, 'x', [], {}]) expect(findMirroredParams(nothing)).toEqual([]);
  });

  test('§18.1 values decode to what was meant', () => {
    expect(decodeHeaderValue('plain')).toBe('plain');
    expect(decodeHeaderValue('=?base64??=')).toBe('');
    expect(decodeHeaderValue('=?base64?=')).toBe('=?base64?=');
    expect(decodeHeaderValue(base64('\ufeffx'))).toBe('\ufeffx');
    expect(decodeHeaderValue('=?base64?/w==?=')).toBeUndefined();
  });
});
