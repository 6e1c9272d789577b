/**
 * A body in chunks (RFC 9112 §7.1), whatever the pieces it comes in. Extensions and trailers are dropped. Lines end with CRLF and
 * nothing else: where parsers differ about that, one of them takes data for a chunk size.
 */
export interface ChunkedBody {
  readonly done: boolean;
  /** Answers how many of the bytes were part of the body. Throws when they cannot be. */
  push(bytes: Uint8Array<ArrayBuffer>): number;
}

const MAX_LINE = 16 * 1024;
const MAX_TRAILERS = 64 * 1024;
/** What a chunk may bring along without being counted as a burden. */
const FREE_OVERHEAD = 16;
const MAX_OVERHEAD = 16 * 1024;
const LF = 0x0a;
const CR = 0x0d;

export function createChunkedBody(onBody: (piece: Uint8Array<ArrayBuffer>) => void): ChunkedBody {
  let state: 'size' | 'data' | 'data-cr' | 'data-lf' | 'trailer' | 'done' = 'size';
  let line = '';
  let left = 0;
  let trailers = 0;
  /** Bytes of extensions that no data makes up for. */
  let overhead = 0;

  /** Where the line ends in these bytes, or -1; the line is in `line` once it does. */
  function takeLine(bytes: Uint8Array, from: number): number {
    const end = bytes.indexOf(LF, from);
    const stop = end === -1 ? bytes.byteLength : end;
    line += Buffer.from(bytes.buffer, bytes.byteOffset + from, stop - from).toString('latin1');
    if (line.length > MAX_LINE) throw new Error('chunk line is too long');
    return end === -1 ? -1 : end + 1;
  }

  function takeSize(): void {
    const size = /^([\da-f]{1,13})[ \t]*(?:;[^\r]*)?\r$/i.exec(line)?.[1];
    if (size === undefined) throw new Error('malformed chunk size');
    left = Number.parseInt(size, 16);
    overhead = Math.max(0, overhead + line.length - FREE_OVERHEAD - left);
    if (overhead > MAX_OVERHEAD) throw new Error('chunks have more extensions than data');
    line = '';
    state = left === 0 ? 'trailer' : 'data';
  }

  function takeTrailer(): void {
    trailers += line.length;
    if (trailers > MAX_TRAILERS) throw new Error('trailers are too large');
    if (line.indexOf('\r') !== line.length - 1) throw new Error('malformed trailer');
    if (line === '\r') state = 'done';
    line = '';
  }

  return {
    get done() {
      return state === 'done';
    },
    push(bytes) {
      let at = 0;
      while (at < bytes.byteLength && state !== 'done') {
        if (state === 'data') {
          const end = Math.min(at + left, bytes.byteLength);
          onBody(bytes.subarray(at, end));
          left -= end - at;
          at = end;
          if (left === 0) state = 'data-cr';
        } else if (state === 'data-cr' || state === 'data-lf') {
          if (bytes[at] !== (state === 'data-cr' ? CR : LF)) throw new Error('malformed chunk end');
          state = state === 'data-cr' ? 'data-lf' : 'size';
          at += 1;
        } else {
          const end = takeLine(bytes, at);
          if (end === -1) return bytes.byteLength;
          at = end;
          if (state === 'size') takeSize();
          else takeTrailer();
        }
      }
      return at;
    },
  };
}
