/**
 * The part of HTTP/1.1 (RFC 9112) that Bun's `fetch` cannot do for us: reading an answer from a socket that afterwards is not
 * HTTP any more (attach), or from a Windows pipe.
 */

export interface ResponseHead {
  readonly status: number;
  readonly headers: Headers;
}

const HEAD_MAX_BYTES = 64 * 1024;
const HEAD_END = '\r\n\r\n';

/** The bytes of a request head, ready to be written; `headers` in the order given. */
export function formatRequestHead(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, 'Host: engine', ...lines, '', ''].join('\r\n');
}

export type HeadResult =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'head'; readonly head: ResponseHead; readonly lengthBytes: number }
  | { readonly kind: 'invalid'; readonly problem: string };

/** Reads the head at the start of `bytes`; what follows it begins at `lengthBytes`. */
export function parseResponseHead(bytes: Uint8Array): HeadResult {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = buffer.subarray(0, 5).toString('latin1');
  if (!'HTTP/'.startsWith(start)) return { kind: 'invalid', problem: 'what answered does not speak HTTP' };
  const end = buffer.indexOf(HEAD_END, 0, 'latin1');
  if (end === -1) {
    if (buffer.length < HEAD_MAX_BYTES) return { kind: 'incomplete' };
    return { kind: 'invalid', problem: `the head of the answer is longer than ${HEAD_MAX_BYTES} bytes` };
  }
  const [statusLine = '', ...fields] = buffer.subarray(0, end).toString('latin1').split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)?.[1];
  if (status === undefined)
    return { kind: 'invalid', problem: `the answer begins with ${JSON.stringify(statusLine)}` };
  const headers = new Headers();
  for (const field of fields) {
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
    if (name === undefined || value === undefined) {
      return { kind: 'invalid', problem: `the answer has the header line ${JSON.stringify(field)}` };
    }
    headers.append(name, value);
  }
  return { kind: 'head', head: { status: Number(status), headers }, lengthBytes: end + HEAD_END.length };
}

export interface BodyDecoder {
  /** Hands on the body bytes in `bytes`, as views of it. Returns what is wrong, if anything. */
  push(bytes: Uint8Array, onBody: (bytes: Uint8Array) => void): string | undefined;
  /** True when the body is complete and the connection has nothing more to say. */
  readonly isComplete: boolean;
  /** What is wrong when the connection ends here. */
  end(): string | undefined;
}

/** Decoder for the body that follows `head` (RFC 9112 §6.3): chunked, of known length, or until the connection ends. */
export function createBodyDecoder(head: ResponseHead, method: string): BodyDecoder {
  if (method === 'HEAD' || head.status === 204 || head.status === 304) return lengthDecoder(0);
  if (/\bchunked$/i.test(head.headers.get('transfer-encoding') ?? '')) return chunkedDecoder();
  const length = head.headers.get('content-length');
  return lengthDecoder(length === null ? Infinity : Number(length));
}

function lengthDecoder(lengthBytes: number): BodyDecoder {
  let remaining = lengthBytes;
  return {
    push(bytes, onBody) {
      const piece = bytes.length <= remaining ? bytes : bytes.subarray(0, remaining);
      remaining -= piece.length;
      if (piece.length > 0) onBody(piece);
      return undefined;
    },
    get isComplete() {
      return remaining === 0;
    },
    end: () => (remaining === 0 || remaining === Infinity ? undefined : 'the answer was cut off'),
  };
}

const CHUNK_LINE_MAX_BYTES = 4096;

/** RFC 9112 §7.1. Extensions and trailers are read over. */
function chunkedDecoder(): BodyDecoder {
  let state: 'size' | 'data' | 'data-end' | 'trailer' | 'complete' = 'size';
  let line = '';
  let remaining = 0;

  /** Takes a finished line; returns what is wrong with it. */
  function takeLine(): string | undefined {
    const text = line.replace(/\r$/, '');
    line = '';
    if (state === 'data-end') {
      state = 'size';
      return text === '' ? undefined : 'the answer has a chunk of the wrong length';
    }
    if (state === 'trailer') {
      if (text === '') state = 'complete';
      return undefined;
    }
    const size = /^([0-9a-fA-F]{1,8})[ \t]*(?:;.*)?$/.exec(text)?.[1];
    if (size === undefined) return `the answer has the chunk size ${JSON.stringify(text)}`;
    remaining = Number.parseInt(size, 16);
    state = remaining === 0 ? 'trailer' : 'data';
    return undefined;
  }

  return {
    push(bytes, onBody) {
      let at = 0;
      while (at < bytes.length && state !== 'complete') {
        if (state === 'data') {
          const piece = bytes.subarray(at, Math.min(at + remaining, bytes.length));
          at += piece.length;
          remaining -= piece.length;
          if (remaining === 0) state = 'data-end';
          onBody(piece);
          continue;
        }
        const end = bytes.indexOf(0x0a, at);
        const stop = end === -1 ? bytes.length : end;
        line += Buffer.from(bytes.subarray(at, stop)).toString('latin1');
        at = stop + 1;
        if (line.length > CHUNK_LINE_MAX_BYTES) return 'the answer has a chunk line that does not end';
        if (end === -1) return undefined;
        const problem = takeLine();
        if (problem !== undefined) return problem;
      }
      return undefined;
    },
    get isComplete() {
      return state === 'complete';
    },
    end: () => (state === 'complete' ? undefined : 'the answer was cut off'),
  };
}
