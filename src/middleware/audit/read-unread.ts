import type { MessageFacts } from '../../proxy/index.ts';
import { createFacts } from '../mcp-parser/facts.ts';
import { judgeBody } from '../mcp-parser/judge-body.ts';

interface Unread {
  readonly text: string;
  readonly message: MessageFacts | undefined;
}

/** Longest body that is read for the log alone (spec 05 §20-18). */
const MAX_BYTES = 64 * 1024;
/** Bodies of honest clients come with their headers. */
const WAIT_MS = 500;

/**
 * The body of a request that was refused before anybody read it, so that the log can say what was asked; `undefined` for one that is
 * too long, or does not come. Has to be asked before the answer goes out: nothing is read after that. Never throws.
 */
export async function readUnread(request: Request): Promise<Unread | undefined> {
  const length = Number(request.headers.get('content-length') ?? Number.NaN);
  if (request.method === 'GET' || request.bodyUsed || !(length > 0 && length <= MAX_BYTES)) return undefined;
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), WAIT_MS);
  try {
    const content = await Promise.race([request.arrayBuffer(), late]);
    return content && read(new Uint8Array(content), request.headers);
  } catch {
    return undefined; // the client has gone
  } finally {
    clearTimeout(timer);
  }
}

function read(content: Uint8Array<ArrayBuffer>, headers: Headers): Unread | undefined {
  const body = judgeBody(content, headers);
  if (body instanceof Response) return undefined;
  const { message } = body;
  const isQuestion = message !== undefined && message.kind !== 'response';
  return { text: body.text, message: isQuestion ? createFacts(message) : undefined };
}
