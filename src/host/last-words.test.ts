import { describe, expect, test } from 'bun:test';
import { sayLastWords } from './last-words.ts';

describe('the end of what a server printed, as the end of a sentence', () => {
  const many = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  test.each([
    ['nothing printed', '', ''],
    ['blank lines only', '\n \r\n\n', ''],
    ['one line', 'no credentials\n', ': no credentials'],
    ['blank lines between are left out', 'a\n\n\nb\r\n', ': a\nb'],
    ['colours are left out', '\u001b[31mError\u001b[0m: x', ': Error: x'],
    ['a progress line that overwrites itself', '10%\r100%\rfailed', ': 10%\n100%\nfailed'],
    ['many lines', many.join('\n'), `: ${many.slice(-10).join('\n')}`],
    ['one huge line', 'x'.repeat(5000), `: ${'x'.repeat(1000)}`],
    ['unicode', 'schlüssel fehlt 🔑', ': schlüssel fehlt 🔑'],
  ])('%s', (_, printed, expected) => expect(sayLastWords(printed)).toBe(expected));
});
