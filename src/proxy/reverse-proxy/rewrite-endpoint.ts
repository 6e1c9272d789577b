/** Changes the `endpoint` event at the start of an SSE stream; all else passes byte for byte. */
export interface EndpointRewriter {
  /** What may be passed on after these bytes came in. Once `done`, bytes need not be shown any more. */
  push(bytes: Uint8Array): Uint8Array;
  /** What is still held at the end of the stream. */
  flush(): Uint8Array;
  readonly done: boolean;
}

/** A stream that has not said where its endpoint is by then never will. */
const MAX_HELD = 64 * 1024;

/** A blank line: two line ends in a row, of any of the three kinds. */
const EVENT_END = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n))/;

export function createEndpointRewriter(rewrite: (url: string) => string): EndpointRewriter {
  let held = '';
  let done = false;

  function release(text: string): Uint8Array {
    return Buffer.from(text, 'latin1');
  }

  return {
    get done() {
      return done;
    },
    push(bytes) {
      // One character per byte and back: what is not ours to change stays what it was.
      held += Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
      let out = '';
      for (let end = EVENT_END.exec(held); !done && end !== null; end = EVENT_END.exec(held)) {
        const event = held.slice(0, end.index + end[0].length);
        held = held.slice(event.length);
        done = /(?:^|[\r\n])event: ?endpoint(?=[\r\n])/.test(event);
        out += done
          ? event.replace(/((?:^|[\r\n])data: ?)([^\r\n]*)/g, (_, field, url) => field + rewrite(url))
          : event;
      }
      if (held.length > MAX_HELD) done = true;
      if (done) {
        out += held;
        held = '';
      }
      return release(out);
    },
    flush() {
      const rest = held;
      held = '';
      return release(rest);
    },
  };
}

/** The stream with its endpoint event changed; reads only as fast as it is read. */
export function rewriteEndpoint(
  body: ReadableStream<Uint8Array>,
  rewrite: (url: string) => string,
): ReadableStream<Uint8Array> {
  const rewriter = createEndpointRewriter(rewrite);
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await reader.read();
          const out = done ? rewriter.flush() : rewriter.done ? value : rewriter.push(value);
          if (out.byteLength > 0) controller.enqueue(out);
          if (done) controller.close();
          if (done || out.byteLength > 0) return;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}
