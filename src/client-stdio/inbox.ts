import { errorText, type Message, onOneLine, readMessage } from '../proxy/index.ts';
import { idOf, readError } from './message-facts.ts';
import type { Pending, Request } from './pending.ts';
import { readEvents } from './read-events.ts';
import type { ToolHeaders } from './tool-headers.ts';
import type { UpstreamOptions } from './types.ts';

/** How long to wait before a stream is opened again, unless the server asks for another time. */
export const RESUME_MS = 1000;

/** Where a stream of events is to be taken up again, and when. */
export interface StreamPosition {
  lastId: string | undefined;
  waitMs: number;
}

/** What a Streamable HTTP server sends, on its way to the client. */
export interface Inbox {
  /** A body that is one message: an answer, an error that does not say whose it is, or plain text. */
  takeBody(text: string, status: number, request: Request): void;
  /** Takes the messages of a stream as they come; resolves at its end, throws when it breaks. Moves `position`. */
  takeStream(body: ReadableStream<Uint8Array>, position: StreamPosition): Promise<void>;
}

export function createInbox(pending: Pending, tools: ToolHeaders, log: UpstreamOptions['log']): Inbox {
  function take(text: string, message: Message | undefined): void {
    if (message === undefined) {
      log.debug('what the server sent is not a message', { bytes: text.length });
      return;
    }
    tools.learn(message);
    pending.deliver(onOneLine(text), message);
  }

  return {
    takeBody(text, status, request) {
      const message = readMessage(text);
      if (message !== undefined) {
        take(text, message);
        return;
      }
      const error = readError(text);
      if (error === undefined) {
        pending.fail(request, text.trim() || `the MCP server answered ${status}`);
        return;
      }
      const answer = errorText(idOf(request), error.code, error.message);
      pending.deliver(answer, readMessage(answer));
    },
    async takeStream(body, position) {
      for await (const { type, data, id, retryMs } of readEvents(body)) {
        position.lastId = id ?? position.lastId;
        position.waitMs = retryMs ?? position.waitMs;
        if (type === 'message' && data) take(data, readMessage(data));
      }
    },
  };
}
