/** The sentence in an error answer: `{"message": …}` of both engines, or whatever text there is. */
export function engineMessage(body: string, status: number): string {
  const text = withoutEcho(messageField(body) ?? body);
  return text === '' ? `the engine answered with status ${status}` : text;
}

/** Engines wrap an error in its own words: `no such image: x: No such image: x` is said once (spec 03 §15-B21). */
export function withoutEcho(text: string): string {
  let parts = text.trim().split(': ');
  for (let size = 1; size * 2 <= parts.length; size++) {
    const same = (part: string, index: number) =>
      part.toLowerCase() === parts[parts.length - 2 * size + index]?.toLowerCase();
    if (parts.slice(-size).every(same)) parts = parts.slice(0, -size);
  }
  return parts.join(': ');
}

function messageField(body: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    const isObject = typeof parsed === 'object' && parsed !== null;
    return isObject && 'message' in parsed && typeof parsed.message === 'string' ? parsed.message : undefined;
  } catch {
    return undefined; // proxies in front of an engine, and Docker's logs endpoint, answer in plain text
  }
}
