import { STATUS_CODES } from 'node:http';
import {
  type CallerStream,
  createCallerStreams,
  errorText,
  type Handler,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  type RequestContext,
  readMessage,
  textError,
} from '../../proxy/index.ts';

/**
 * The one way out for refusals to clients of HTTP+SSE (MCP 2024-11-05), which look for answers on their event stream and
 * nowhere else: whatever a middleware or the proxy refuses a request with becomes an event there, and the POST is 202 (spec
 * 04 §12.3). What cannot be answered, as it has no id that is known, keeps its status.
 */
export function answerOnStreams(chain: Handler): Handler {
  const streams = createCallerStreams();

  return function answersOnStreams(request, context) {
    if (request.method === 'GET') {
      context.callerStreams = streams;
      return chain(request, context);
    }
    // Nearly every POST goes to /mcp, and none of those is answered on such a stream.
    const isElsewhere = streams.size === 0 || context.path === '/mcp';
    const stream = isElsewhere ? undefined : streams.find(request.url);
    return stream === undefined ? chain(request, context) : answer(stream, request, context);
  };

  async function answer(stream: CallerStream, request: Request, context: RequestContext): Promise<Response> {
    context.answersOnStream = true;
    const response = await chain(request, context);
    if (context.isFinal === true || !isRefusal(response)) return response;
    // Nobody writes on the stream of another one.
    if (stream.owner !== context.identity?.owner) return response;
    const { status, headers, ok } = response;
    const body = await response.text();
    const text = refusalText(body, status, context);
    if (text === undefined) return ok ? accepted() : new Response(body, { status, headers });
    if (stream.send(text)) return accepted();
    return textError(503, 'The event stream is not being read', { 'Retry-After': '1' });
  }
}

/** A refusal may come as JSON-RPC in a success. */
function isRefusal({ status, headers }: Response): boolean {
  return status >= 400 || (status === 200 && headers.get('content-type') === 'application/json');
}

/** The refusal as a message; `undefined` when nobody knows whom it answers. */
function refusalText(body: string, status: number, { body: posted }: RequestContext): string | undefined {
  if (readMessage(body)?.kind === 'response') return body;
  const message = posted?.message;
  if (message?.kind !== 'request') return undefined;
  const id = message.text.slice(message.id.start, message.id.end);
  const words = body.trim() || STATUS_CODES[status] || `refused with ${status}`;
  return errorText(id, status < 500 ? INVALID_REQUEST : INTERNAL_ERROR, words);
}

function accepted(): Response {
  return new Response('Accepted', { status: 202, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
}
