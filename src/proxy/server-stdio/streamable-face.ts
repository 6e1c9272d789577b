import {
  hasEmptyEvents,
  isKnownVersion,
  MODERN_VERSION,
  rejectionResponse,
  unsupportedVersion,
} from '../era/index.ts';
import {
  errorText,
  INTERNAL_ERROR,
  onOneLine,
  type Request as RpcRequest,
  readMessage,
  SESSION_NOT_FOUND,
} from '../json-rpc/index.ts';
import { batchRefused } from '../refusals.ts';
import { jsonError, textError } from '../respond.ts';
import type { Handler, RequestContext } from '../types.ts';
import { EventStream, type StreamLimits } from './event-stream.ts';
import { failureResponse } from './failure.ts';
import { EVENT_STREAM_HEADERS, eventText, KEEP_ALIVE } from './frame.ts';
import { type Demand, findMismatch, readDemand } from './modern-request.ts';
import type { OlderServer } from './older-server.ts';
import { PostReply, type PostReplyFacts } from './post-reply.ts';
import { type Posted, readPosted } from './read-message.ts';
import { type Channel, createReplay, type Replay, requestOf } from './replay.ts';
import { LISTEN, type Router } from './router.ts';
import type { ServerEra } from './server-era.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import type { StreamKeeper } from './stream-keeper.ts';
import type { ToolHeaders } from './tool-headers.ts';

export interface StreamableFaceParts {
  readonly router: Router;
  readonly sessions: SessionTable;
  readonly questions: ServerRequests;
  readonly streams: StreamKeeper;
  readonly limits: StreamLimits;
  readonly era: ServerEra;
  readonly older: OlderServer;
  readonly toolHeaders: ToolHeaders;
  /** Refuse versions that no revision has. */
  readonly isStrict: boolean;
  readonly resumption: {
    /** What is kept for one session. */
    readonly maxBytes: number;
    /** Whether the revision of the session has event ids. */
    readonly isPossible: (session: Session) => boolean;
  };
}

