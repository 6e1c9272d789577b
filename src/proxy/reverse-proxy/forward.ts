import { messageOf } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { batchRefused } from '../refusals.ts';
import { pathOf } from '../respond.ts';
import type { Handler, RequestContext } from '../types.ts';
import { sessionNotFound, unavailable, unreachable } from './answers.ts';
import { classifyRequest, type RequestKind } from './classify.ts';
import { type HeaderList, requestHeaders } from './headers.ts';
import type { Healer, HealPlace } from './heal.ts';
import { saysSessionIsLost } from './lost-session.ts';
import { isMethodNotFound } from './method-not-found.ts';
import { carrierOf } from './raw/exchange.ts';
import { type ForwardBody, takeBody } from './request-body.ts';
import { send } from './send.ts';
import type { ProxySession, ProxySessionTable } from './session-table.ts';
import type { Target } from './target.ts';
import { isRefused, type Upstream, type UpstreamRequest } from './upstream.ts';

/** One request on its way to the server, and what is known of it. */
export interface Forwarding {
  readonly incoming: Request;
  readonly context: RequestContext;
  readonly body: ForwardBody;
  readonly kind: RequestKind;
  /** The session that the client named. */
  readonly session: ProxySession | undefined;
}

export interface ForwarderDeps {
  readonly transport: 'sse' | 'streamable-http' | undefined;
  readonly isRemote: boolean;
  /** The URL of a remote server names a path, which every request then gets. */
  readonly hasOwnPath: boolean;
  readonly onUnreachable: (reason: string) => void;
  readonly upstream: Upstream;
  readonly sessions: ProxySessionTable;
  readonly healer: Healer;
  readonly target: Target;
  readonly log: Logger;
  readonly startWaitMs: number;
  readonly refusedWaitMs: number;
  readonly now: () => number;
  /** A remote server gets the tokens that were checked here. */
  readonly forwardsAuthorization: boolean;
  /** Makes the server's answer the client's. */
  readonly passOn: (response: Response, forwarding: Forwarding, origin: URL) => Response | Promise<Response>;
}

const REFUSED_RETRY_MS = 200;
/** A server that refuses the replay, or says 404 straight after it, means something else; it is left alone for a while. */
const REST_MS = 5000;

