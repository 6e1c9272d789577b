import { batchRefused } from '../batch.ts';
import type { Message, Request as RpcRequest } from '../json-rpc/index.ts';
import { isBatch, readMessage, SESSION_NOT_FOUND } from '../json-rpc/index.ts';
import { jsonError, textError } from '../respond.ts';
import type { Handler, RequestContext } from '../types.ts';
import { EventStream, type StreamLimits } from './event-stream.ts';
import { failureResponse } from './failure.ts';
import { EVENT_STREAM_HEADERS, KEEP_ALIVE } from './frame.ts';
import { PostReply } from './post-reply.ts';
import type { Router } from './router.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { StreamKeeper } from './stream-keeper.ts';

export interface StreamableFaceParts {
  readonly router: Router;
  readonly sessions: SessionTable;
  readonly questions: ServerRequests;
  readonly streams: StreamKeeper;
  readonly limits: StreamLimits;
}

/** `/mcp`: streamable HTTP of MCP 2025-03-26 to 2025-11-25 (spec 04 §6). */
export function createStreamableFace(parts: StreamableFaceParts): Handler {
  const { router, sessions, questions, streams, limits } = parts;

  async function post(request: Request, context: RequestContext): Promise<Response> {
    let body: string;
    try {
      body = await request.text();
    } catch (error) {
      return textError(500, `Error reading request body: ${error instanceof Error ? error.message : error}`);
    }
    const message = readMessage(body);
    if (message === undefined)
      return isBatch(body) ? batchRefused() : textError(400, 'Invalid JSON-RPC 2.0 message');
    const sessionId = request.headers.get('mcp-session-id');
    const session = sessionId === null ? undefined : sessions.find(sessionId);
    if (message.kind !== 'request') {
      return router.tell(message, session) === 'full'
        ? failureResponse('busy')
        : new Response(null, { status: 202 });
    }
    if (message.method === 'initialize') return initialize(message, session, request, context);
    if (sessionId !== null && session === undefined) return sessionNotFound(message);
    const reply = createReply(request, context);
    return router.request(message, session, reply) === 'full' ? busy(message) : reply.response;
  }

  /** A new session unless the client names one of ours; its own choice of id is never taken (spec 04 §19.7). */
  function initialize(
    message: RpcRequest,
    known: Session | undefined,
    request: Request,
    context: RequestContext,
  ): Promise<Response> {
    const reply = createReply(request, context);
    router.initialize(message, reply, () => {
      if (known === undefined && reply.isAwaited)
        reply.sessionId = sessions.create('streamable-http', message.text).id;
    });
    return reply.response;
  }

  function createReply(request: Request, context: RequestContext): PostReply {
    const form =
      request.headers.get('accept')?.includes('text/event-stream') === true ? 'event-stream' : 'json';
    return new PostReply({
      form,
      request,
      context,
      limits,
      onStream: (stream) => streams.add(stream),
      onStreamClosed: (stream) => streams.delete(stream),
    });
  }

  /** The session's own stream; a second one replaces the first (spec 04 §6.4). */
  function get(request: Request, context: RequestContext): Response {
    const id = request.headers.get('mcp-session-id');
    if (id === null) return textError(400, 'Mcp-Session-Id header required for standalone SSE');
    const session = sessions.find(id);
    if (session === undefined) return sessionNotFound();
    context.keepOpen();
    const stream = new EventStream({
      limits,
      onClosed: () => {
        streams.delete(stream);
        context.letGo();
        if (session.stream === stream) sessions.setStream(session, undefined);
      },
    });
    stream.send(KEEP_ALIVE, 'may');
    session.stream?.end();
    sessions.setStream(session, stream);
    streams.add(stream);
    questions.streamOpened(session);
    return new Response(stream.body, { headers: EVENT_STREAM_HEADERS });
  }

  function remove(request: Request): Response {
    const id = request.headers.get('mcp-session-id');
    if (id === null) return textError(400, 'Mcp-Session-Id header required for DELETE');
    const session = sessions.find(id);
    if (session === undefined) return sessionNotFound();
    sessions.end(session);
    return new Response(null, { status: 204 });
  }

  return function streamableFace(request: Request, context: RequestContext): Response | Promise<Response> {
    switch (request.method) {
      case 'POST':
        return post(request, context);
      case 'GET':
        return get(request, context);
      case 'DELETE':
        return remove(request);
      default:
        return textError(405, 'Method not allowed');
    }
  };
}

function sessionNotFound(message?: RpcRequest): Response {
  return jsonError(404, {
    code: SESSION_NOT_FOUND,
    message: 'Session not found',
    id: message && idOf(message),
  });
}

function busy(message: RpcRequest): Response {
  return failureResponse('busy', idOf(message));
}

function idOf({ text, id }: Extract<Message, { readonly kind: 'request' }>): string {
  return text.slice(id.start, id.end);
}
