import { findMember, type Request, resultText, stringAt } from '../json-rpc/index.ts';
import type { SessionRecord } from '../types.ts';
import type { Forwarder } from './forward.ts';
import { intercepted } from './intercepted.ts';
import type { Reply } from './reply.ts';
import type { Session } from './session.ts';

/** Who follows resources: a session, or the listening client of a revision without sessions. */
export interface Subscriber extends Pick<Session, 'subscriptions' | 'say'> {
  ended: boolean;
}

/** Many sessions, one subscription per resource upstream (spec 04 §6.5). */
export interface Subscriptions {
  /** `undefined`: not a matter of sharing, to be forwarded as it is. */
  handle(request: Request, session: Session, reply: Reply): 'accepted' | undefined;
  /** Lasts until `subscriber` has ended; where the server refuses, it just hears nothing. */
  follow(uri: string, subscriber: Subscriber): void;
  subscribers(uri: string): ReadonlySet<Subscriber>;
  sessionEnded(session: Subscriber): void;
  /** Subscribes again at a new process. */
  restore(): void;
}

export interface SubscriptionsOptions {
  readonly forwarder: Forwarder;
  readonly note: (record: SessionRecord) => void;
  readonly sessions: Iterable<Session>;
}

const NOBODY: ReadonlySet<Subscriber> = new Set();

export function createSubscriptions({ forwarder, note, sessions }: SubscriptionsOptions): Subscriptions {
  const subscribers = new Map<string, Set<Subscriber>>();
  /** Per URI: the end of what is under way. Decision and upstream call are one step; other URIs never wait. */
  const turns = new Map<string, Promise<void>>();

  for (const session of sessions) {
    for (const uri of session.subscriptions) add(uri, session);
  }

  function add(uri: string, session: Subscriber): void {
    const known = subscribers.get(uri);
    if (known === undefined) subscribers.set(uri, new Set([session]));
    else known.add(session);
  }

  function remove(uri: string, session: Subscriber): void {
    const known = subscribers.get(uri);
    known?.delete(session);
    if (known?.size === 0) subscribers.delete(uri);
  }

  async function inTurn(uri: string, step: () => Promise<void>): Promise<void> {
    const before = turns.get(uri);
    const mine = (before ?? Promise.resolve()).then(step);
    turns.set(uri, mine);
    await mine;
    if (turns.get(uri) === mine) turns.delete(uri);
  }

  /** Resolves with the outcome once the process has answered, the client being answered on the way. */
  function upstream(request: Request, session: Session, reply: Reply): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const call = forwarder.forward(request, {
      session,
      reply: intercepted(reply),
      onOutcome: (outcome) => resolve(outcome === 'result'),
    });
    if (call === undefined) {
      reply.fail('busy', idOf(request));
      resolve(false);
    }
    return promise;
  }

  async function subscribe(uri: string, request: Request, session: Session, reply: Reply): Promise<void> {
    if (!subscribers.has(uri)) {
      const succeeded = await upstream(request, session, reply);
      if (!succeeded) return;
    } else {
      reply.answer(resultText(idOf(request)));
    }
    if (session.ended) return leave(uri);
    add(uri, session);
    if (!session.subscriptions.has(uri) && session.face === 'streamable-http') {
      note({ type: 'subscribe', session: session.id, uri });
    }
    session.subscriptions.add(uri);
  }

  async function unsubscribe(uri: string, request: Request, session: Session, reply: Reply): Promise<void> {
    const known = subscribers.get(uri);
    if (known?.has(session) && known.size === 1) {
      const succeeded = await upstream(request, session, reply);
      if (!succeeded) return;
    } else {
      reply.answer(resultText(idOf(request)));
    }
    remove(uri, session);
    if (session.subscriptions.delete(uri) && session.face === 'streamable-http' && !session.ended) {
      note({ type: 'unsubscribe', session: session.id, uri });
    }
  }

  async function follow(uri: string, subscriber: Subscriber): Promise<void> {
    if (!subscribers.has(uri)) {
      const { outcome } = await forwarder.ask('resources/subscribe', JSON.stringify({ uri }));
      if (outcome !== 'result') return;
    }
    if (subscriber.ended) return leave(uri);
    add(uri, subscriber);
    subscriber.subscriptions.add(uri);
  }

  /** Upstream forgets a resource that nobody follows any more. */
  async function leave(uri: string): Promise<void> {
    if (subscribers.has(uri)) return;
    await forwarder.ask('resources/unsubscribe', JSON.stringify({ uri }));
  }

  return {
    handle(request, session, reply) {
      const act = request.method === 'resources/subscribe' ? subscribe : unsubscribe;
      const uri = stringAt(request.text, findMember(request.text, request.params, 'uri'));
      if (uri === undefined || uri === '') return undefined;
      reply.linger(false);
      void inTurn(uri, () => act(uri, request, session, reply));
      return 'accepted';
    },
    follow: (uri, subscriber) => void inTurn(uri, () => follow(uri, subscriber)),
    subscribers: (uri) => subscribers.get(uri) ?? NOBODY,
    sessionEnded(session) {
      for (const uri of session.subscriptions) {
        remove(uri, session);
        if (!subscribers.has(uri)) void inTurn(uri, () => leave(uri));
      }
    },
    restore() {
      for (const uri of subscribers.keys()) {
        void forwarder.ask('resources/subscribe', JSON.stringify({ uri }), 'first');
      }
    },
  };
}

function idOf(request: Request): string {
  return request.text.slice(request.id.start, request.id.end);
}
