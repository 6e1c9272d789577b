import type { ReadBody, RequestContext } from '../../proxy/index.ts';
import { createFacts } from './facts.ts';

/** Makes `body` the one that everybody further in goes by; the facts of the message change with it. */
export function putBody(context: RequestContext, body: ReadBody): void {
  if (context.body !== undefined) context.received ??= context.body;
  context.body = body;
  const { message } = body;
  context.message = message === undefined || message.kind === 'response' ? undefined : createFacts(message);
}
