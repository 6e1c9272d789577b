import type { CallerStream } from '../caller-streams.ts';

/** What is done to an SSE stream on its way (spec 04 §8.5). */
export interface StreamEdits {
  /** Whom the stream belongs to. */
  readonly owner: string | undefined;
  /** The URL of an `endpoint` event, changed. */
  readonly rewrite: (url: string) => string;
  /** The session id that the stream's events name first. */
  readonly onSession: (id: string) => void;
}

/** Changes `endpoint` events; all else passes byte for byte. */
export interface EndpointRewriter {
  /** What may be passed on after these bytes came in. */
  push(bytes: Uint8Array): Uint8Array;
  /** What is still held at the end of the stream. */
  flush(): Uint8Array;
  /** Whether what was given out so far ends with an event. */
  isBetweenEvents(): boolean;
}

/** A longer event is not an endpoint event; it passes as it comes. */
const MAX_HELD = 64 * 1024;

/** A blank line: two line ends in a row, of any of the three kinds. */
const EVENT_END = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/;
const IS_ENDPOINT = /(?:^|[\r\n]|\u00ef\u00bb\u00bf)event: ?endpoint(?=[\r\n])/;
const DATA_LINE = /((?:^|[\r\n])data: ?)([^\r\n]*)/g;
const SESSION = /(?:^|[\r\n])data:[^\r\n]*?(?:session_?id=|"sessionId"\s*:\s*")([\w-]+)/i;

export function createEndpointRewriter({ rewrite, onSession }: Omit<StreamEdits, 'owner'>): EndpointRewriter {
  let held = '';
  /** Inside an event that was too long to be held. */
  let passing = false;
  let session: string | undefined;

  function finish(event: string): string {
    session ??= findSession(event);
    if (!IS_ENDPOINT.test(event)) return event;
    return event.replace(DATA_LINE, (_, field, url) => field + rewrite(url));
  }

  function findSession(event: string): string | undefined {
    const id = SESSION.exec(event)?.[1];
    if (id !== undefined) onSession(id);
    return id;
  }

  function take(): string {
    let out = '';
    for (let end = EVENT_END.exec(held); end !== null; end = EVENT_END.exec(held)) {
      const event = held.slice(0, end.index + end[0].length);
      held = held.slice(event.length);
      out += passing ? event : finish(event);
      passing = false;
    }
    if (!passing && held.length <= MAX_HELD) return out;
    // Line ends at the edge may be half of the blank line.
    passing = true;
    const edge = held.length - (/[\r\n]{1,3}$/.exec(held)?.[0].length ?? 0);
    out += held.slice(0, edge);
    held = held.slice(edge);
    return out;
  }

  return {
    push(bytes) {
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (held === '' && !passing && session !== undefined && isPlain(view)) return bytes;
      // One character per byte and back: what is not ours to change stays what it was.
      held += view.toString('latin1');
      return Buffer.from(take(), 'latin1');
    },
    flush() {
      const rest = held;
      held = '';
      return Buffer.from(rest, 'latin1');
    },
    isBetweenEvents: () => !passing,
  };
}

/** Whole events, and none of them an endpoint event. */
function isPlain(bytes: Buffer): boolean {
  return bytes.at(-1) === 0x0a && bytes.at(-2) === 0x0a && !bytes.includes('event');
}

export interface RewrittenStream extends CallerStream {
  readonly body: ReadableStream<Uint8Array>;
}

/** Messages of ours that wait for a client that does not read. */
const MAX_WAITING = 1024;

/** The stream with its endpoint events changed, and room for messages of ours; reads only as fast as it is read. */
export function rewriteEndpoint(source: ReadableStream<Uint8Array>, edits: StreamEdits): RewrittenStream {
  const rewriter = createEndpointRewriter(edits);
  const reader = source.getReader();
  let output: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes that arrived in the middle of another event. */
  let waiting: Uint8Array[] = [];

  function release(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (waiting.length === 0 || !rewriter.isBetweenEvents()) return;
    for (const frame of waiting) controller.enqueue(frame);
    waiting = [];
  }

  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        output = controller;
      },
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          const out = done ? rewriter.flush() : rewriter.push(value);
          if (out.byteLength > 0) controller.enqueue(out);
          release(controller);
          if (done) {
            output = undefined;
            controller.close();
          }
          if (done || out.byteLength > 0) return;
        }
      },
      cancel(reason) {
        output = undefined;
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    owner: edits.owner,
    send(message) {
      if (output === undefined || waiting.length + Math.max(0, -(output.desiredSize ?? 0)) >= MAX_WAITING)
        return false;
      waiting.push(Buffer.from(`event: message\ndata: ${message.replace(/[\r\n]/g, ' ')}\n\n`));
      release(output);
      return true;
    },
  };
}
