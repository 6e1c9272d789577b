import { messageOf } from '../../errors/index.ts';
import { isBatch, type Message, readTwists } from '../json-rpc/index.ts';
import { twistRefused } from '../refusals.ts';
import { textError } from '../respond.ts';
import type { RequestContext } from '../types.ts';

/** What was POSTed: one message, or the reason why it is none. */
export type Posted =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'batch' }
  | { readonly kind: 'nonsense' }
  | { readonly kind: 'unreadable'; readonly response: Response };

/** A body that a middleware has read and judged is not read again. */
export function readPosted(request: Request, { body }: RequestContext): Posted | Promise<Posted> {
  return body === undefined ? request.text().then(parse, unreadable) : posted(body.text, body.message);
}

/**
 * One process serves all sessions, kept apart by ids that we put into their messages. A message with a second id, or an
 * `ID` that the server takes for one, would be answered in the name of another session.
 */
function parse(text: string): Posted {
  const reading = readTwists(text);
  if (reading?.twist !== undefined) return { kind: 'unreadable', response: twistRefused(reading.twist) };
  return posted(text, reading?.message);
}

function posted(text: string, message: Message | undefined): Posted {
  if (message !== undefined) return { kind: 'message', message };
  return { kind: isBatch(text) ? 'batch' : 'nonsense' };
}

function unreadable(error: unknown): Posted {
  return { kind: 'unreadable', response: textError(500, `Error reading request body: ${messageOf(error)}`) };
}
