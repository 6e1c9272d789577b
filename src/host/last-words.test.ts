import { describe, expect, test } from 'bun:test';
import { conceal, sayLastWords } from './last-words.ts';

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

describe('values of secrets in what a server printed', () => {
  test.each([
    ['none', 'token abcd', [], 'token abcd'],
    ['one, several times', 'abcd and abcd', ['abcd'], '[secret] and [secret]'],
    ['one that is part of another', 'abcdefgh', ['abcd', 'abcdefgh'], '[secret]'],
    ['one too short to tell from a word', 'a dog', ['dog'], 'a dog'],
    ['an empty one', 'text', [''], 'text'],
    ['one with characters of patterns', 'it is a+b(c', ['a+b(c'], 'it is [secret]'],
  ])('%s', (_, text, secrets, expected) => expect(conceal(text, secrets)).toBe(expected));
});
