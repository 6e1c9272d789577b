import { describe, expect, test } from 'bun:test';
import { createResponseReader } from './response-reader.ts';

interface Read {
  readonly status: number | undefined;
  readonly headers: readonly (readonly string[])[];
  readonly body: string;
  /** `undefined`: not complete. */
  readonly isReusable: boolean | undefined;
  readonly error: string | undefined;
}

function readAll(pieces: readonly Buffer<ArrayBuffer>[], method: string, closes: boolean): Read {
  const body: Buffer[] = [];
  const seen: { status?: number; headers: string[][]; isReusable?: boolean; error?: string } = {
    headers: [],
  };
  const reader = createResponseReader(method, {
    onHead({ status, headers }) {
      seen.status = status;
      seen.headers = headers;
    },
    onBody: (piece) => body.push(Buffer.from(piece)),
    onEnd(isReusable) {
      seen.isReusable = isReusable;
    },
  });
  try {
    for (const piece of pieces) reader.push(piece);
    if (closes) reader.close();
  } catch (error) {
    seen.error = error instanceof Error ? error.message : String(error);
  }
  const { status, headers, isReusable, error } = seen;
  return { status, headers, body: Buffer.concat(body).toString('latin1'), isReusable, error };
}

interface Row {
  readonly method?: string;
  readonly closes?: boolean;
  readonly status?: number;
  readonly headers?: string[][];
  readonly body?: string;
  readonly isReusable?: boolean;
  readonly error?: string;
}

