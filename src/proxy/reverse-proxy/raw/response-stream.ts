/** Where the pieces of one response body gather until the client takes them. */
export interface ResponseStream {
  readonly body: ReadableStream<Uint8Array>;
  push(piece: Uint8Array<ArrayBuffer>): void;
  end(): void;
  fail(error: Error): void;
}

export interface ResponseStreamHooks {
  /** The client is slower than the server: no more bytes until `onRoom`. */
  readonly onFull: () => void;
  readonly onRoom: () => void;
  /** The client does not want the rest. */
  readonly onCancel: () => void;
}

/** Read ahead of a client at most this far, and a read of the socket. */
const FULL_BYTES = 256 * 1024;

export function createResponseStream({ onFull, onRoom, onCancel }: ResponseStreamHooks): ResponseStream {
  let pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  let isFull = false;
  let over: 'end' | Error | undefined;
  let wake: (() => void) | undefined;

  function settle(): void {
    const woken = wake;
    wake = undefined;
    woken?.();
  }

  function take(): Uint8Array<ArrayBuffer> | undefined {
    const [first] = pieces;
    if (first === undefined) return undefined;
    const taken = pieces.length === 1 ? first : Buffer.concat(pieces);
    pieces = [];
    bytes = 0;
    if (isFull) {
      isFull = false;
      onRoom();
    }
    return taken;
  }

  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (pieces.length === 0 && over === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const piece = take();
        if (piece !== undefined) controller.enqueue(piece);
        if (pieces.length > 0 || over === undefined) return;
        if (over === 'end') controller.close();
        else controller.error(over);
      },
      cancel() {
        pieces = [];
        if (over === undefined) onCancel();
        over ??= 'end';
        settle();
      },
    },
    { highWaterMark: 0 },
  );

  return {
    body,
    push(piece) {
      if (over !== undefined) return;
      pieces.push(piece);
      bytes += piece.byteLength;
      if (bytes >= FULL_BYTES && !isFull) {
        isFull = true;
        onFull();
      }
      settle();
    },
    end() {
      over ??= 'end';
      settle();
    },
    fail(error) {
      over ??= error;
      settle();
    },
  };
}
