import {
  errorText,
  findMember,
  idKey,
  METHOD_NOT_FOUND,
  type Notification,
  notificationText,
  onOneLine,
  ownIdAt,
  type Request,
  type Response,
  resultText,
  splice,
} from '../json-rpc/index.ts';
import type { CallTable } from './call-table.ts';
import type { Forwarder } from './forward.ts';
import { messageFrame } from './frame.ts';
import { contentEdits, isOlder } from './older-content.ts';
import { deliver, findRecipient } from './recipient.ts';
import type { Rounds } from './rounds.ts';
import type { Session } from './session.ts';
import type { SessionTable } from './session-table.ts';
import { createTicker } from './ticker.ts';

/** Questions of the server: `sampling/createMessage`, `elicitation/create`, `roots/list`, `ping` (spec 04 §19.1, §19.2). */
export interface ServerRequests {
  handle(request: Request): void;
  /** A client's answer. Taken once, from the session that was asked, else dropped. */
  answer(response: Response, session: Session | undefined): void;
  /** Whether a client is being asked under that id. */
  isAsking(id: number): boolean;
  /** The server's `notifications/cancelled` for one of its requests; `false` when it is about none. */
  cancel(notification: Notification): boolean;
  /** A question may have waited for this stream. */
  streamOpened(session: Session): void;
  sessionEnded(session: Session): void;
  /** Nobody needs the answers any more; clients are told to stop asking. */
  processEnded(): void;
  stop(): void;
}

export interface ServerRequestsOptions {
  readonly calls: CallTable;
  readonly sessions: SessionTable;
  readonly forwarder: Forwarder;
  readonly newId: () => number;
  /** Clients without a session, who are asked by the answer to their request. */
  readonly rounds: Pick<Rounds, 'ask' | 'withdraw'>;
  /** Unix milliseconds, the clock of the sessions. */
  readonly now: () => number;
}

interface Question {
  /** The id that the client sees, one of ours. */
  readonly clientId: number;
  /** The server's own id, as JSON text. */
  readonly serverId: string;
  readonly method: string;
  readonly session: Session;
  /** Monotonic milliseconds. */
  readonly askedAt: number;
  /** The question itself while it waits for a stream; `undefined` once it is delivered. */
  undelivered: Uint8Array | undefined;
}

/** A client opens its stream right after the handshake, a moment after the server may ask for its roots. */
const STREAM_WAIT_MS = 3000;
/** A lone session without a stream is waited for only if it has just been heard of. */
const RECENT_MS = 10_000;
/** People take their time; a client that has forgotten the question must not hold it for ever. */
const ANSWER_WAIT_MS = 60 * 60 * 1000;
const MAX_QUESTIONS = 1024;
const TICK_MS = 250;

export function createServerRequests(options: ServerRequestsOptions): ServerRequests {
  const { calls, sessions, rounds, forwarder, newId, now } = options;
  const questions = new Map<number, Question>();
  const ticker = createTicker(TICK_MS, tick);

  function refuse(serverId: string, method: string): void {
    const message = `server-initiated ${method} is not supported by the shared streamable proxy; requires a per-session backend deployment`;
    forwarder.notify(errorText(serverId, METHOD_NOT_FOUND, message));
  }

  function close(question: Question): void {
    questions.delete(question.clientId);
    question.session.openQuestions -= 1;
  }

  function tell(question: Question): boolean {
    if (question.undelivered === undefined) return true;
    if (!deliver(question.session, question.undelivered, 'must')) return false;
    question.undelivered = undefined;
    return true;
  }

  function findNewcomer(): Session | undefined {
    const [only] = sessions.all();
    if (sessions.size !== 1 || only === undefined) return undefined;
    return now() - only.lastUsedAt < RECENT_MS ? only : undefined;
  }

  function ask(request: Request, session: Session, serverId: string): void {
    const clientId = newId();
    const { revision } = session;
    const older = isOlder(revision) ? contentEdits(request.text, request.params, revision) : [];
    const text = onOneLine(splice(request.text, [{ at: request.id, by: String(clientId) }, ...older]));
    const question: Question = {
      clientId,
      serverId,
      method: request.method,
      session,
      askedAt: performance.now(),
      undelivered: messageFrame(text),
    };
    questions.set(clientId, question);
    session.openQuestions += 1;
    ticker.start();
    const mayWait = session.calls.size === 0 && session.stream === undefined;
    if (tell(question) || mayWait) return;
    close(question);
    refuse(serverId, request.method);
  }

  function tick(): boolean {
    const moment = performance.now();
    for (const question of [...questions.values()]) {
      const patienceMs = question.undelivered === undefined ? ANSWER_WAIT_MS : STREAM_WAIT_MS;
      if (moment - question.askedAt < patienceMs) continue;
      close(question);
      refuse(question.serverId, question.method);
    }
    return questions.size > 0;
  }

  function findByServerId(serverId: string): Question | undefined {
    const key = idKey(serverId);
    for (const question of questions.values()) {
      if (idKey(question.serverId) === key) return question;
    }
    return undefined;
  }

  function withdraw(question: Question, text: string): void {
    close(question);
    if (question.undelivered === undefined) deliver(question.session, messageFrame(text), 'must');
  }

  return {
    handle(request) {
      const serverId = request.text.slice(request.id.start, request.id.end);
      if (request.method === 'ping') {
        forwarder.notify(resultText(serverId));
        return;
      }
      if (rounds.ask(request)) return;
      const session = findRecipient(calls.all(), sessions.streaming) ?? findNewcomer();
      if (session === undefined || questions.size >= MAX_QUESTIONS) refuse(serverId, request.method);
      else ask(request, session, serverId);
    },
    answer(response, session) {
      const question = questions.get(ownIdAt(response.text, response.id) ?? 0);
      if (question === undefined || question.session !== session) return;
      close(question);
      forwarder.notify(splice(response.text, [{ at: response.id, by: question.serverId }]));
    },
    isAsking: (id) => questions.has(id),
    cancel(notification) {
      const { text } = notification;
      const place = findMember(text, notification.params, 'requestId');
      if (place !== undefined && rounds.withdraw(text.slice(place.start, place.end))) return true;
      const question = place && findByServerId(text.slice(place.start, place.end));
      if (place === undefined || question === undefined) return false;
      withdraw(question, onOneLine(splice(text, [{ at: place, by: String(question.clientId) }])));
      return true;
    },
    streamOpened(session) {
      for (const question of questions.values()) {
        if (question.session === session) tell(question);
      }
    },
    sessionEnded(session) {
      for (const question of [...questions.values()]) {
        if (question.session !== session) continue;
        close(question);
        refuse(question.serverId, question.method);
      }
    },
    processEnded() {
      for (const question of [...questions.values()]) {
        const params = `{"requestId":${question.clientId},"reason":"The MCP server ended"}`;
        withdraw(question, notificationText('notifications/cancelled', params));
      }
    },
    stop: () => ticker.stop(),
  };
}