describe('a response, cut at every place (RFC 9112)', () => {
  test.each<[string, string, Row]>([
    [
      'with a length',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello',
      {
        headers: [
          ['content-length', '5'],
          ['x-a', 'b'],
        ],
        body: 'hello',
        isReusable: true,
      },
    ],
    ['without body', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', { isReusable: true, body: '' }],
    ['without reason', 'HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n', { status: 202, isReusable: true }],
    [
      'in chunks, with extensions and trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x="y"\r\nhello\r\n00A \r\n, world !!\r\n0\r\nX-T: 1\r\n\r\n',
      { headers: [], body: 'hello, world !!', isReusable: true },
    ],
    [
      'in chunks, in spite of a length',
      'HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      { headers: [], body: 'a', isReusable: false },
    ],
    [
      'until the end of the connection',
      'HTTP/1.1 200 OK\r\n\r\nsome\r\n\r\nthing',
      { closes: true, body: 'some\r\n\r\nthing', isReusable: false },
    ],
    [
      'that announces the end of the connection',
      'HTTP/1.1 200 OK\r\nConnection: X-Drop, Close\r\nX-Drop: 1\r\nContent-Length: 1\r\n\r\na',
      { headers: [['content-length', '1']], body: 'a', isReusable: false },
    ],
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na', { body: 'a', isReusable: false }],
    [
      'of HTTP/1.0 that stays',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\na',
      { body: 'a', isReusable: true },
    ],
    [
      'to HEAD',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
      { method: 'HEAD', body: '', isReusable: true },
    ],
    ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', { status: 204, body: '' }],
    ['304 in chunks', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', { status: 304 }],
    [
      'after provisional ones',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na',
      { status: 200, headers: [['content-length', '1']], body: 'a' },
    ],
    [
      'with a header that comes twice',
      'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n',
      {
        headers: [
          ['set-cookie', 'a=1'],
          ['set-cookie', 'b=2'],
          ['content-length', '0'],
        ],
      },
    ],
    [
      'with equal lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\na',
      { body: 'a' },
    ],
    ['with lone line feeds', 'HTTP/1.1 200 OK\nContent-Length: 1\n\na', { body: 'a', isReusable: true }],
    [
      'with bytes above ASCII',
      'HTTP/1.1 200 OK\r\nX: \u00e9\r\nContent-Length: 1\r\n\r\n\u00ff',
      { body: '\u00ff' },
    ],
    ['followed by what nobody asked for', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab', { body: 'a' }],
    [
      'that breaks off',
      'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc',
      { closes: true, error: 'the connection was closed before the response was complete' },
    ],
    [
      'in chunks that break off',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n',
      { closes: true, error: 'the connection was closed before the response was complete' },
    ],
    ['that is none', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', { error: 'not an HTTP response' }],
    ['of HTTP/2', 'HTTP/2 200 OK\r\n\r\n', { error: 'not an HTTP response' }],
    ['101', 'HTTP/1.1 101 Switching\r\n\r\n', { error: 'the connection was switched to another protocol' }],
    [
      'with two lengths',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      { error: 'contradicting content lengths' },
    ],
    [
      'with a negative length',
      'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
      { error: 'malformed content length' },
    ],
    [
      'with an unknown encoding',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      { error: 'unknown transfer encoding' },
    ],
    [
      'with a folded header',
      'HTTP/1.1 200 OK\r\nX: a\r\n b: c\r\n\r\n',
      { error: 'malformed response header' },
    ],
    ['with a blank in a name', 'HTTP/1.1 200 OK\r\nX : a\r\n\r\n', { error: 'malformed response header' }],
    [
      'of HTTP/1.0 in chunks, which that version does not have',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n',
      { body: 'a', isReusable: false },
    ],
    [
      'with chunks named twice',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
      { error: 'unknown transfer encoding' },
    ],
    [
      'with chunks named twice in one line',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n',
      { error: 'unknown transfer encoding' },
    ],
    [
      'with a length in hex',
      'HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\n',
      { error: 'malformed content length' },
    ],
    [
      'with a signed length',
      'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n',
      { error: 'malformed content length' },
    ],
    [
      'with two lengths in one line',
      'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n',
      { error: 'malformed content length' },
    ],
    [
      'with an empty length',
      'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n',
      { error: 'malformed content length' },
    ],
    [
      'with a carriage return inside a line',
      'HTTP/1.1 200 OK\r\nX: a\rContent-Length: 9\r\n\r\n',
      { error: 'malformed response header' },
    ],
    ['with a NUL', 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n', { error: 'malformed response header' }],
    [
      'with a line without colon',
      'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n',
      { error: 'malformed response header' },
    ],
    ['with a header without name', 'HTTP/1.1 200 OK\r\n: a\r\n\r\n', { error: 'malformed response header' }],
    ['with a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n', { error: 'not an HTTP response' }],
    ['with a status below 100', 'HTTP/1.1 099 Low\r\n\r\n', { error: 'not an HTTP response' }],
    ['that waits for us to speak first', 'SSH-2.0-OpenSSH_9.6\r\n', { error: 'not an HTTP response' }],
    [
      'with a lone line feed behind a chunk size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n',
      { error: 'malformed chunk size' },
    ],
    [
      'with a carriage return inside a chunk extension',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;a\rb\r\na\r\n0\r\n\r\n',
      { error: 'malformed chunk size' },
    ],
    [
      'with a lone line feed behind a chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n',
      { error: 'malformed chunk end' },
    ],
    [
      'with two carriage returns behind a chunk',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\r\n0\r\n\r\n',
      { error: 'malformed chunk end' },
    ],
    [
      'with a chunk that is longer than it says',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n',
      { error: 'malformed chunk end' },
    ],
    [
      'with an empty chunk size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n',
      { error: 'malformed chunk size' },
    ],
    [
      'with a chunk larger than any number',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n',
      { error: 'malformed chunk size' },
    ],
    [
      'with a lone line feed in the trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\r\n',
      { error: 'malformed trailer' },
    ],
    [
      'with a bad chunk size',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n',
      { error: 'malformed chunk size' },
    ],
    [
      'with a bad chunk end',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc',
      { error: 'malformed chunk end' },
    ],
  ])('%s', (_, text, { method = 'GET', closes = false, ...expected }) => {
    const bytes = Buffer.from(text, 'latin1');
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)].filter((piece) => piece.length > 0);
      expect(readAll(pieces, method, closes)).toMatchObject(expected);
    }
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    expect(readAll(single, method, closes)).toMatchObject(expected);
  });

  test('a connection that brought too much is not used again', () => {
    const text = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n');
    expect(readAll([text], 'GET', false).isReusable).toBe(false);
  });

  test('headers and chunk lines have a bound', () => {
    const endless = Buffer.alloc(300 * 1024, 'x');
    expect(readAll([Buffer.from('HTTP/1.1 200 OK\r\nX: '), endless], 'GET', false).error).toBe(
      'response headers are too large',
    );
    const chunk = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;');
    expect(readAll([chunk, endless], 'GET', false).error).toBe('chunk line is too long');
  });

  test('provisional responses have a bound together', () => {
    const hint = Buffer.from(`HTTP/1.1 103 Early Hints\r\nX: ${'x'.repeat(1000)}\r\n\r\n`);
    const flood = Array.from({ length: 300 }, () => hint);
    expect(readAll(flood, 'GET', false).error).toBe('response headers are too large');
  });

  test('chunk extensions have a bound together, which data lifts', () => {
    const head = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const extension = 'x'.repeat(100);
    const tiny = Array.from({ length: 500 }, () => Buffer.from(`1;${extension}\r\na\r\n`));
    expect(readAll([head, ...tiny], 'GET', false).error).toBe('chunks have more extensions than data');
    const large = Array.from({ length: 500 }, () => Buffer.from(`64;${extension}\r\n${extension}\r\n`));
    expect(readAll([head, ...large], 'GET', false).error).toBeUndefined();
  });

  test('behind the head of a switched protocol all bytes are passed on', () => {
    const text = Buffer.from('HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\nContent-Length: 1\r\n\r\nraw\r\n\r\n');
    const seen: string[] = [];
    const reader = createResponseReader('POST', {
      switches: (status) => status === 101,
      onHead: ({ status }) => seen.push(String(status)),
      onBody: (piece) => seen.push(Buffer.from(piece).toString()),
      onEnd: (isReusable) => seen.push(String(isReusable)),
    });
    reader.push(text);
    reader.push(Buffer.from('more'));
    reader.close();
    expect(seen).toEqual(['101', 'raw\r\n\r\n', 'more', 'false']);
  });
});