/** `/mcp`: streamable HTTP of MCP 2025-03-26 to 2025-11-25 (spec 04 §6), and of 2026-07-28 (§18). */
export function createStreamableFace(parts: StreamableFaceParts): Handler {
  const { router, sessions, questions, streams, limits, era, older, toolHeaders, isStrict, resumption } =
    parts;

  async function post(request: Request, context: RequestContext): Promise<Response> {
    const version = request.headers.get('mcp-protocol-version');
    if (isStrict && version !== null && version !== '' && !isKnownVersion(version))
      return textError(400, 'Unsupported MCP-Protocol-Version');
    const posted = await readPosted(request, context);
    if (posted.kind !== 'message') return notAMessage(posted);
    const { message } = posted;
    if (message.kind !== 'request') {
      return router.tell(message, findSession(request, context)) === 'full'
        ? failureResponse('busy')
        : new Response(null, { status: 202 });
    }
    const demand = readDemand(message, version);
    switch (demand.era) {
      case 'legacy':
        return legacy(message, hasEmptyEvents(version), request, context);
      case 'rejected':
        return rejectionResponse(idOf(message), demand.rejection);
      default:
        return modern(message, demand, request, context);
    }
  }

  function findSession(request: Request, { identity }: RequestContext): Session | undefined {
    const id = sessionIdOf(request);
    return id === undefined ? undefined : sessions.find(id, identity?.owner);
  }

  function legacy(
    message: RpcRequest,
    isPrimed: boolean,
    request: Request,
    context: RequestContext,
  ): Response | Promise<Response> {
    const session = findSession(request, context);
    if (message.method === 'initialize') return initialize(message, session, request, context);
    if (session === undefined && sessionIdOf(request) !== undefined) return sessionNotFound(message);
    const openChannel = session === undefined ? undefined : () => replayOf(session)?.open(idOf(message));
    const reply = createReply(request, context, { openChannel, isPrimed });
    return router.request(message, session, reply) === 'full' ? busy(message) : reply.response;
  }

  /** MCP 2026-07-28: what it needs to know stands in the request; a session is neither looked at nor made (spec 04 §18). */
  async function modern(
    message: RpcRequest,
    demand: Exclude<Demand, { readonly era: 'legacy' | 'rejected' }>,
    request: Request,
    context: RequestContext,
  ): Promise<Response> {
    const id = idOf(message);
    const isServed = await era.servesModern();
    if (typeof isServed === 'string') return failureResponse(isServed, id);
    if (demand.era === 'unknown')
      return rejectionResponse(id, unsupportedVersion(demand.requested, era.supported()));
    const mismatch = findMismatch(message, request.headers, toolHeaders.of);
    if (mismatch !== undefined) return rejectionResponse(id, mismatch);
    const obstacle = isServed ? undefined : await older.prepare(message);
    if (obstacle !== undefined)
      return 'failure' in obstacle ? failureResponse(obstacle.failure, id) : answered(obstacle.refusal);
    const onAnswer = message.method === 'tools/list' ? toolHeaders.learn : undefined;
    const reply = createReply(request, context, {
      era: 'modern',
      onAnswer,
      isListening: message.method === LISTEN,
    });
    const taken = isServed
      ? router.modern(message, demand.logLevel !== undefined, reply)
      : older.request(message, demand.logLevel, reply);
    return taken === 'full' ? busy(message) : reply.response;
  }

  /** A new session unless the client names one of ours; its own choice of id is never taken (spec 04 §19.7). */
  function initialize(
    message: RpcRequest,
    known: Session | undefined,
    request: Request,
    context: RequestContext,
  ): Response | Promise<Response> {
    if (known === undefined && !sessions.hasRoom()) return failureResponse('crowded', idOf(message));
    const reply = createReply(request, context);
    router.initialize(message, reply, (revision) => {
      if (known === undefined && !reply.isAwaited) return;
      const session = known ?? sessions.create('streamable-http', message.text, context.identity?.owner);
      session.revision = revision;
      if (known === undefined) reply.sessionId = session.id;
    });
    return reply.response;
  }

  function createReply(
    request: Request,
    context: RequestContext,
    { isListening = false, ...options }: ReplyOptions = {},
  ): PostReply {
    const acceptsEvents = request.headers.get('accept')?.includes('text/event-stream') === true;
    return new PostReply({
      era: 'legacy',
      ...options,
      form: acceptsEvents || isListening ? 'event-stream' : 'json',
      isListening,
      request,
      context,
      limits,
      onStream: streams.add,
      onStreamClosed: streams.delete,
    });
  }

  /** The session's own stream; a second one replaces the first (spec 04 §6.4). Or one that was lost goes on. */
  function get(request: Request, context: RequestContext): Response {
    const id = sessionIdOf(request);
    if (id === undefined) return textError(400, 'Mcp-Session-Id header required for standalone SSE');
    const session = sessions.find(id, context.identity?.owner);
    if (session === undefined) return sessionNotFound();
    const lastEventId = request.headers.get('last-event-id');
    const known = lastEventId === null ? undefined : session.replay?.find(lastEventId);
    const loss = lastEventId === null || known !== undefined ? undefined : lostAnswer(lastEventId);
    if (loss !== undefined) return loss;
    context.keepOpen();
    const channel = known?.channel ?? standingChannel(session);
    const isStanding = channel === undefined || channel === session.channel;
    const stream = new EventStream({
      limits,
      onClosed: () => {
        streams.delete(stream);
        context.letGo();
        if (session.stream === stream) sessions.setStream(session, undefined);
        channel?.detach(stream);
      },
    });
    stream.send(KEEP_ALIVE, 'may');
    if (isStanding) {
      session.stream?.end();
      sessions.setStream(session, stream);
    }
    streams.add(stream);
    channel?.attach(stream, known?.after);
    if (isStanding) questions.streamOpened(session);
    return new Response(stream.body, { headers: EVENT_STREAM_HEADERS });
  }

  function standingChannel(session: Session): Channel | undefined {
    session.channel ??= replayOf(session)?.open();
    return session.channel;
  }

  function replayOf(session: Session): Replay | undefined {
    if (!resumption.isPossible(session)) return undefined;
    session.replay ??= createReplay(resumption.maxBytes);
    return session.replay;
  }

  function remove(request: Request, { identity }: RequestContext): Response {
    const id = sessionIdOf(request);
    if (id === undefined) return textError(400, 'Mcp-Session-Id header required for DELETE');
    const session = sessions.find(id, identity?.owner);
    if (session === undefined) return sessionNotFound();
    sessions.end(session);
    return new Response(null, { status: 204 });
  }

  return function streamableFace(request: Request, context: RequestContext): Response | Promise<Response> {
    if (isGone(request)) return textError(405, 'Method not allowed', { Allow: 'POST' });
    switch (request.method) {
      case 'POST':
        return post(request, context);
      case 'GET':
        return get(request, context);
      case 'DELETE':
        return remove(request, context);
      default:
        return textError(405, 'Method not allowed');
    }
  };
}

interface ReplyOptions
  extends Partial<Pick<PostReplyFacts, 'era' | 'onAnswer' | 'openChannel' | 'isPrimed' | 'isListening'>> {}

/** An empty header is none, as in the reverse proxy: clients without a session send it so. */
function sessionIdOf({ headers }: Request): string | undefined {
  return headers.get('mcp-session-id') || undefined;
}

/** The modern revision has one method (spec 04 §18.7). */
function isGone({ method, headers }: Request): boolean {
  return method !== 'POST' && headers.get('mcp-protocol-version') === MODERN_VERSION;
}

function notAMessage(posted: Exclude<Posted, { readonly kind: 'message' }>): Response {
  switch (posted.kind) {
    case 'batch':
      return batchRefused();
    case 'nonsense':
      return textError(400, 'Invalid JSON-RPC 2.0 message');
    case 'unreadable':
      return posted.response;
  }
}

function sessionNotFound(message?: RpcRequest): Response {
  return jsonError(404, {
    code: SESSION_NOT_FOUND,
    message: 'Session not found',
    id: message && idOf(message),
  });
}

/**
 * A client comes back for an answer of which nothing is known any more, say after a crash of ours. It hears so: on the
 * session's own stream it would wait in vain.
 */
function lostAnswer(eventId: string): Response | undefined {
  const id = requestOf(eventId);
  const text = id === undefined ? '' : errorText(id, INTERNAL_ERROR, 'The answer was lost with its stream');
  if (readMessage(text)?.kind !== 'response') return undefined;
  return new Response(eventText('message', onOneLine(text)), { headers: EVENT_STREAM_HEADERS });
}

function answered(text: string): Response {
  return new Response(text, { headers: { 'Content-Type': 'application/json' } });
}

function busy(message: RpcRequest): Response {
  return failureResponse('busy', idOf(message));
}

function idOf({ text, id }: RpcRequest): string {
  return text.slice(id.start, id.end);
}
