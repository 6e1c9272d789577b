import { expect, test } from 'bun:test';
import { readLine } from './read-line.ts';

const MESSAGE = '{"jsonrpc":"2.0","id":"a","result":{"t":"👩‍👩‍👧\u00a0\ufeff\ufffd x"}}';
const NOTE = '{"jsonrpc":"2.0","method":"notifications/x"}';
const REQUEST = '{"jsonrpc":"2.0","id":1,"method":"roots/list"}';
const LARGE = `{"jsonrpc":"2.0","id":1,"result":"${'x'.repeat(2 * 1024 * 1024)}"}`;

test.each([
  ['a message passes untouched', MESSAGE, [MESSAGE]],
  ['carriage return at the end', `${MESSAGE}\r`, [`${MESSAGE}\r`]],
  ['control characters around', `\u0001${MESSAGE}\u0001`, [MESSAGE]],
  ['byte order mark before', `\ufeff${MESSAGE}`, [MESSAGE]],
  ['undecodable bytes before', `\ufffd\ufffd${MESSAGE}`, [MESSAGE]],
  [
    'control character inside',
    '{"jsonrpc":"2.0",\u0001"id":1,"result":{}}',
    ['{"jsonrpc":"2.0","id":1,"result":{}}'],
  ],
  [
    'U+FFFD goes between tokens and stays in strings',
    '{"jsonrpc":\ufffd"2.0","id":1,"result":"\ufffd"}',
    ['{"jsonrpc":"2.0","id":1,"result":"\ufffd"}'],
  ],
  ['a colour before and its reset behind', `\u001b[1;32m${MESSAGE}\u001b[0m`, [MESSAGE]],
  ['a cursor movement before', `\u001b[?25l\u001b[2K\u001b[1G${MESSAGE}`, [MESSAGE]],
  ['a window title before, with braces in it', `\u001b]0;my {server} [1]\u0007${MESSAGE}`, [MESSAGE]],
  ['a title ended by ST, and a reset of the terminal', `\u001b]2;x\u001b\\\u001bc${MESSAGE}`, [MESSAGE]],
  [
    'colours between the tokens',
    '{"jsonrpc":\u001b[33m"2.0"\u001b[0m,"id":1,"result":{}}',
    ['{"jsonrpc":"2.0","id":1,"result":{}}'],
  ],
  ['an overwritten line before', `starting… 90 %\r\u001b[K${MESSAGE}`, [MESSAGE]],
  ['an escape sequence before a large message', `\u001b[0m${LARGE}`, [LARGE]],
  ['a prompt before an answer', `> ${MESSAGE}`, [MESSAGE]],
  ['a coloured prompt before an answer', `\u001b[32m>>>\u001b[0m ${MESSAGE}`, [MESSAGE]],
  ['a prompt before a request is a log line', `>> ${REQUEST}`, []],
  ['a batch', `[${MESSAGE}, ${NOTE},${REQUEST}]`, [MESSAGE, NOTE, REQUEST]],
  ['a batch behind an escape sequence', `\u001b[0m[${MESSAGE}]\u001b[0m`, [MESSAGE]],
  ['a batch with something else in it', `[${MESSAGE},7,{"level":"info"},[${NOTE}]]\r`, [MESSAGE]],
  ['half a batch', `[${MESSAGE},`, []],
  ['printable text before is a log line', `INFO sent ${MESSAGE}`, []],
  ['coloured text before is a log line', `\u001b[32mINFO\u001b[0m sent ${MESSAGE}`, []],
  ['a word in brackets before is a log line', `[INFO] ${MESSAGE}`, []],
  ['printable text around is a log line', `extra${MESSAGE}extra`, []],
  ['empty', '', []],
  ['an escape sequence alone', '\u001b[2J', []],
  ['empty array', '[]', []],
  ['JSON of another kind', '{"level":"info"}', []],
  ['half a message', MESSAGE.slice(0, 20), []],
])('%s', (_, line, expected) => {
  expect(readLine(line).map(({ text }) => text)).toEqual(expected);
});

test('a line of nothing but openings of escape sequences costs no more than its length', () => {
  const startedAt = performance.now();
  expect(readLine(`{${'\u001b]'.repeat(500_000)}}`)).toEqual([]);
  expect(performance.now() - startedAt).toBeLessThan(1000);
});
