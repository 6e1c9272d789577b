/** Cuts a stream of Server-Sent Events into whole events. Nothing is lost or changed: all pieces together are the stream. */
export interface EventSplitter {
  /** Events that ended with these bytes, each with the blank line behind it. Keeps `bytes` until their event ends. */
  push(bytes: Uint8Array): readonly Uint8Array[];
  /** What is left at the end of the stream. */
  flush(): Uint8Array;
}

const LF = 0x0a;
const CR = 0x0d;

/** Throws a `RangeError` for an event above `maxBytes`. Lines end with LF, CRLF or CR, as in the HTML standard §9.2.5. */
export function createEventSplitter(maxBytes = 64 * 1024 * 1024): EventSplitter {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  let lineIsEmpty = true;
  let afterCr = false;

  function take(last: Uint8Array): Uint8Array {
    const whole = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    heldBytes = 0;
    return whole;
  }

  return {
    push(bytes) {
      const events: Uint8Array[] = [];
      const find = createFinder(bytes);
      let start = 0;
      let at = 0;
      while (at < bytes.length) {
        const byte = bytes[at];
        if (byte === LF && afterCr) {
          // The second half of a line end; behind a finished event it must not wait for the next one.
          afterCr = false;
          at += 1;
          if (heldBytes === 0 && lineIsEmpty && start === at - 1) {
            events.push(bytes.subarray(start, at));
            start = at;
          }
        } else if (byte === LF || byte === CR) {
          afterCr = byte === CR;
          at += 1;
          if (lineIsEmpty) {
            if (afterCr && bytes[at] === LF) {
              afterCr = false;
              at += 1;
            }
            events.push(take(bytes.subarray(start, at)));
            start = at;
          }
          lineIsEmpty = true;
        } else {
          afterCr = false;
          lineIsEmpty = false;
          at = find(at);
        }
      }
      if (start < bytes.length) {
        held.push(bytes.subarray(start));
        heldBytes += bytes.length - start;
        if (heldBytes > maxBytes) throw new RangeError(`event exceeds ${maxBytes} bytes`);
      }
      return events;
    },
    flush: () => take(new Uint8Array()),
  };
}

/** Next line end from a position on; each region of the chunk is searched once. */
function createFinder(bytes: Uint8Array): (from: number) => number {
  let lf = -1;
  let cr = -1;
  const next = (byte: number, from: number) => {
    const index = bytes.indexOf(byte, from);
    return index === -1 ? bytes.length : index;
  };
  return (from) => {
    if (lf < from) lf = next(LF, from);
    if (cr < from) cr = next(CR, from);
    return Math.min(lf, cr);
  };
}
