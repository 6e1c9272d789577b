import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import { findMember, idKey, isBatch, type Message, onOneLine, readMessage, splice } from './index.ts';
import { createScan, INVALID, MAX_DEPTH, skipSpace, skipValue } from './scan.ts';

function accepts(text: string): boolean {
  const end = skipValue(createScan(text), skipSpace(text, 0));
  return end !== INVALID && skipSpace(text, end) === text.length;
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON spelt in ways that `JSON.stringify` never uses. */
const spelling = fc.record({
  value: fc.jsonValue({ maxDepth: 4 }),
  indent: fc.constantFrom(0, 2, '\t'),
  ascii: fc.boolean(),
});

function spell({
  value,
  indent,
  ascii,
}: {
  value: unknown;
  indent: string | number;
  ascii: boolean;
}): string {
  const text = JSON.stringify(value, undefined, indent);
  return ascii
    ? text.replace(/[é-￿]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
}

describe('scan', () => {
  test('accepts whatever JSON.parse accepts', () => {
    fc.assert(fc.property(spelling, (facts) => expect(accepts(spell(facts))).toBe(true)));
  });

  test('judges damaged JSON as JSON.parse does', () => {
    const damage = fc.record({
      facts: spelling,
      at: fc.nat(),
      cut: fc.nat(3),
      by: fc.constantFrom(
        '',
        '"',
        '\\',
        '{',
        '}',
        ',',
        ':',
        '0',
        '-',
        '.',
        'e',
        '\n',
        '\u0001',
        ' ',
        'u',
        '\u00a0',
      ),
    });
    fc.assert(
      fc.property(damage, ({ facts, at, cut, by }) => {
        const text = spell(facts);
        const place = at % (text.length + 1);
        const damaged = text.slice(0, place) + by + text.slice(place + cut);
        expect(accepts(damaged)).toBe(parses(damaged));
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['control character far inside a long string', `"${'x'.repeat(100)}\n"`, false],
    ['escapes far inside a long string', `"${'x'.repeat(100)}\\n\\u00e9${'x'.repeat(100)}"`, true],
    ['unknown escape far inside a long string', `"${'x'.repeat(100)}\\x"`, false],
    ['string without end', `"${'x'.repeat(100)}`, false],
    ['backslashes before the quote', `"${'\\\\'.repeat(50)}"`, true],
    ['leading zero', '01', false],
    ['trailing comma', '[1,]', false],
    ['nothing', '', false],
    ['deepest nesting that is taken', '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH), true],
    ['one level more', '['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1), false],
    ['a bomb', '['.repeat(1_000_000), false],
  ])('%s', (_, text, expected) => {
    expect(accepts(text)).toBe(expected);
  });

  test('takes tens of milliseconds for the worst of 10 MB', () => {
    const texts = [
      JSON.stringify({ text: 'x'.repeat(1e7) }),
      JSON.stringify({ text: '\\"'.repeat(2.5e6) }),
      JSON.stringify(Array.from({ length: 1.5e6 }, (_, index) => index)),
      JSON.stringify(Array.from({ length: 2e5 }, (_, index) => ({ name: `n${index}`, tags: ['a', 'b'] }))),
    ];
    for (const text of texts) {
      const startedAt = performance.now();
      expect(accepts(text)).toBe(true);
      expect(performance.now() - startedAt).toBeLessThan(2000); // seconds would mean that it reads the text again and again
    }
  });
});

describe('readMessage', () => {
  const id = (message: Message | undefined) =>
    message !== undefined && 'id' in message
      ? message.text.slice(message.id.start, message.id.end)
      : undefined;

  test.each([
    ['request', '{"jsonrpc":"2.0","id":1,"method":"a"}', 'request', '1'],
    ['id zero', '{"jsonrpc":"2.0","id":0,"method":"a"}', 'request', '0'],
    ['empty string id', '{"jsonrpc":"2.0","id":"","method":"a"}', 'request', '""'],
    ['id above 2^53', '{"id":9007199254740993,"jsonrpc":"2.0","method":"a"}', 'request', '9007199254740993'],
    ['fractional id', '{"jsonrpc":"2.0","id":-1.50,"method":"a"}', 'request', '-1.50'],
    ['null id', '{"jsonrpc":"2.0","id":null,"method":"a"}', 'notification', undefined],
    ['no id', '{"jsonrpc":"2.0","method":"a"}', 'notification', undefined],
    ['result', '{"jsonrpc":"2.0","id":"x","result":{}}', 'response', '"x"'],
    ['error', '{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":""}}', 'response', '"x"'],
    ['last of several ids', '{"jsonrpc":"2.0","id":1,"method":"a","id":2}', 'request', '2'],
    ['escaped member name', '{"jsonrpc":"2.0","\\u0069d":3,"method":"a"}', 'request', '3'],
    ['white space', ' \n{ "jsonrpc" : "2.0" , "id" : 4 , "method" : "a" }\r\n ', 'request', '4'],
    ['neither method nor id', '{"jsonrpc":"2.0","result":{}}', undefined, undefined],
    [
      'error without an id',
      '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}',
      undefined,
      undefined,
    ],
    ['object id', '{"jsonrpc":"2.0","id":{},"method":"a"}', undefined, undefined],
    ['boolean id', '{"jsonrpc":"2.0","id":true,"method":"a"}', undefined, undefined],
    ['method of another type', '{"jsonrpc":"2.0","id":1,"method":7}', undefined, undefined],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"a"}', undefined, undefined],
    ['no version', '{"id":1,"method":"a"}', undefined, undefined],
    ['something behind', '{"jsonrpc":"2.0","id":1,"method":"a"}x', undefined, undefined],
    ['batch', '[{"jsonrpc":"2.0","id":1,"method":"a"}]', undefined, undefined],
  ])('%s', (_, text, kind, expected) => {
    const message = readMessage(text);
    expect(message?.kind).toBe(kind as never);
    expect(id(message)).toBe(expected);
  });

  test('an escaped method name is decoded', () => {
    const message = readMessage('{"jsonrpc":"2.0","id":1,"method":"tools\\u002fcall"}');
    expect(message?.kind === 'request' && message.method).toBe('tools/call');
  });

  test.each([
    ['plain', '[1]', true],
    ['broken', ' [', true],
    ['odd white space', '\v\u00a0\u0085\ufeff\n[', true],
    ['object', '{"a":[]}', false],
    ['empty', '', false],
  ])('batch: %s', (_, text, expected) => {
    expect(isBatch(text)).toBe(expected);
  });
});

describe('findMember and splice', () => {
  const message = fc.record({
    id: fc.oneof(fc.string(), fc.integer()),
    token: fc.string(),
    rest: fc.jsonValue(),
  });

  test('changes id and token and nothing else', () => {
    fc.assert(
      fc.property(message, fc.constantFrom(0, 1, '\t'), ({ id, token, rest }, indent) => {
        const params = { rest, _meta: { rest, progressToken: token }, progressToken: rest };
        const original = { rest, id, jsonrpc: '2.0', method: 'a', params, 'unknown member': rest };
        const read = readMessage(JSON.stringify(original, undefined, indent));
        if (read?.kind !== 'request') throw new Error('not a request');
        const place = findMember(read.text, read.params, '_meta', 'progressToken');
        if (place === undefined) throw new Error('no token');
        const changed = onOneLine(
          splice(read.text, [
            { at: place, by: '"new token"' },
            { at: read.id, by: '"new id"' },
          ]),
        );
        expect(changed).not.toMatch(/[\r\n]/);
        expect(JSON.parse(changed)).toEqual(
          JSON.parse(
            JSON.stringify({
              ...original,
              id: 'new id',
              params: { ...params, _meta: { rest, progressToken: 'new token' } },
            }),
          ),
        );
      }),
    );
  });

  test.each([
    ['escaped names', '{"p":{"\\u0061":{"b\\t":7}}}', ['p', 'a', 'b\t'], '7'],
    ['last duplicate', '{"p":{"a":1,"a":2}}', ['p', 'a'], '2'],
    ['duplicate on the way', '{"p":{"a":1},"p":{}}', ['p', 'a'], undefined],
    ['not an object', '{"p":[1]}', ['p', 'a'], undefined],
    ['a longer name', '{"p":{"ab":1}}', ['p', 'a'], undefined],
    ['the same text as a value', '{"p":{"b":"a"}}', ['p', 'a'], undefined],
  ])('%s', (_, text, path, expected) => {
    const found = findMember(text, { start: 0, end: text.length }, ...path);
    expect(found && text.slice(found.start, found.end)).toBe(expected);
  });

  test('integers above 2^53, emoji and unusual characters survive', () => {
    const params = '{"n":12345678901234567890,"f":1.10,"t":"👩‍👩‍👧 \u00a0\ufeff\ufffd"}';
    const text = `{"jsonrpc":"2.0","id":9007199254740993,"method":"a","params":${params}}`;
    const read = readMessage(text);
    if (read?.kind !== 'request') throw new Error('not a request');
    expect(splice(text, [{ at: read.id, by: '"x"' }])).toBe(
      `{"jsonrpc":"2.0","id":"x","method":"a","params":${params}}`,
    );
  });
});

test.each([
  ['"a"', '"\\u0061"', true],
  ['1', '"1"', false],
  ['1', '1.0', true],
  ['9007199254740993', '9007199254740992', false],
  ['0', '-0', true],
  ['"a\\"b"', '"a\\u0022b"', true],
])('ids %s and %s are equal: %p', (left, right, equal) => {
  expect(idKey(left) === idKey(right)).toBe(equal);
});