export function createForwarder(deps: ForwarderDeps): Handler {
  const { transport, isRemote, upstream, sessions, healer, target, log, passOn } = deps;

  async function forward(incoming: Request, context: RequestContext): Promise<Response> {
    const taken = takeBody(incoming, context);
    const body = taken instanceof Promise ? await taken : taken;
    if (body.isBatch && incoming.method === 'POST') return batchRefused();
    const kind = classifyRequest({ request: incoming, path: context.path, body, transport });
    if (kind instanceof Response) return kind;
    const named = kind === 'initialize' ? null : incoming.headers.get('mcp-session-id');
    const session = named ? sessions.find(named, context.identity?.owner) : undefined;
    if (named && session === undefined) return sessionNotFound(body);
    if (transport === 'sse' && isOfAnother(incoming, context)) return sessionNotFound(body);
    context.keepOpen();
    const { signal } = incoming;
    const forwarding = { incoming, context, body, kind, session };
    const release = session === undefined ? undefined : sessions.hold(session);
    try {
      const waiting = { waitMs: deps.startWaitMs, signal };
      const base = target.url ?? (await target.changed(undefined, waiting));
      if (base === undefined) {
        context.letGo();
        return unavailable(body);
      }
      const { response, from } = await sendPatiently(base, forwarding);
      return await passOn(response, forwarding, from);
    } catch (error) {
      context.letGo();
      if (!signal.aborted) {
        const reason = messageOf(error);
        log.warn('server cannot be reached', { target: target.url?.origin, error: reason });
        deps.onUnreachable(reason);
      }
      return unreachable(body);
    } finally {
      release?.();
    }
  }

  /** Sessions of the old SSE transport are named in the URL, under a name that is up to the server. */
  function isOfAnother({ method, url }: Request, { identity }: RequestContext): boolean {
    if (method === 'GET' || identity?.owner === undefined) return false;
    const { pathname, searchParams } = new URL(url);
    return [...searchParams.values(), ...pathname.split('/')].some(
      (part) => sessions.has(part) && sessions.find(part, identity.owner) === undefined,
    );
  }

  /** A refused connection has carried nothing, so it may be tried again, at another address if there is one. */
  async function sendPatiently(base: URL, forwarding: Forwarding) {
    const { incoming, context, body, kind } = forwarding;
    const { signal } = incoming;
    const headers = requestHeaders(incoming.headers, {
      remoteAddress: context.remoteAddress,
      remoteScheme: isRemote ? base.protocol.slice(0, -1) : undefined,
      hidesAuthorization: hidesAuthorization(incoming, context),
      isPlain: kind === 'initialize' || (transport === 'sse' && incoming.method === 'GET'),
    });
    const giveUpAt = performance.now() + deps.refusedWaitMs;
    let from = base;
    for (;;) {
      try {
        return { response: await sendInSession(from, headers, forwarding), from };
      } catch (error) {
        if (!isRefused(error)) throw error;
        target.refused();
        if (!body.isRepeatable || signal.aborted || performance.now() >= giveUpAt) throw error;
        from = (await target.changed(from, { waitMs: REFUSED_RETRY_MS, signal })) ?? from;
      }
    }
  }

  /** A key of ours is no business of the server's, and a token that was checked here none of a remote one's (spec 05 §20-10). */
  function hidesAuthorization({ headers }: Request, { identity }: RequestContext): boolean {
    if (identity?.token === undefined) return false;
    if (identity.kind !== 'key' && (!isRemote || deps.forwardsAuthorization)) return false;
    // What a middleware has put in its place is meant for the server.
    return headers.get('authorization') === `Bearer ${identity.token.reveal()}`;
  }

  async function sendInSession(origin: URL, headers: HeaderList, forwarding: Forwarding): Promise<Response> {
    const { incoming, body, session } = forwarding;
    const { method, signal } = incoming;
    const place: HealPlace = { origin, path: pathFor(origin, incoming), headers };
    const request: UpstreamRequest = { ...place, method, body: body.content, signal };
    if (session === undefined) return reached(await send(upstream, request));
    const sendAs = (id: string) =>
      send(upstream, { ...request, headers: [...headers, ['mcp-session-id', id]] });
    const isReborn = session.life !== target.life && method !== 'DELETE';
    if (isReborn && !(await healer.heal(session, session.backendId, place))) session.life = target.life;
    const sentAs = session.backendId;
    const response = reached(await sendAs(sentAs));
    if (!(await isLost(response, forwarding))) return response;
    if (!body.isRepeatable || deps.now() < session.restUntil) return response;
    if (!(await healer.heal(session, sentAs, place))) {
      session.restUntil = deps.now() + REST_MS;
      return response;
    }
    await response.body?.cancel();
    const again = await sendAs(session.backendId);
    noteAnswer(session, again);
    if (again.status === 404 || again.status === 400) session.restUntil = deps.now() + REST_MS;
    return again;
  }

  function reached(response: Response): Response {
    target.reached();
    return response;
  }

  function noteAnswer(session: ProxySession, response: Response): void {
    if (!response.ok) return;
    session.moves = target.moves;
    session.carrier = carrierOf(response);
  }

  /**
   * Spec 04 §8.4 step 5. Some servers say 400 to a session they do not know. That is believed of one that was taken down
   * since it last answered in the session, and, said in words, of one that may have been: over the connection of its last
   * answer it is the same process still.
   */
  async function isLost(response: Response, { incoming, session }: Forwarding): Promise<boolean> {
    if (session === undefined || incoming.method === 'DELETE') return false;
    if (response.status === 404) return !(await isMethodNotFound(response));
    noteAnswer(session, response);
    if (response.status !== 400) return false;
    const carrier = carrierOf(response);
    const wasDown = session.moves !== target.moves;
    if (!wasDown && carrier !== undefined && carrier === session.carrier) return false;
    const verdict = await saysSessionIsLost(response);
    return verdict === 'sure' || (verdict === 'maybe' && wasDown);
  }

  /** Spec 04 §8.3: a remote server has one path, and a query that comes first. */
  function pathFor(base: URL, { url, method }: Request): string {
    const start = url.indexOf('/', url.indexOf('://') + 3);
    const own = start === -1 ? '/' : url.slice(start);
    if (!isRemote || (!deps.hasOwnPath && base.search === '')) return own;
    // A remote SSE server is sent messages to where it said (spec 04 §19.10).
    const keepsPath = !deps.hasOwnPath || (transport === 'sse' && method !== 'GET');
    const path = keepsPath ? pathOf(url) : base.pathname;
    const mark = own.indexOf('?');
    const query = [base.search.slice(1), mark === -1 ? '' : own.slice(mark + 1)].filter(
      (part) => part !== '',
    );
    return query.length === 0 ? path : `${path}?${query.join('&')}`;
  }

  return forward;
}
