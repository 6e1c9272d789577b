import { errorText, INTERNAL_ERROR } from '../json-rpc/index.ts';

/** Watches the events that answer a call, in case the server dies in the middle of them. */
export interface AnswerWatch {
  see(bytes: Uint8Array): void;
  /** What ends the stream in place of an answer; `undefined` where there was one, or the client can come back for it. */
  lastWords(): Uint8Array | undefined;
}

const ID_FIELD = /[\r\n]id:/;
const EVENT_END = /\n\n$|\r\r$|\n\r\n$/;
/** Enough to know a field name that comes in two pieces, and the end of an event. */
const TAIL = 3;

/**
 * A client whose event stream breaks waits for its answer until its own time limit, unless events had ids to come back with
 * (MCP 2025-03-26 "Resumability"): it is told instead, as it is by the bridge (spec 04 §19.5). `findId`: the request's id as
 * JSON text.
 */
export function watchAnswer(findId: () => string | undefined): AnswerWatch {
  let isResumable = false;
  let hasAnswer = false;
  let tail = '\n';

  return {
    see(bytes) {
      if (isResumable) return;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const seam = tail + text.toString('latin1', 0, TAIL);
      isResumable = ID_FIELD.test(seam) || text.includes('\nid:') || text.includes('\rid:');
      hasAnswer ||= text.includes('"result"') || text.includes('"error"');
      tail = (tail + text.toString('latin1', Math.max(0, text.byteLength - TAIL))).slice(-TAIL);
    },
    lastWords() {
      if (isResumable || (hasAnswer && EVENT_END.test(tail))) return undefined;
      const id = findId();
      if (id === undefined) return undefined;
      const error = errorText(id, INTERNAL_ERROR, 'The MCP server ended before it answered');
      // Half an event may be open: under another name than `message` nobody takes it for one.
      return Buffer.from(`\nevent: broken\n\nevent: message\ndata: ${error}\n\n`);
    },
  };
}
