/**
 * What a terminal obeys instead of showing it: control characters of C0 and C1, with which escape sequences begin, and the
 * overrides of writing direction. Tabs and line ends are text; a carriage return alone overwrites its line.
 */
const STEERING = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/**
 * The text with everything that would steer a terminal written out: `\x1b`, and `\u009b` for what JSON does not escape, so that
 * JSON stays JSON. Servers, registries and images are written by others, and their words must not set titles, fill the
 * clipboard or hide lines.
 */
export function visible(text: string): string {
  return text.replace(STEERING, (character) => {
    const hex = character.charCodeAt(0).toString(16);
    return character < '\u007f' ? `\\x${hex.padStart(2, '0')}` : `\\u${hex.padStart(4, '0')}`;
  });
}

/** The same for a stream that may be cut anywhere: the rest of a character, or of a line end, comes with the next piece. */
export function createVisibleText(): (content: string | Uint8Array) => string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let held = '';
  return (content) => {
    const decoded =
      typeof content === 'string' ? decoder.decode() + content : decoder.decode(content, { stream: true });
    const text = held + decoded;
    held = typeof content !== 'string' && text.endsWith('\r') ? '\r' : '';
    return visible(held === '' ? text : text.slice(0, -1));
  };
}
