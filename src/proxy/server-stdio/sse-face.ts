import { errorText, onOneLine, SESSION_NOT_FOUND } from '../json-rpc/index.ts';
import { batchRefused } from '../refusals.ts';
import { jsonError, textError } from '../respond.ts';
import type { Handler, RequestContext } from '../types.ts';
import { endpointUrl } from './endpoint-url.ts';
import { EventStream, type StreamLimits } from './event-stream.ts';
import { type Failure, failureError, failureResponse } from './failure.ts';
import { EVENT_STREAM_HEADERS, eventFrame, messageFrame } from './frame.ts';
import { readPosted } from './read-message.ts';
import type { Reply } from './reply.ts';
import type { Router } from './router.ts';
import type { ServerRequests } from './server-requests.ts';
import type { SessionTable } from './session-table.ts';
import type { StreamKeeper } from './stream-keeper.ts';

export interface SseFaceParts {
  readonly router: Router;
  readonly sessions: SessionTable;
  readonly questions: ServerRequests;
  readonly streams: StreamKeeper;
  readonly limits: StreamLimits;
  readonly trustProxyHeaders: boolean;
}

/** `/sse` and `/messages`: the HTTP+SSE transport of MCP 2024-11-05 (spec 04 §5). */
export function createSseFace(parts: SseFaceParts): Handler {
  const { router, sessions, questions, streams, limits, trustProxyHeaders } = parts;

  /** The stream is the session: they begin and end together. */
  function open(request: Request, context: RequestContext): Response {
    if (!sessions.hasRoom()) return failureResponse('crowded');
    context.keepOpen();
    const session = sessions.create('sse', '', context.identity?.owner);
    const stream = new EventStream({
      limits,
      onClosed: () => {
        streams.delete(stream);
        context.letGo();
        forget?.();
        sessions.end(session);
      },
    });
    sessions.setStream(session, stream);
    streams.add(stream);
    const endpoint = endpointUrl(request, session.id, trustProxyHeaders);
    const forget = context.callerStreams?.add(endpoint, {
      owner: session.owner,
      send: (message) => stream.send(messageFrame(onOneLine(message)), 'must'),
    });
    stream.send(eventFrame('endpoint', endpoint), 'must');
    questions.streamOpened(session);
    return new Response(stream.body, { headers: EVENT_STREAM_HEADERS });
  }

  async function post(request: Request, context: RequestContext): Promise<Response> {
    context.isFinal = true;
    const id = new URL(request.url).searchParams.get('session_id') ?? '';
    if (id === '') return textError(400, 'session_id is required');
    const session = sessions.find(id, context.identity?.owner);
    if (session?.face !== 'sse' || session.stream === undefined) {
      return jsonError(404, { code: SESSION_NOT_FOUND, message: 'Session not found' });
    }
    const { stream } = session;
    const posted = await readPosted(request, context);
    if (posted.kind === 'unreadable') return posted.response;
    if (posted.kind === 'batch' && isJson(request)) return batchRefused();
    if (posted.kind !== 'message')
      return textError(400, `Error parsing JSON-RPC message: ${problemOf(posted.kind)}`);
    const { message } = posted;
    if (message.kind !== 'request') {
      return router.tell(message, session) === 'full' ? failureResponse('busy') : accepted();
    }
    const reply = createStreamReply(stream);
    if (message.method === 'initialize')
      router.initialize(message, reply, (revision) => {
        session.revision = revision;
      });
    else if (router.request(message, session, reply) === 'full') {
      return failureResponse('busy', message.text.slice(message.id.start, message.id.end));
    }
    return accepted();
  }

  return function sseFace(request: Request, context: RequestContext): Response | Promise<Response> {
    const isStream = context.path === '/sse';
    if (request.method !== (isStream ? 'GET' : 'POST')) return textError(405, 'Method not allowed');
    return isStream ? open(request, context) : post(request, context);
  };
}

/** Everything travels on the session's stream. */
function createStreamReply(stream: EventStream): Reply {
  return {
    answer: (text) => {
      stream.send(messageFrame(onOneLine(text)), 'must');
    },
    fail(failure: Failure, id) {
      if (failure === 'cancelled') return;
      const { code, message } = failureError(failure);
      stream.send(messageFrame(errorText(id, code, message)), 'must');
    },
    interim: (frame, weight) => stream.send(frame, weight),
    linger() {},
  };
}

function accepted(): Response {
  return new Response('Accepted', { status: 202, headers: { 'Content-Type': 'text/plain; charset=utf-8' } });
}

/** Batches of other content types get the plain answer of this transport (spec 04 §2.5). */
function isJson({ headers }: Request): boolean {
  return /^application\/json *(;|$)/i.test(headers.get('content-type') ?? '');
}

function problemOf(kind: 'batch' | 'nonsense'): string {
  return kind === 'batch' ? 'JSON-RPC batch requests are not supported' : 'not a JSON-RPC 2.0 message';
}
