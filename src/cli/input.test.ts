import { describe, expect, test } from 'bun:test';
import { createInput } from './input.ts';

const never = new AbortController().signal;
const ask = () => undefined;

function inputOf(pieces: readonly (string | Uint8Array)[], isTty = false) {
  const modes: boolean[] = [];
  const input = createInput({
    isTty,
    open: () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (const piece of pieces)
            controller.enqueue(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
          controller.close();
        },
      }),
    setRawMode: (isRaw) => modes.push(isRaw),
  });
  return { ...input, modes };
}

describe('lines', () => {
  test.each([
    ['one piece', ['a\nb\n'], ['a', 'b']],
    ['split anywhere', ['a', '\n', 'b', 'c\n'], ['a', 'bc']],
    ['split within a character', [new Uint8Array([0xc3]), new Uint8Array([0xa4, 10])], ['ä']],
    ['the last one without newline', ['a\nb'], ['a', 'b']],
    ['ends of Windows', ['a\r\nb\r\n'], ['a', 'b']],
    ['empty ones', ['\n\n'], ['', '']],
    ['nothing', [], []],
  ])('%s', async (_, pieces, lines) => {
    const input = inputOf(pieces);
    for (const line of lines) expect(await input.readLine({ signal: never })).toBe(line);
    expect(await input.readLine({ signal: never })).toBeUndefined();
  });

  test('what is behind the lines that were read is left for others', async () => {
    const input = inputOf(['encrypted\npass', 'word\nrest\n']);
    expect(await input.readLine({ signal: never })).toBe('encrypted');
    expect(await input.readHidden({ signal: never, ask })).toBe('password');
    expect(await input.readAll({ signal: never })).toBe('rest\n');
  });
});

describe('everything', () => {
  test('comes as it is, byte order mark and line ends included', async () => {
    expect(await inputOf(['\ufeffa\r\n', '\n']).readAll({ signal: never })).toBe('\ufeffa\r\n\n');
  });

  test('what is no UTF-8 is refused', async () => {
    const input = inputOf([new Uint8Array([0xff, 0x41])]);
    await expect(input.readAll({ signal: never })).rejects.toThrow('input is not valid UTF-8');
  });

  test('more than 32 MiB is refused', async () => {
    const input = inputOf(Array.from({ length: 33 }, () => new Uint8Array(1024 * 1024)));
    await expect(input.readAll({ signal: never })).rejects.toThrow('input is too large, limited to 32MiB');
  });
});

describe('typed without being shown', () => {
  test.each([
    ['a word', ['secret\r'], 'secret'],
    ['keys one by one', ['s', 'e', '\r'], 'se'],
    ['a newline for return', ['s\n'], 's'],
    ['corrections, of whole characters', ['aä\u007f\u007fb\b\u0015cd\r'], 'cd'],
    ['more corrections than characters', ['\u007f\u007fa\r'], 'a'],
    ['end of input behind something', ['a\u0004'], 'a'],
    ['end of input', ['\u0004'], undefined],
    ['a terminal that goes away', [], undefined],
  ])('%s', async (_, pieces, typed) => {
    const input = inputOf(pieces, true);
    expect(await input.readHidden({ signal: never, ask })).toBe(typed as string);
    expect(input.modes).toEqual([true, false]);
  });

  test('the question comes when nothing is shown any more', async () => {
    const input = inputOf(['a\r'], true);
    let modesAtQuestion: readonly boolean[] = [];
    await input.readHidden({
      signal: never,
      ask: () => {
        modesAtQuestion = [...input.modes];
      },
    });
    expect(modesAtQuestion).toEqual([true]);
  });

  test('Ctrl-C gives the terminal back and ends with 130', async () => {
    const input = inputOf(['sec\u0003'], true);
    await expect(input.readHidden({ signal: never, ask })).rejects.toMatchObject({
      code: 'ERR_CANCELLED',
      exitCode: 130,
    });
    expect(input.modes).toEqual([true, false]);
  });

  test('a cancelled read gives the terminal back', async () => {
    const controller = new AbortController();
    const modes: boolean[] = [];
    const input = createInput({
      isTty: true,
      open: () => new ReadableStream<Uint8Array>(),
      setRawMode: (isRaw) => modes.push(isRaw),
    });
    const reading = input.readHidden({ signal: controller.signal, ask });
    controller.abort();
    await expect(reading).rejects.toThrow('abort');
    expect(modes).toEqual([true, false]);
  });
});
