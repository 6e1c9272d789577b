import type { Span } from './member.ts';

/** Replaces the text at `at` by `by`. */
export interface Edit {
  readonly at: Span;
  readonly by: string;
}

/** The text with all edits made, every other character untouched. Edits must not overlap. */
export function splice(text: string, edits: readonly Edit[]): string {
  const ordered = edits.length > 1 ? edits.toSorted((left, right) => left.at.start - right.at.start) : edits;
  let done = 0;
  let made = '';
  for (const { at, by } of ordered) {
    made += text.slice(done, at.start) + by;
    done = at.end;
  }
  return made + text.slice(done);
}

/**
 * The same JSON on one line, for newline framing and for SSE `data:`. Line breaks can only stand between tokens of a
 * message that `readMessage` accepted, where a space means the same.
 */
export function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, ' ') : text;
}

/**
 * The same for a server's stdin: programs that read lines with Node's `readline` also end them at U+2028 and U+2029, which
 * may stand in a JSON string as they are.
 */
export function onOneStdinLine(text: string): string {
  const line = onOneLine(text);
  return line.includes('\u2028') || line.includes('\u2029')
    ? line.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
    : line;
}

/**
 * A copy that does not keep the text alive that it was sliced from: a 10-byte id kept for an hour must not hold the
 * 10 MB message around it.
 */
export function detach(piece: string, from: string): string {
  return from.length > 4096 ? Buffer.from(piece).toString() : piece;
}
