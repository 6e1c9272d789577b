import { expect, test } from 'bun:test';
import { shortText } from './registry-render.ts';

test.each([
  ['short', 'A thing', 'A thing'],
  ['exactly 50 columns', 'x'.repeat(50), 'x'.repeat(50)],
  ['51 columns', 'x'.repeat(51), `${'x'.repeat(47)}...`],
  ['lines and tabs', ' a\r\n\tb   c ', 'a b c'],
  ['letters of more than one byte', 'ä'.repeat(51), `${'ä'.repeat(47)}...`],
  ['wide letters', '漢'.repeat(26), `${'漢'.repeat(23)}...`],
  ['wide letters that fit', '漢'.repeat(25), '漢'.repeat(25)],
  ['a picture made of several', `${'x'.repeat(46)}👩‍👩‍👧‍👦${'y'.repeat(9)}`, `${'x'.repeat(46)}...`],
  ['nothing', '', ''],
])('%s', (_what, text, expected) => {
  expect(shortText(text)).toBe(expected);
});
