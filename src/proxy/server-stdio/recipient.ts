import type { Weight } from './event-stream.ts';
import type { Call, Session } from './session.ts';

/**
 * Whom a message of the server concerns that names nobody (spec 04 §19.1, §19.2): the one session that has calls at
 * the process, else the one session with an open stream. With several to choose from it concerns nobody: a guess would
 * show one client's affairs to another.
 */
export function findRecipient(calls: Iterable<Call>, streaming: ReadonlySet<Session>): Session | undefined {
  let busy: Session | undefined;
  for (const { origin, state, session, life, reply } of calls) {
    if (origin === 'proxy' || state !== 'sent' || life === 'listening' || reply.isHeld === true) continue;
    if (session === undefined || (busy !== undefined && busy !== session)) return undefined;
    busy = session;
  }
  if (busy !== undefined) return busy;
  const [only] = streaming;
  return streaming.size === 1 ? only : undefined;
}

/** The modern request whose log messages these must be: it asked for them, and no other call is running. */
export function findLogReader(calls: Iterable<Call>): Call | undefined {
  let only: Call | undefined;
  for (const call of calls) {
    if (call.origin === 'proxy' || call.state !== 'sent' || call.life === 'listening') continue;
    if (call.reply.isHeld === true) continue;
    if (only !== undefined) return undefined;
    only = call;
  }
  return only?.wantsLogs === true ? only : undefined;
}

/** On the stream of a running call where there is one, else on the session's own (spec 04 §6.4). */
export function deliver(session: Session, frame: Uint8Array, weight: Weight): boolean {
  for (const call of session.calls) {
    if (call.state === 'sent' && call.reply.interim(frame, weight)) return true;
  }
  return session.say(frame, weight);
}
