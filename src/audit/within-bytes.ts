/** The longest beginning of a text that takes at most so many bytes in UTF-8; no character is split. */
export function withinBytes(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const room = new Uint8Array(maxBytes);
  const { read } = new TextEncoder().encodeInto(text, room);
  return read === text.length ? text : text.slice(0, read);
}
