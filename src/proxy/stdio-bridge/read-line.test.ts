import { expect, test } from 'bun:test';
import { readLine } from './read-line.ts';

const MESSAGE = '{"jsonrpc":"2.0","id":"a","result":{"t":"👩‍👩‍👧\u00a0\ufeff\ufffd x"}}';

test.each([
  ['a message passes untouched', MESSAGE, MESSAGE],
  ['carriage return at the end', `${MESSAGE}\r`, `${MESSAGE}\r`],
  ['control characters around', `\u0001${MESSAGE}\u0001`, MESSAGE],
  ['byte order mark before', `\ufeff${MESSAGE}`, MESSAGE],
  ['undecodable bytes before', `\ufffd\ufffd${MESSAGE}`, MESSAGE],
  [
    'control character inside',
    '{"jsonrpc":"2.0",\u0001"id":1,"result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{}}',
  ],
  [
    'U+FFFD goes between tokens and stays in strings',
    '{"jsonrpc":\ufffd"2.0","id":1,"result":"\ufffd"}',
    '{"jsonrpc":"2.0","id":1,"result":"\ufffd"}',
  ],
  ['printable text before is a log line', `INFO sent ${MESSAGE}`, undefined],
  ['printable text around is a log line', `extra${MESSAGE}extra`, undefined],
  ['empty', '', undefined],
  ['array', '[]', undefined],
  ['JSON of another kind', '{"level":"info"}', undefined],
  ['half a message', MESSAGE.slice(0, 20), undefined],
])('%s', (_, line, expected) => {
  expect(readLine(line)?.text).toBe(expected);
});
