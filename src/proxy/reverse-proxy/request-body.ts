import { isBatch, type Message, readMessage } from '../json-rpc/index.ts';
import type { ReadBody, RequestContext } from '../types.ts';

/** A request body on its way through. */
export interface ForwardBody {
  /** What is to be sent; a stream can be sent once only. */
  readonly content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined;
  /** Whether `content` may be sent again, after a redirect, a refused connection or a lost session. */
  readonly isRepeatable: boolean;
  readonly isBatch: boolean;
  /** The one JSON-RPC message it is, where it was read whole. Parsed when first asked for. */
  message(): Message | undefined;
  /** `false`: no JSON text in it can spell `word`. Costs a search instead of a parse. */
  maySpell(word: string): boolean;
}

/** Bodies of at most this many bytes are read whole, as a lost session may need them twice; larger ones stream. */
const WHOLE_BYTES = 8 * 1024 * 1024;
/** More white space than this in front of a batch hides it from us; the server refuses it then, or not. */
const MAX_LEADING_SPACE = 64 * 1024;

const STALL_MS = 30_000;

const NO_BODY: ForwardBody = {
  content: undefined,
  isRepeatable: true,
  isBatch: false,
  message: () => undefined,
  maySpell: () => false,
};

export function takeBody(request: Request, context: RequestContext): ForwardBody | Promise<ForwardBody> {
  const { method } = request;
  if (method === 'GET' || method === 'HEAD') return NO_BODY;
  if (context.body !== undefined) return bodyAlreadyRead(context.body);
  const length = request.headers.get('content-length');
  if (length === null) return request.body === null ? NO_BODY : readOrStream(request.body);
  const bytes = Number(length);
  if (bytes === 0) return { ...NO_BODY, content: new Uint8Array(0) };
  if (bytes <= WHOLE_BYTES) return readWhole(request);
  return request.body === null ? NO_BODY : readOrStream(request.body, 1);
}

async function readWhole(request: Request): Promise<ForwardBody> {
  return wholeBody(new Uint8Array(await request.arrayBuffer()));
}

function wholeBody(bytes: Uint8Array<ArrayBuffer>): ForwardBody {
  let message: Message | undefined | 'unread' = 'unread';
  let buffer: Buffer | undefined;
  return {
    content: bytes,
    isRepeatable: true,
    isBatch: beginsBatch(bytes),
    message() {
      if (message === 'unread') message = readMessage(new TextDecoder().decode(bytes));
      return message;
    },
    maySpell(word) {
      buffer ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      return buffer.includes(word) || buffer.includes('\\u');
    },
  };
}

function bodyAlreadyRead({ content, text, message }: ReadBody): ForwardBody {
  return {
    content: typeof content === 'string' ? Buffer.from(content) : content,
    isRepeatable: true,
    isBatch: text[0] !== '{' && isBatch(text),
    message: () => message,
    maySpell: (word) => text.includes(word) || text.includes('\\u'),
  };
}

/** Reads up to `wholeBytes`; what is longer goes on as a stream, with what was read at its head. */
async function readOrStream(
  body: ReadableStream<Uint8Array>,
  wholeBytes = WHOLE_BYTES,
): Promise<ForwardBody> {
  const reader = body.getReader();
  const read: Uint8Array[] = [];
  let size = 0;
  while (size < wholeBytes || (size < MAX_LEADING_SPACE && read.every(isBlank))) {
    const { done, value } = await reader.read();
    if (done) return wholeBody(Buffer.concat(read));
    read.push(value);
    size += value.byteLength;
  }
  const batch = beginsBatch(Buffer.concat(read.map((chunk) => chunk.subarray(0, MAX_LEADING_SPACE))));
  if (batch) reader.cancel().catch(() => undefined); // the client is answered without the rest
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = read.shift() ?? (await nextPiece(reader));
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return { ...NO_BODY, content, isRepeatable: false, isBatch: batch };
}

interface Reader {
  read(): Promise<{ readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
}

/** The next piece of a long body, which may take its time as a whole, but not stand still. */
async function nextPiece(reader: Reader): Promise<Uint8Array | undefined> {
  let hasStalled = false;
  const timer = setTimeout(() => {
    hasStalled = true;
    reader.cancel().catch(() => undefined); // gone already
  }, STALL_MS);
  try {
    const { value } = await reader.read();
    if (hasStalled) throw new Error(`the request body stood still for ${STALL_MS / 1000} seconds`);
    return value;
  } finally {
    clearTimeout(timer);
  }
}

/** Nearly every body is an object and is recognised by its first byte. */
function beginsBatch(bytes: Uint8Array): boolean {
  if (bytes[0] === 0x7b || bytes.byteLength === 0) return false;
  return isBatch(new TextDecoder().decode(bytes.subarray(0, MAX_LEADING_SPACE)));
}

function isBlank(bytes: Uint8Array): boolean {
  return /^[\s\u0085]*$/.test(new TextDecoder().decode(bytes));
}
