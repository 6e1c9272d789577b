import { describe, expect, test } from 'bun:test';
import { createVisibleText, visible } from './visible.ts';

describe('on a terminal', () => {
  test.each([
    ['a title', '\u001b]0;root@host\u0007', '\\x1b]0;root@host\\x07'],
    ['the clipboard (OSC 52)', '\u001b]52;c;cm0gLXJm\u001b\\', '\\x1b]52;c;cm0gLXJm\\x1b\\'],
    [
      'a link that shows another address',
      '\u001b]8;;http://evil\u001b\\http://good',
      '\\x1b]8;;http://evil\\x1b\\http://good',
    ],
    ['colours and erasing', '\u001b[8m\u001b[2J', '\\x1b[8m\\x1b[2J'],
    ['C1 controls', '\u009b2J\u009d0;x\u009c\u0090\u0085', '\\u009b2J\\u009d0;x\\u009c\\u0090\\u0085'],
    ['a line that is overwritten', 'rm -rf /\rls      ', 'rm -rf /\\x0dls      '],
    ['backspaces and DEL', 'no\b\byes\u007f', 'no\\x08\\x08yes\\u007f'],
    ['turned writing', 'exe.\u202egnp.\u2066x\u2069', 'exe.\\u202egnp.\\u2066x\\u2069'],
    ['NUL, form feed and vertical tab', 'a\0\f\v', 'a\\x00\\x0c\\x0b'],
    [
      'plain text in any script',
      'größe\t„שלום“ \u{1f468}\u200d\u{1f469}\r\n日本\n',
      'größe\t„שלום“ \u{1f468}\u200d\u{1f469}\r\n日本\n',
    ],
  ])('%s is shown, not obeyed', (_, text, expected) => {
    expect(visible(text)).toBe(expected);
  });

  test('JSON with what it does not escape itself is still the same JSON', () => {
    const value = { text: '\u001b[31m\u009b1m\u202e\u007f' };
    expect(JSON.parse(visible(JSON.stringify(value)))).toEqual(value);
  });

  test('a stream shows the same wherever it is cut', () => {
    const bytes = Buffer.from('é\u009b1m\r\n\u{1f600}\u202ex\rover\u001b]52;c;eA==\u0007\r\nend');
    const whole = createVisibleText()(bytes);
    for (let first = 0; first <= bytes.length; first += 1) {
      for (let second = first; second <= bytes.length; second += 1) {
        const show = createVisibleText();
        const parts = [bytes.subarray(0, first), bytes.subarray(first, second), bytes.subarray(second)];
        expect(parts.map((part) => show(part)).join('')).toBe(whole);
      }
    }
  });

  test('bytes that are no UTF-8 cannot be controls of another encoding', () => {
    expect(createVisibleText()(Buffer.from([0x41, 0x9b, 0x32, 0x4a]))).toBe('A\ufffd2J');
  });

  test('a text behind half a character begins on its own', () => {
    const show = createVisibleText();
    expect(show(Buffer.from([0xc3])) + show('done\n')).toBe('\ufffddone\n');
  });
});
