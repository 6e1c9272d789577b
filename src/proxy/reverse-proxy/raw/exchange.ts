import { createResponseReader, type ResponseHead, type ResponseReader } from '../../../net/index.ts';
import { createResponseStream, type ResponseStream } from './response-stream.ts';

/** One request's answer on its way in. */
export interface Exchange {
  readonly answer: Promise<Response>;
  /** Whether any byte of the answer has come. */
  readonly begun: boolean;
  readonly ended: boolean;
  push(bytes: Uint8Array<ArrayBuffer>): void;
  /** The connection was closed by the other side. */
  close(): void;
  fail(error: Error): void;
}

export interface ExchangeHooks {
  readonly pause: () => void;
  readonly resume: () => void;
  /** What the answer comes over. */
  readonly carrier: object;
  /** The client does not want the rest of the answer. */
  readonly cancel: () => void;
  /** Called once, when nothing more will come; `isReusable`: another request may follow. */
  readonly onEnd: (isReusable: boolean) => void;
}

/** A body of at most this length is waited for and handed on in one piece. */
const WHOLE_BYTES = 1024 * 1024;

export function createExchange(method: string, hooks: ExchangeHooks): Exchange {
  const { promise: answer, resolve, reject } = Promise.withResolvers<Response>();
  let head: ResponseHead | undefined;
  let stream: ResponseStream | undefined;
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let begun = false;
  let complete = false;
  let ended = false;
  let isReusable = false;

  const reader: ResponseReader = createResponseReader(method, {
    onHead(received) {
      head = received;
    },
    onBody(piece) {
      if (stream === undefined) pieces.push(piece);
      else stream.push(piece);
    },
    onEnd(reusable) {
      complete = true;
      isReusable = reusable;
    },
  });

  /** After every read: hands on what has come so far, in one piece if that is all. */
  function advance(): void {
    if (complete) {
      if (stream === undefined && head !== undefined)
        resolve(wholeResponse(head, pieces, method, hooks.carrier));
      else stream?.end();
      finish(isReusable);
    } else if (head !== undefined && stream === undefined && (head.length ?? Infinity) > WHOLE_BYTES) {
      const { pause: onFull, resume: onRoom, cancel: onCancel } = hooks;
      stream = createResponseStream({ onFull, onRoom, onCancel });
      for (const piece of pieces) stream.push(piece);
      pieces = [];
      resolve(toResponse(stream.body, head));
    }
  }

  function finish(reusable: boolean): void {
    if (ended) return;
    ended = true;
    hooks.onEnd(reusable);
  }

  function fail(error: Error): void {
    reject(error);
    stream?.fail(error);
    finish(false);
  }

  return {
    answer,
    get begun() {
      return begun;
    },
    get ended() {
      return ended;
    },
    push(bytes) {
      begun = true;
      try {
        reader.push(bytes);
        advance();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    },
    close() {
      try {
        reader.close();
        advance();
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    },
    fail,
  };
}

function wholeResponse(
  head: ResponseHead,
  pieces: Uint8Array<ArrayBuffer>[],
  method: string,
  carrier: object,
): Response {
  const { status } = head;
  if (method === 'HEAD' || status === 204 || status === 205 || status === 304) return toResponse(null, head);
  const [first] = pieces;
  const body = pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces);
  const headers = head.headers.filter(([name]) => name !== 'content-length');
  const response = toResponse(body, { ...head, headers });
  whole.set(response, carrier);
  return response;
}

/** Remembers of a response what its body does not tell; forgotten with it. */
const whole = new WeakMap<Response, object>();

/** Whether all of the answer had come with its headers: nothing of it can be late or get lost any more. */
export function isWhole(response: Response): boolean {
  return whole.has(response);
}

/** The connection that brought the answer; `undefined` when that is not known. */
export function carrierOf(response: Response): object | undefined {
  return whole.get(response);
}

/** Throws for a status that no response of ours can have. */
function toResponse(
  body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | null,
  { status, statusText, headers }: ResponseHead,
): Response {
  return new Response(body, { status, statusText, headers });
}
