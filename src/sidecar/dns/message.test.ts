import { describe, expect, test } from 'bun:test';
import { answerTo, parseQuery, STATUS, TYPE } from './message.ts';

function query(
  labels: readonly (string | Uint8Array)[],
  { type = 1, flags = 0x0100, counts = [1, 0, 0, 0], tail = [0, 1] } = {},
) {
  const header = [
    0x12,
    0x34,
    flags >> 8,
    flags & 0xff,
    ...counts.flatMap((count) => [count >> 8, count & 0xff]),
  ];
  const name = labels.flatMap((label) => [label.length, ...Buffer.from(label as string)]);
  return Uint8Array.from([...header, ...name, 0, type >> 8, type & 0xff, ...tail]);
}

describe('a DNS query', () => {
  test('is read with its name in lower case', () => {
    expect(parseQuery(query(['DB', 'Example', 'com']))).toMatchObject({
      id: 0x1234,
      name: 'db.example.com',
      type: TYPE.a,
      recursionDesired: true,
    });
  });

  test('may carry extensions behind its question', () => {
    const edns = [0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0];
    const bytes = Buffer.concat([query(['a'], { counts: [1, 0, 0, 1] }), Uint8Array.from(edns)]);
    expect(parseQuery(bytes)).toMatchObject({ name: 'a' });
  });

  test.each<[string, Uint8Array, number | undefined]>([
    ['shorter than a header gets no answer', query(['a']).subarray(0, 11), undefined],
    ['nothing gets no answer', new Uint8Array(), undefined],
    ['an answer gets no answer', query(['a'], { flags: 0x8180 }), undefined],
    ['another operation', query(['a'], { flags: 0x2800 }), STATUS.notImplemented],
    ['two questions', query(['a'], { counts: [2, 0, 0, 0] }), STATUS.formatError],
    ['no question', query(['a'], { counts: [0, 0, 0, 0] }), STATUS.formatError],
    ['an answer section', query(['a'], { counts: [1, 1, 0, 0] }), STATUS.formatError],
    ['another class', query(['a'], { tail: [0, 3] }), STATUS.notImplemented],
    ['a question cut short', query(['a']).subarray(0, -1), STATUS.formatError],
    [
      'a label that reaches past the end',
      Uint8Array.from([...query([]).subarray(0, 12), 63, 97]),
      STATUS.formatError,
    ],
    [
      'a compressed name, which could point to itself',
      Uint8Array.from([...query([]).subarray(0, 12), 0xc0, 12, 0, 1, 0, 1]),
      STATUS.formatError,
    ],
    [
      'a name without an end',
      Uint8Array.from([...query([]).subarray(0, 12), ...new Array(600).fill(1)]),
      STATUS.formatError,
    ],
  ])('refused: %s', (_, bytes, status) => {
    expect(parseQuery(bytes)).toBe(status);
  });

  test.each<[string, readonly (string | Uint8Array)[]]>([
    ['the root', []],
    ['bytes that no host has', [Uint8Array.from([0, 255])]],
    ['a dot inside a label', ['a.b']],
    ['a label with a space', ['a b']],
    ['more than 253 letters', ['a'.repeat(63), 'a'.repeat(63), 'a'.repeat(63), 'a'.repeat(62)]],
  ])('is of no host: %s', (_, labels) => {
    expect(parseQuery(query(labels))).toMatchObject({ name: undefined });
  });

  test('cut at every length is refused or ignored, never read', () => {
    const whole = query(['example', 'com']);
    for (let end = 0; end < whole.length; end++)
      expect(typeof parseQuery(whole.subarray(0, end))).not.toBe('object');
  });
});

describe('a DNS answer', () => {
  const answer = (type: number, status: number, addresses: readonly string[]) => {
    const parsed = parseQuery(query(['a'], { type }));
    if (typeof parsed !== 'object') throw new Error('not read');
    return Buffer.from(answerTo(parsed, status, addresses)).toString('hex');
  };
  test.each<[string, number, number, readonly string[], string]>([
    [
      'an address',
      TYPE.a,
      STATUS.ok,
      ['192.0.2.1'],
      `1234818000010001000000000161000001${'0001'}c00c0001000100000005${'0004c0000201'}`,
    ],
    ['no such name', TYPE.a, STATUS.noSuchName, [], `12348183000100000000000001610000010001`],
    [
      'an IPv6 address',
      TYPE.aaaa,
      STATUS.ok,
      ['2001:db8::1'],
      `123481800001000100000000016100001c0001c00c001c000100000005001020010db8000000000000000000000001`,
    ],
    [
      'IPv4 inside IPv6',
      TYPE.aaaa,
      STATUS.ok,
      ['::ffff:192.0.2.1'],
      `123481800001000100000000016100001c0001c00c001c000100000005001000000000000000000000ffffc0000201`,
    ],
  ])('%s', (_, type, status, addresses, hex) => {
    expect(answer(type, status, addresses)).toBe(hex);
  });

  test('of many addresses stays below what UDP carries', () => {
    const many = Array.from({ length: 99 }, (_, index) => `2001:db8::${index}`);
    expect(answer(TYPE.aaaa, STATUS.ok, many).length / 2).toBeLessThan(512);
  });
});
