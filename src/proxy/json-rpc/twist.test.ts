import { describe, expect, test } from 'bun:test';
import { findRepeatedKey, onOneStdinLine, readMessage, readTwists } from './index.ts';

const call = (params: string) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`;

describe('a message that every parser reads alike has no twist', () => {
  test.each([
    ['a plain call', call('{"name":"a","arguments":{"b":1}}')],
    [
      'arguments in two cases, which are the server’s business',
      call('{"name":"a","arguments":{"x":1,"X":2,"Name":3}}'),
    ],
    ['escapes', call('{"n\\u0061me":"\\u0061"}').replace('method', 'm\\u0065thod')],
    ['members nobody knows', call('{"name":"a","extra":1,"EXTRA":2}').replace('{', '{"trace":1,')],
    ['an answer with an empty error', '{"jsonrpc":"2.0","id":1,"result":{},"error":null}'],
    ['half a surrogate pair in an argument', call('{"name":"a","arguments":{"x":"\\ud83d"}}')],
    ['params that are a list', call('["Name"]')],
    ['a name in any script', call('{"name":"größe-\u{1f600}"}')],
  ])('%s', (_, text) => {
    expect([readTwists(text)?.message, readTwists(text)?.twist]).toEqual([readMessage(text), undefined]);
    expect(findRepeatedKey(text)).toBeUndefined();
  });
});

describe('a message that parsers read differently says where', () => {
  test.each([
    [
      '{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}',
      'member "Method" is not spelt as the protocol spells it',
    ],
    ['{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', 'member "method" is there twice'],
    ['{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}', 'member "id" is there twice'],
    [
      '{"jsonrpc":"2.0","id":1,"re\\u017fult":{},"result":{}}',
      'member "re\\u017fult" is not spelt as the protocol spells it',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method\\u0000x":"b","result":{}}',
      'member "method\\u0000x" is not spelt as the protocol spells it',
    ],
    ['{"jsonrpc":"2.0","id":1,"method":"a","result":{}}', 'it is a request and an answer in one'],
    ['{"jsonrpc":"2.0","id":1,"method":"a\\u0000"}', 'the method is not plain text'],
    [call('{"name":"a\\u0000b"}'), 'name is not plain text'],
    [call('{"uri":"\\udc00"}'), 'uri is not plain text'],
    [
      call('{"name":"a","_meta":{"ProgressToken":1}}'),
      'member "ProgressToken" is not spelt as the protocol spells it',
    ],
    [call('{"clientInfo":{"name":"a","name":"b"}}'), 'member "name" is there twice'],
    [call('{"progressTo\u212aen":1}'), 'member "progressTo\\u212aen" is not spelt as the protocol spells it'],
  ])('%s', (text, twist) => {
    expect(readTwists(text)?.twist).toBe(twist);
  });
});

test.each([
  [call('{"arguments":{"a":{"b":1,"c":[{"d":1,"\\u0064":2}]}}}'), 'd'],
  [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":0`).join(',')},"k3":1}`, 'k3'],
  ['[{"a":1},{"a":1},{"b":{"a":"a"},"a":"b"}]', undefined],
  ['{"":1,"":2}', ''],
  ['"a:b"', undefined],
])('the name that is repeated in %s', (text, expected) => {
  expect(findRepeatedKey(text)).toBe(expected);
});

test('a line for a server has no end that some reader of lines would see inside it', () => {
  const text = '{"a":\r\n"b\u2028c\u2029"}';
  const line = onOneStdinLine(text);
  expect(line).not.toMatch(/[\r\n\u2028\u2029]/);
  expect(JSON.parse(line)).toEqual(JSON.parse(text));
});
