import { createIdleSessions } from '../idle-sessions.ts';
import type { SessionJournal, SessionRecord } from '../types.ts';

/** A session of the server behind us, under the id that its client was given (spec 04 §8.4). */
export interface ProxySession {
  readonly id: string;
  /** Whom it belongs to; `undefined` where callers are not told apart. */
  readonly owner: string | undefined;
  /** What the server calls it now; another id after the session was healed. Never shown to the client. */
  backendId: string;
  /** The client's `initialize` message, '' when there is none to be replayed. */
  readonly initialize: string;
  /** Whether it is kept across a restart of ours. */
  readonly isLasting: boolean;
  lastUsedAt: number;
  savedAt: number;
  /** Calls and streams in progress; while there are any, the session does not expire (spec 04 §19.7). */
  open: number;
  ended: boolean;
  /** `Target.life` and `Target.moves` when the server was last known to know the session. */
  life: number;
  moves: number;
  /** The connection that brought an answer then; `undefined` when that is not known. */
  carrier: object | undefined;
  healing: Promise<boolean> | undefined;
  /** Before this time the session is not healed again: the last healing did not help. */
  restUntil: number;
}

export interface ProxySessionTable {
  readonly size: number;
  /** The live session of that id, now in use; another's counts as unknown. Expiry is checked here (spec 04 §19.7). */
  find(id: string, owner: string | undefined): ProxySession | undefined;
  /** Whether there is a session of that id, whosever it is. */
  has(id: string): boolean;
  add(
    facts: Pick<ProxySession, 'id' | 'owner' | 'initialize' | 'isLasting' | 'life' | 'moves'>,
  ): ProxySession;
  /** The server calls the session otherwise from now on. */
  setBackendId(session: ProxySession, backendId: string): void;
  /** Counts something in progress; returns how to end that. */
  hold(session: ProxySession): () => void;
  end(session: ProxySession): void;
  /** Ends what has been idle for longer than the time to live. */
  sweep(): void;
}

export interface ProxySessionTableOptions {
  readonly journal?: SessionJournal | undefined;
  readonly ttlMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly maxSessions?: number | undefined;
}

const DEFAULT_MAX_SESSIONS = 10_000;
/** An initialize message above this is not kept: nothing needs it that much. */
const MAX_INITIALIZE_CHARS = 16 * 1024;
const COMPACT_AFTER = 1024;

export function createProxySessionTable(options: ProxySessionTableOptions): ProxySessionTable {
  const { journal, ttlMs, now, maxSessions = DEFAULT_MAX_SESSIONS } = options;
  const loaded = journal?.load() ?? [];
  const sessions = restore(loaded);
  let appended = loaded.length;

  function note(record: SessionRecord): void {
    if (journal === undefined) return;
    appended += 1;
    if (appended < COMPACT_AFTER + 4 * sessions.size) {
      journal.append(record, records);
      return;
    }
    journal.replace(records());
    appended = 0;
  }

  function records(): SessionRecord[] {
    return [...sessions.values()].filter(({ isLasting }) => isLasting).flatMap(recordsOf);
  }

  function end(session: ProxySession): void {
    if (session.ended) return;
    session.ended = true;
    if (sessions.get(session.id) === session) sessions.delete(session.id);
    if (session.isLasting) note({ type: 'end', id: session.id });
  }

  function makeRoom(): void {
    if (sessions.size < maxSessions) return;
    const oldest = findIdlest() ?? sessions.values().next().value;
    if (oldest !== undefined) end(oldest);
  }

  const { find, isExpired, touch, findIdlest } = createIdleSessions({
    sessions,
    ttlMs,
    now,
    isBusy: ({ open }) => open > 0,
    isLasting: ({ isLasting }) => isLasting,
    note,
    end,
  });
  for (const session of [...sessions.values()]) if (isExpired(session)) sessions.delete(session.id);

  return {
    get size() {
      return sessions.size;
    },
    find,
    has: (id) => sessions.has(id),
    add({ id, owner, initialize, isLasting, life, moves }) {
      const known = sessions.get(id);
      if (known !== undefined) end(known);
      makeRoom();
      const kept = initialize.length > MAX_INITIALIZE_CHARS ? '' : initialize;
      const session: ProxySession = {
        ...emptySession(id, now(), owner),
        initialize: kept,
        isLasting,
        life,
        moves,
      };
      sessions.set(id, session);
      if (isLasting) note(recordOf(session, session.savedAt));
      return session;
    },
    setBackendId(session, backendId) {
      if (session.backendId === backendId || session.ended) return;
      session.backendId = backendId;
      if (session.isLasting) note({ type: 'backend', session: session.id, id: backendId });
    },
    hold(session) {
      session.open += 1;
      let held = true;
      return () => {
        if (!held) return;
        held = false;
        session.open -= 1;
        if (!session.ended) touch(session);
      };
    },
    end,
    sweep() {
      for (const session of [...sessions.values()]) if (isExpired(session)) end(session);
    },
  };
}

function emptySession(id: string, at: number, owner: string | undefined): ProxySession {
  return {
    id,
    owner,
    backendId: id,
    initialize: '',
    isLasting: true,
    lastUsedAt: at,
    savedAt: at,
    open: 0,
    ended: false,
    life: 0,
    moves: 0,
    carrier: undefined,
    healing: undefined,
    restUntil: 0,
  };
}

/** Sessions as the journal leaves them; whether the server still knows them is seen when they are used. */
function restore(records: readonly SessionRecord[]): Map<string, ProxySession> {
  const found = new Map<string, ProxySession>();
  for (const record of records) {
    if (record.type === 'session') {
      const { id, at, initialize, owner } = record;
      // The server may have been replaced while nobody looked.
      found.set(id, { ...emptySession(id, at, owner), initialize, moves: -1 });
    } else if (record.type === 'end') {
      found.delete(record.id);
    } else if (record.type === 'used') {
      const session = found.get(record.id);
      if (session !== undefined) session.lastUsedAt = session.savedAt = record.at;
    } else if (record.type === 'backend') {
      const session = found.get(record.session);
      if (session !== undefined) session.backendId = record.id;
    }
  }
  return found;
}

function recordOf({ id, initialize, owner }: ProxySession, at: number): SessionRecord {
  return { type: 'session', id, at, initialize, ...(owner === undefined ? {} : { owner }) };
}

function recordsOf(session: ProxySession): SessionRecord[] {
  const { id, backendId, lastUsedAt } = session;
  return [
    recordOf(session, lastUsedAt),
    ...(backendId === id ? [] : [{ type: 'backend', session: id, id: backendId } as const]),
  ];
}
