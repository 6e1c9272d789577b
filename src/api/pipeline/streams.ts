/** One server-sent event (WHATWG HTML §9.2). */
export interface ServerEvent {
  readonly event: string;
  /** Becomes one `data` line per line. */
  readonly data: string;
}

/** Proxies and browsers give up on a silent stream; a comment now and then keeps it. */
const KEEP_ALIVE_MS = 15_000;

interface StreamOptions {
  /** The request; its signal aborts when the client leaves. */
  readonly request: Request;
  /** Aborts when the server ends. */
  readonly shutdown: AbortSignal;
}

/** A signal for the source of a stream. Call `end` when the stream is over, whichever side ended it. */
export function streamSignal({ request, shutdown }: StreamOptions): {
  readonly signal: AbortSignal;
  end(): void;
} {
  const controller = new AbortController();
  const sources = [request.signal, shutdown];
  const end = () => {
    // Listeners left on a long-lived signal are never freed.
    for (const source of sources) source.removeEventListener('abort', end);
    controller.abort();
  };
  for (const source of sources) source.addEventListener('abort', end);
  if (sources.some(({ aborted }) => aborted)) end();
  return { signal: controller.signal, end };
}

/** Events as they come; the reader's pace holds the source back. */
export function eventStream(events: AsyncIterator<ServerEvent>, end: () => void): Response {
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<ServerEvent>> | undefined;
  let isFirst = true;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (isFirst) {
        isFirst = false;
        // Headers leave with the first bytes; a client should not have to wait for something to happen.
        controller.enqueue(encoder.encode('retry: 2000\n\n'));
        return;
      }
      pending ??= nextOf(events, end);
      const result = await orSilence(pending);
      if (result === undefined) {
        controller.enqueue(encoder.encode(': keep-alive\n\n'));
        return;
      }
      pending = undefined;
      if (result.done === true) controller.close();
      else controller.enqueue(encoder.encode(format(result.value)));
    },
    async cancel() {
      end();
      await events.return?.();
    },
  });
  return new Response(body, {
    headers: {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-cache',
      'X-Accel-Buffering': 'no',
      // No time limit holds for its connection, which therefore ends with it.
      Connection: 'close',
    },
  });
}

/** Bytes as they come, as plain text. */
export function textStream(chunks: AsyncIterator<Uint8Array>, end: () => void): Response {
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await nextOf(chunks, end);
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      end();
      await chunks.return?.();
    },
  });
  return new Response(body, { headers: { 'Content-Type': 'text/plain', Connection: 'close' } });
}

/** What comes next; a source that is over, or failed, is the end. */
async function nextOf<Value>(source: AsyncIterator<Value>, end: () => void): Promise<IteratorResult<Value>> {
  try {
    const result = await source.next();
    if (result.done === true) end();
    return result;
  } catch (error) {
    end();
    throw error;
  }
}

function format({ event, data }: ServerEvent): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${event}\n${lines.join('')}\n`;
}

/** What comes, or `undefined` after a while of silence; what comes later is not lost. */
async function orSilence<Value>(coming: Promise<Value>): Promise<Value | undefined> {
  const silence = Promise.withResolvers<undefined>();
  const timer = setTimeout(silence.resolve, KEEP_ALIVE_MS);
  try {
    return await Promise.race([coming, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}
