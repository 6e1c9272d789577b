/** Line ends as the file has them; `\n` for a file without any. */
export function lineEndOf(text: string): '\r\n' | '\n' {
  return /\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n';
}

/** Where the line that holds `offset` begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Where it ends, before its line end. */
function lineStop(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  if (newline === -1) return text.length;
  return text[newline - 1] === '\r' && newline > offset ? newline - 1 : newline;
}

/** Behind the line end, or the end of the text. */
export function nextLine(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  return newline === -1 ? text.length : newline + 1;
}

/** White space that the line holding `offset` begins with. */
export function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
}

export function splice(text: string, start: number, end: number, content = ''): string {
  return text.slice(0, start) + content + text.slice(end);
}

/**
 * Takes whole lines out. When they are the last ones and the file does not end with a line end, the one before them goes,
 * so that a text that had none has none again.
 */
export function cutLines(text: string, start: number, end: number): string {
  const isUnended = end === text.length && !text.endsWith('\n');
  if (!isUnended || start === 0) return splice(text, start, end);
  const before = text[start - 2] === '\r' ? start - 2 : start - 1;
  return splice(text, before, end);
}

/** Puts lines (without a last line end) behind the line that holds `offset`. */
export function addLinesBehind(text: string, offset: number, lines: string): string {
  const at = lineStop(text, offset);
  return splice(text, at, at, lineEndOf(text) + lines);
}
