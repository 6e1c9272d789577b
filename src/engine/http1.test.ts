import { describe, expect, test } from 'bun:test';
import { createBodyDecoder, formatRequestHead, parseResponseHead } from './http1.ts';

const HEADS: readonly [string, string, unknown][] = [
  ['nothing yet', '', { kind: 'incomplete' }],
  ['half a head', 'HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n', { kind: 'incomplete' }],
  [
    'a head with raw bytes behind it',
    'HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw',
    { status: 101, headers: { upgrade: 'tcp' }, rest: 'raw' },
  ],
  ['no reason phrase', 'HTTP/1.1 200\r\n\r\n', { status: 200, headers: {}, rest: '' }],
  ['HTTP/1.0', 'HTTP/1.0 404 Not Found\r\nA:b \r\n\r\n', { status: 404, headers: { a: 'b' }, rest: '' }],
  ['another protocol', 'SSH-2.0-x', { kind: 'invalid', problem: 'what answered does not speak HTTP' }],
  [
    'a bad status line',
    'HTTP/1.1 OK\r\n\r\n',
    { kind: 'invalid', problem: 'the answer begins with "HTTP/1.1 OK"' },
  ],
  [
    'a bad header',
    'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n',
    { kind: 'invalid', problem: 'the answer has the header line "nonsense"' },
  ],
  [
    'a head without end',
    `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(70_000)}`,
    { kind: 'invalid', problem: 'the head of the answer is longer than 65536 bytes' },
  ],
];

describe('parseResponseHead', () => {
  test.each(HEADS)('%s', (_name, text, expected) => {
    const bytes = Buffer.from(text, 'latin1');
    const result = parseResponseHead(bytes);
    const seen =
      result.kind === 'head'
        ? {
            status: result.head.status,
            headers: Object.fromEntries(result.head.headers),
            rest: bytes.subarray(result.lengthBytes).toString(),
          }
        : result;
    expect<unknown>(seen).toEqual(expected);
  });
});

test('formatRequestHead keeps the order of headers and ends with an empty line', () => {
  expect(formatRequestHead('POST', '/v1.41/x?y=', { Connection: 'Upgrade', Upgrade: 'tcp' })).toBe(
    'POST /v1.41/x?y= HTTP/1.1\r\nHost: engine\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n',
  );
});

interface Body {
  readonly text: string;
  readonly isComplete: boolean;
  readonly problem: string | undefined;
}

const CHUNKED = { 'transfer-encoding': 'chunked' };
const BODIES: readonly [string, Record<string, string>, string, Body][] = [
  ['known length', { 'content-length': '3' }, 'abc', { text: 'abc', isComplete: true, problem: undefined }],
  [
    'bytes behind a known length',
    { 'content-length': '2' },
    'abc',
    { text: 'ab', isComplete: true, problem: undefined },
  ],
  [
    'cut off',
    { 'content-length': '4' },
    'abc',
    { text: 'abc', isComplete: false, problem: 'the answer was cut off' },
  ],
  ['empty', { 'content-length': '0' }, '', { text: '', isComplete: true, problem: undefined }],
  ['until the end', {}, 'abc', { text: 'abc', isComplete: false, problem: undefined }],
  [
    'chunked',
    CHUNKED,
    '3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n',
    { text: 'abc0123456789', isComplete: true, problem: undefined },
  ],
  [
    'chunked with extension and trailer',
    CHUNKED,
    '1;x=y\r\na\r\n0\r\nTrailer: z\r\n\r\nrest',
    { text: 'a', isComplete: true, problem: undefined },
  ],
  [
    'chunked, cut off',
    CHUNKED,
    '5\r\nab',
    { text: 'ab', isComplete: false, problem: 'the answer was cut off' },
  ],
  [
    'chunk size that is none',
    CHUNKED,
    'xyz\r\n',
    { text: '', isComplete: false, problem: 'the answer has the chunk size "xyz"' },
  ],
  [
    'chunk of the wrong length',
    CHUNKED,
    '1\r\nabc\r\n',
    { text: 'a', isComplete: false, problem: 'the answer has a chunk of the wrong length' },
  ],
];

describe('createBodyDecoder', () => {
  function decode(headers: Record<string, string>, pieces: readonly Uint8Array[]): Body {
    const decoder = createBodyDecoder({ status: 200, headers: new Headers(headers) }, 'GET');
    let text = '';
    for (const piece of pieces) {
      const problem = decoder.push(piece, (bytes) => {
        text += Buffer.from(bytes).toString();
      });
      if (problem !== undefined) return { text, isComplete: false, problem };
    }
    return { text, isComplete: decoder.isComplete, problem: decoder.end() };
  }

  test.each(BODIES)('%s, split at every position', (_name, headers, text, expected) => {
    const whole = Buffer.from(text);
    for (let at = 0; at <= whole.length; at++) {
      expect(decode(headers, [whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
    expect(
      decode(
        headers,
        [...whole].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(expected);
  });

  test.each([
    ['HEAD', 200],
    ['POST', 204],
    ['POST', 304],
  ])('%s answered with %i has no body', (method, status) => {
    expect(
      createBodyDecoder({ status, headers: new Headers({ 'content-length': '9' }) }, method).isComplete,
    ).toBe(true);
  });
});
