import {
  findMember,
  idKey,
  type Notification,
  type Request,
  type Response,
  resultText,
  splice,
} from '../json-rpc/index.ts';
import type { CallTable } from './call-table.ts';
import { withEnvelope } from './envelope.ts';
import type { Forwarder } from './forward.ts';
import type { Handshake } from './handshake.ts';
import type { LogLevels } from './log-level.ts';
import type { Reply } from './reply.ts';
import type { ServerRequests } from './server-requests.ts';
import type { Call, Session } from './session.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Clients' messages on their way to the process; the same for both faces (spec 04 §6.2, §6.5). */
export interface Router {
  /** `full`: nothing was taken and `reply` will not be used. */
  request(request: Request, session: Session | undefined, reply: Reply): Taken;
  /** A modern request: no session, nothing intercepted (spec 04 §6.5, §18). */
  modern(request: Request, wantsLogs: boolean, reply: Reply): Taken;
  /** `onSuccess` runs right before the answer; a failed handshake must leave no session behind. */
  initialize(request: Request, reply: Reply, onSuccess: (revision: string) => void): void;
  /** Everything that expects no answer. */
  tell(message: Notification | Response, session: Session | undefined): Taken;
}

/** The one request that is a stream (spec 04 §18.6). */
export const LISTEN = 'subscriptions/listen';

export type Taken = 'accepted' | 'full';

export interface RouterParts {
  readonly calls: CallTable;
  readonly forwarder: Forwarder;
  readonly handshake: Handshake;
  readonly subscriptions: Subscriptions;
  readonly levels: LogLevels;
  readonly questions: ServerRequests;
}

export function createRouter(parts: RouterParts): Router {
  const { calls, forwarder, handshake, subscriptions, levels, questions } = parts;

  function forward(
    request: Request,
    session: Session | undefined,
    reply: Reply,
    life: Call['life'] = 'bounded',
    wantsLogs = false,
  ): Taken {
    const revision = session && handshake.revisionOf(session);
    const call = forwarder.forward(request, { session, reply, life, wantsLogs, revision });
    if (call === undefined) return 'full';
    reply.onGone = () => calls.fail(call, 'client-gone');
    return 'accepted';
  }

  function cancel(notification: Notification, session: Session | undefined): Taken {
    const { text } = notification;
    const place = findMember(text, notification.params, 'requestId');
    if (place === undefined || session === undefined) return 'accepted';
    const key = idKey(text.slice(place.start, place.end));
    for (const call of [...session.calls]) {
      if (idKey(call.clientId) !== key || call.cancelled) continue;
      if (call.state === 'sent' && !forwarder.notify(splice(text, [{ at: place, by: String(call.id) }])))
        return 'full';
      calls.cancel(call);
    }
    return 'accepted';
  }

  return {
    request(received, session, reply) {
      const isModernOnly = handshake.speaksModernOnly();
      if (isModernOnly && received.method === 'ping') {
        reply.answer(resultText(received.text.slice(received.id.start, received.id.end)));
        return 'accepted';
      }
      const request = isModernOnly ? withEnvelope(received, session?.initialize ?? '') : received;
      if (session === undefined) return forward(request, session, reply);
      switch (request.method) {
        case 'resources/subscribe':
        case 'resources/unsubscribe':
          return subscriptions.handle(request, session, reply) ?? forward(request, session, reply);
        case 'logging/setLevel':
          levels.set(request, session);
          reply.answer(resultText(request.text.slice(request.id.start, request.id.end)));
          return 'accepted';
        default:
          return forward(request, session, reply);
      }
    },
    modern(request, wantsLogs, reply) {
      const life = request.method === LISTEN ? 'listening' : 'bounded';
      return forward(request, undefined, reply, life, wantsLogs);
    },
    initialize(request, reply, onSuccess) {
      reply.linger(false);
      handshake.join(request, reply, onSuccess);
    },
    tell(message, session) {
      if (message.kind === 'response') {
        questions.answer(message, session);
        return 'accepted';
      }
      switch (message.method) {
        case 'notifications/initialized':
          return handshake.initialized() ? 'accepted' : 'full';
        case 'notifications/cancelled':
          return cancel(message, session);
        default:
          return forwarder.notify(message.text) ? 'accepted' : 'full';
      }
    },
  };
}
