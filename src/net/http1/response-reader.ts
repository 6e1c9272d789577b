import { type ChunkedBody, createChunkedBody } from './chunked-body.ts';
import { bodyKindOf, findHeadEnd, parseResponseHead, type ResponseHead } from './response-head.ts';

/** What an HTTP/1.1 response consists of, as it comes in. Pieces of the body share memory with what was pushed. */
export interface ResponseSink {
  onHead(head: ResponseHead): void;
  onBody(piece: Uint8Array<ArrayBuffer>): void;
  /** Nothing more belongs to the response. `isReusable`: the connection is ready for another request. */
  onEnd(isReusable: boolean): void;
  /** Whether after a head of this status the connection is HTTP no more: all that follows is handed on as a body. */
  switches?(status: number): boolean;
}

export interface ResponseReader {
  /** Throws when the bytes are no HTTP response; nothing may be pushed after that. */
  push(bytes: Uint8Array<ArrayBuffer>): void;
  /** The connection was closed. Throws when that was too early. */
  close(): void;
}

const MAX_HEAD_BYTES = 256 * 1024;
const START = 'HTTP/1.';

/** Reads one response to a request of that method, whatever its pieces (RFC 9112 §6.3). */
export function createResponseReader(method: string, sink: ResponseSink): ResponseReader {
  let state: 'head' | 'length' | 'chunked' | 'until-close' | 'done' = 'head';
  let held: Buffer<ArrayBuffer> | undefined;
  let left = 0;
  let isPersistent = false;
  /** Bytes of responses that another one follows. */
  let provisional = 0;
  let chunks: ChunkedBody | undefined;

  /** Answers what is left of the bytes once the final head is over. */
  function takeHead(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | undefined {
    let buffer =
      held === undefined
        ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        : Buffer.concat([held, bytes]);
    held = undefined;
    for (;;) {
      const end = findHeadEnd(buffer);
      if (end === -1) {
        if (provisional + buffer.byteLength > MAX_HEAD_BYTES)
          throw new Error('response headers are too large');
        // Who speaks something else may wait for us to go on.
        if (!START.startsWith(buffer.toString('latin1', 0, START.length)))
          throw new Error('not an HTTP response');
        // Kept across calls, so it must be ours.
        held = Buffer.from(buffer);
        return undefined;
      }
      if (provisional + end > MAX_HEAD_BYTES) throw new Error('response headers are too large');
      const head = parseResponseHead(buffer.toString('latin1', 0, end));
      buffer = buffer.subarray(end);
      if (head.status >= 200 || sink.switches?.(head.status) === true) {
        begin(head);
        return buffer;
      }
      provisional += end;
      if (head.status === 101) throw new Error('the connection was switched to another protocol');
    }
  }

  function begin(head: ResponseHead): void {
    isPersistent = head.isPersistent;
    const kind = bodyKindOf(method, head);
    sink.onHead(head);
    if (sink.switches?.(head.status) === true) {
      state = 'until-close';
      return;
    }
    if (kind === 'none' || (kind === 'length' && head.length === 0)) {
      finish();
      return;
    }
    state = kind;
    if (kind === 'length') left = head.length ?? 0;
    if (kind === 'chunked') chunks = createChunkedBody(sink.onBody);
  }

  function finish(): void {
    state = 'done';
    sink.onEnd(isPersistent);
  }

  function takeBody(bytes: Uint8Array<ArrayBuffer>): void {
    switch (state) {
      case 'length': {
        const piece = bytes.byteLength > left ? bytes.subarray(0, left) : bytes;
        left -= piece.byteLength;
        if (bytes.byteLength > piece.byteLength) isPersistent = false;
        sink.onBody(piece);
        if (left === 0) finish();
        return;
      }
      case 'chunked': {
        const taken = chunks?.push(bytes) ?? 0;
        if (chunks?.done !== true) return;
        if (taken < bytes.byteLength) isPersistent = false;
        finish();
        return;
      }
      case 'until-close':
        sink.onBody(bytes);
        return;
      default:
        // Nobody asked for it; what else may come is not to be trusted.
        throw new Error('bytes after the end of a response');
    }
  }

  return {
    push(bytes) {
      const rest = state === 'head' ? takeHead(bytes) : bytes;
      if (rest === undefined || rest.byteLength === 0) return;
      if (state === 'done') isPersistent = false;
      takeBody(rest);
    },
    close() {
      if (state === 'done') return;
      if (state !== 'until-close')
        throw new Error('the connection was closed before the response was complete');
      isPersistent = false;
      finish();
    },
  };
}
