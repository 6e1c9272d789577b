/** Server-Sent Events as we write them (spec 04 §5.1). */

/** Data must be on one line. */
export function eventText(type: string, data: string): string {
  return `event: ${type}\ndata: ${data}\n\n`;
}

export function eventFrame(type: string, data: string): Uint8Array {
  return Buffer.from(eventText(type, data));
}

export function messageFrame(text: string): Uint8Array {
  return eventFrame('message', text);
}

/** A client that lost its stream comes back after this time: soon enough for its call not to count as left. */
const RETRY_MS = 500;

/** The first event of a stream that can be resumed (MCP 2025-11-25 "Sending Messages to the Server", 6). */
export function primingFrame(id: string): Uint8Array {
  return Buffer.from(`id: ${id}\nretry: ${RETRY_MS}\ndata: \n\n`);
}

/** Says nothing, but travels; Bun sends the headers of a stream together with its first bytes, so it opens one too. */
export const KEEP_ALIVE: Uint8Array = Buffer.from(': keep-alive\n\n');

/** `X-Accel-Buffering` keeps nginx from holding events back (spec 04 §19.14). */
export const EVENT_STREAM_HEADERS: Headers = new Headers({
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache',
  Connection: 'keep-alive',
  'X-Accel-Buffering': 'no',
});
