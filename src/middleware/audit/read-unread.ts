import type { MessageFacts } from '../../proxy/index.ts';
import { createFacts } from '../mcp-parser/facts.ts';
import { judgeBody } from '../mcp-parser/judge-body.ts';

interface Unread {
  readonly text: string;
  readonly message: MessageFacts | undefined;
}

/** Longest body that is read for the log alone (spec 05 §20-18). */
const MAX_BYTES = 64 * 1024;
const WAIT_MS = 1000;

/**
 * Reads the body of a request that was refused before anybody read it, so that the log can say what was asked. The refusal goes out
 * meanwhile, and a body that does not come is not waited for. Never throws.
 */
export function readUnread(request: Request, then: (unread: Unread | undefined) => void): void {
  const length = Number(request.headers.get('content-length') ?? Number.NaN);
  if (request.method === 'GET' || request.bodyUsed || !(length > 0 && length <= MAX_BYTES)) {
    then(undefined);
    return;
  }
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), WAIT_MS);
  void Promise.race([request.arrayBuffer(), late])
    .then((content) => content && read(new Uint8Array(content), request.headers))
    .catch(() => undefined) // the client has gone
    .then(then)
    .finally(() => clearTimeout(timer));
}

function read(content: Uint8Array<ArrayBuffer>, headers: Headers): Unread | undefined {
  const body = judgeBody(content, headers);
  if (body instanceof Response) return undefined;
  const { message } = body;
  const isQuestion = message !== undefined && message.kind !== 'response';
  return { text: body.text, message: isQuestion ? createFacts(message) : undefined };
}
