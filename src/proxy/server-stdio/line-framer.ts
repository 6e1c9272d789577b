/** Newline framing of a process's stdout (spec 04 §4.3): bytes in any cut, complete lines out. */
export interface LineFramer {
  /** Bytes are copied where they are kept. Lines are given without their `\n`. */
  push(bytes: Uint8Array): void;
}

export interface LineFramerOptions {
  readonly onLine: (line: string) => void;
  /** A line above the limit is dropped whole; called once for it, when the limit is passed (spec 04 §19.6). */
  readonly onOversized: () => void;
  /** Longest line in bytes; default 64 MiB. */
  readonly maxBytes?: number;
}

const NEWLINE = 0x0a;
const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
/** A larger buffer is given back after its line. */
const KEPT_CAPACITY = 256 * 1024;

export function createLineFramer(options: LineFramerOptions): LineFramer {
  const { onLine, onOversized, maxBytes = DEFAULT_MAX_BYTES } = options;
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let held = new Uint8Array(0);
  let heldBytes = 0;
  let skipping = false;

  /** Doubling keeps a line of any length linear. */
  function hold(bytes: Uint8Array): void {
    if (skipping || bytes.length === 0) return;
    const needed = heldBytes + bytes.length;
    if (needed > maxBytes) {
      skip();
      return;
    }
    if (needed > held.length) {
      const grown = new Uint8Array(Math.max(needed, held.length * 2, 4096));
      grown.set(held.subarray(0, heldBytes));
      held = grown;
    }
    held.set(bytes, heldBytes);
    heldBytes = needed;
  }

  function skip(): void {
    skipping = true;
    release();
    onOversized();
  }

  function release(): void {
    heldBytes = 0;
    if (held.length > KEPT_CAPACITY) held = new Uint8Array(0);
  }

  function finishHeld(end: Uint8Array): void {
    hold(end);
    if (!skipping) onLine(decoder.decode(held.subarray(0, heldBytes)));
    skipping = false;
    release();
  }

  /** Whole lines are decoded in one go: one call per chunk, not per message. */
  function emit(lines: Uint8Array): void {
    const text = decoder.decode(lines);
    let start = 0;
    while (start < text.length) {
      const end = text.indexOf('\n', start);
      if (end - start > maxBytes) onOversized();
      else onLine(text.slice(start, end));
      start = end + 1;
    }
  }

  return {
    push(bytes) {
      let rest = bytes;
      if (heldBytes > 0 || skipping) {
        const end = rest.indexOf(NEWLINE);
        if (end === -1) {
          hold(rest);
          return;
        }
        finishHeld(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      }
      const last = rest.lastIndexOf(NEWLINE);
      if (last !== -1) emit(rest.subarray(0, last + 1));
      hold(rest.subarray(last + 1));
    },
  };
}
