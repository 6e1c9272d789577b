import { messageOf } from '../../errors/index.ts';
import { isBatch, type Message, readMessage } from '../json-rpc/index.ts';
import { textError } from '../respond.ts';
import type { RequestContext } from '../types.ts';

/** What was POSTed: one message, or the reason why it is none. */
export type Posted =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'batch' }
  | { readonly kind: 'nonsense' }
  | { readonly kind: 'unreadable'; readonly response: Response };

/** A body that a middleware has read and parsed is not read again. */
export function readPosted(request: Request, { body }: RequestContext): Posted | Promise<Posted> {
  return body === undefined ? request.text().then(parse, unreadable) : posted(body.text, body.message);
}

function parse(text: string): Posted {
  return posted(text, readMessage(text));
}

function posted(text: string, message: Message | undefined): Posted {
  if (message !== undefined) return { kind: 'message', message };
  return { kind: isBatch(text) ? 'batch' : 'nonsense' };
}

function unreadable(error: unknown): Posted {
  return { kind: 'unreadable', response: textError(500, `Error reading request body: ${messageOf(error)}`) };
}
