import type { RequestContext } from '../types.ts';
import { findId } from './answers.ts';
import { watchAnswer } from './broken-answer.ts';
import { publicEndpoint, publicPlace } from './endpoint-url.ts';
import type { Forwarding } from './forward.ts';
import { tellEnd } from './held-stream.ts';
import { peekAnswer } from './peek-answer.ts';
import { isWhole } from './raw/exchange.ts';
import { rewriteEndpoint } from './rewrite-endpoint.ts';
import type { ProxySession, ProxySessionTable } from './session-table.ts';
import type { Target } from './target.ts';

export interface PassOnDeps {
  readonly transport: 'sse' | 'streamable-http' | undefined;
  readonly trustProxyHeaders: boolean;
  readonly endpointPrefix: string;
  readonly sessions: ProxySessionTable;
  readonly target: Target;
  /** Counts a call that is being answered; returns how to end that. */
  readonly holdCall: () => () => void;
  /** The server has shown that it serves (spec 04 §8.4 step 6). */
  readonly onReady: () => void;
  /** Status of every answer of the server. */
  readonly onStatus: (status: number) => void;
}

type PassOn = (response: Response, forwarding: Forwarding, origin: URL) => Response | Promise<Response>;

/** Makes the server's answer the client's: sessions under the client's ids, endpoints at our address. */
export function createPassOn(deps: PassOnDeps): PassOn {
  const { transport, sessions, target, onReady } = deps;

  function passOn(response: Response, forwarding: Forwarding, origin: URL): Response | Promise<Response> {
    const { kind, context } = forwarding;
    context.isFinal = true;
    deps.onStatus(response.status);
    if (kind === 'initialize') return passInitialize(response, forwarding, origin);
    if (kind === 'modern' && response.status === 200) onReady();
    translateSession(response, forwarding);
    if (isEventStream(response)) return passStream(response, forwarding, origin);
    context.letGo();
    return response;
  }

  /** A failed handshake leaves no session and names none (spec 04 §19.7). */
  async function passInitialize(response: Response, forwarding: Forwarding, origin: URL): Promise<Response> {
    const { headers, status, statusText } = response;
    const id = headers.get('mcp-session-id');
    if (status === 200) onReady();
    const isStream = isEventStream(response);
    if (!isStream) forwarding.context.letGo();
    if (!id) return isStream ? passStream(response, forwarding, origin) : response;
    const peeked = status === 200 ? await peekAnswer(response) : undefined;
    if (peeked !== undefined && peeked.outcome !== 'error') {
      const initialize = forwarding.body.message()?.text ?? '';
      addSession(id, initialize, forwarding.context);
    } else {
      headers.delete('mcp-session-id');
    }
    if (peeked === undefined) return response;
    let { body } = peeked;
    if (!(body instanceof ReadableStream)) {
      headers.delete('content-length');
      forwarding.context.letGo();
    } else if (isStream) {
      body = tellEnd(body, () => forwarding.context.letGo());
    }
    if (isStream) headers.set('x-accel-buffering', 'no');
    return new Response(body, { status, statusText, headers });
  }

  function addSession(id: string, initialize: string, { identity }: RequestContext): ProxySession {
    const { life, moves } = target;
    return sessions.add({ id, owner: identity?.owner, initialize, isLasting: true, life, moves });
  }

  /** Hides the id under which the server knows a healed session (spec 04 §19.7). */
  function translateSession(response: Response, { incoming, session, context }: Forwarding): void {
    const { headers, status, ok } = response;
    if (session !== undefined && incoming.method === 'DELETE' && (ok || status === 404)) {
      sessions.end(session);
    }
    const id = headers.get('mcp-session-id');
    if (!id) return;
    if (session !== undefined) {
      if (ok && incoming.method !== 'DELETE') sessions.setBackendId(session, id);
      headers.set('mcp-session-id', session.id);
    } else if (status === 200) {
      onReady();
      if (!sessions.has(id)) addSession(id, '', context);
    }
  }

  function passStream(response: Response, forwarding: Forwarding, origin: URL): Response {
    const { incoming, session, context } = forwarding;
    const { headers, status, statusText } = response;
    let { body } = response;
    if (body === null) return response;
    headers.set('x-accel-buffering', 'no');
    const isComing = !isWhole(response);
    const isAnswer = isComing && isCall(forwarding);
    const releases = isAnswer ? [deps.holdCall(), () => context.letGo()] : [];
    if (!isComing) context.letGo();
    if (transport === 'sse' && !headers.has('content-encoding')) {
      headers.delete('content-length');
      const place = publicPlace(incoming.headers, deps);
      const owner = context.identity?.owner;
      let sniffed: ProxySession | undefined;
      let forget: (() => void) | undefined;
      const rewritten = rewriteEndpoint(body, {
        owner,
        rewrite(url) {
          const endpoint = publicEndpoint(url, place, origin);
          forget?.();
          forget = context.callerStreams?.add(endpoint, rewritten);
          return endpoint;
        },
        onSession(id) {
          onReady();
          if (sessions.has(id)) return;
          const { life, moves } = target;
          sniffed = sessions.add({ id, owner, initialize: '', isLasting: false, life, moves });
          sniffed.open += 1;
        },
      });
      ({ body } = rewritten);
      releases.push(() => forget?.());
      // The session is the stream: both end together.
      releases.push(() => sniffed && sessions.end(sniffed));
    } else if (isComing && session !== undefined) {
      releases.push(sessions.hold(session));
    }
    if (releases.length === 0) return response;
    const isReadable = isAnswer && !headers.has('content-encoding');
    const told = tellEnd(
      body,
      () => {
        for (const release of releases) release();
      },
      isReadable ? watchAnswer(() => findId(forwarding.body)) : undefined,
    );
    return new Response(told, { status, statusText, headers });
  }

  return passOn;
}

/** Somebody waits for the end of its answer; not so of a subscription, which has none (spec 04 §18.6). */
function isCall({ incoming, kind, body }: Forwarding): boolean {
  if (incoming.method !== 'POST') return false;
  const message = kind === 'modern' ? body.message() : undefined;
  return message?.kind !== 'request' || message.method !== 'subscriptions/listen';
}

function isEventStream({ headers }: Response): boolean {
  return headers.get('content-type')?.startsWith('text/event-stream') === true;
}
