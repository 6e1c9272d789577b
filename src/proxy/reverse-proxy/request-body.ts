import { isBatch, readMessage } from '../json-rpc/index.ts';

/** A request body on its way through. */
export interface ForwardBody {
  /** What to give to `fetch`; a stream can be given once only. */
  readonly content: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined;
  /** Whether `content` may be sent again, after a redirect or a refused connection. */
  readonly isRepeatable: boolean;
  readonly isBatch: boolean;
  /** The JSON-RPC id as JSON text, where the body is one request that was read whole. Found when asked for. */
  findId(): string | undefined;
}

/** Bodies of at most this many bytes are read whole; larger ones stream, looked at only where they begin. */
const WHOLE_BYTES = 1024 * 1024;

export async function takeBody(request: Request): Promise<ForwardBody> {
  const { body, method } = request;
  if (body === null || method === 'GET' || method === 'HEAD') return wholeBody(undefined);
  const length = Number(request.headers.get('content-length') ?? Number.NaN);
  if (length <= WHOLE_BYTES) return wholeBody(new Uint8Array(await request.arrayBuffer()));
  return streamedBody(body);
}

function wholeBody(bytes: Uint8Array<ArrayBuffer> | undefined): ForwardBody {
  return {
    content: bytes,
    isRepeatable: true,
    isBatch: bytes !== undefined && beginsBatch(bytes),
    findId() {
      const message = bytes === undefined ? undefined : readMessage(new TextDecoder().decode(bytes));
      return message?.kind === 'request' ? message.text.slice(message.id.start, message.id.end) : undefined;
    },
  };
}

async function streamedBody(body: ReadableStream<Uint8Array>): Promise<ForwardBody> {
  const reader = body.getReader();
  const first = await reader.read();
  let pending = first.value;
  const content = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = pending ?? (await reader.read()).value;
        pending = undefined;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return {
    content,
    isRepeatable: false,
    isBatch: first.value !== undefined && beginsBatch(first.value),
    findId: () => undefined,
  };
}

/** White space before the bracket is a few bytes; an object is recognised by its first one. */
function beginsBatch(bytes: Uint8Array): boolean {
  return bytes[0] !== 0x7b && isBatch(new TextDecoder().decode(bytes.subarray(0, 4096)));
}
