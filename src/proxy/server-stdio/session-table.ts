import { createIdleSessions } from '../idle-sessions.ts';
import type { SessionJournal, SessionRecord } from '../types.ts';
import { type Face, Session } from './session.ts';

/** All sessions of one bridge; those of streamable clients survive our process through the journal (spec 04 §3). */
export interface SessionTable {
  readonly size: number;
  /** Whether one more would fit, at the cost of the one that is idle for the longest time if need be. */
  hasRoom(): boolean;
  /** Check `hasRoom` first: sessions in use are never ended for a new one. */
  create(face: Face, initialize: string, owner: string | undefined): Session;
  /** The live session of that id, now in use; another's counts as unknown. Expiry is checked here (spec 04 §19.7). */
  find(id: string, owner: string | undefined): Session | undefined;
  all(): Iterable<Session>;
  /** Sessions with an open stream, in the order they opened it. */
  readonly streaming: ReadonlySet<Session>;
  /** Those, and the ones that may come back and ask what they missed. */
  readonly listening: ReadonlySet<Session>;
  setStream(session: Session, stream: Session['stream']): void;
  end(session: Session): void;
  /** Ends what has been idle for longer than the time to live. */
  sweep(): void;
  note(record: SessionRecord): void;
}

export interface SessionTableOptions {
  readonly journal: SessionJournal;
  /** What the journal held at start. */
  readonly loaded: readonly SessionRecord[];
  /** Idle time after which a session ends, in milliseconds. */
  readonly ttlMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly onEnd: (session: Session) => void;
  /** Records of others, kept through a compaction. */
  readonly otherRecords: () => readonly SessionRecord[];
  readonly maxSessions?: number;
}

const DEFAULT_MAX_SESSIONS = 10_000;
/** An initialize message above this is not kept: nothing needs it that much. */
const MAX_INITIALIZE_CHARS = 16 * 1024;
const COMPACT_AFTER = 1024;

export function createSessionTable(options: SessionTableOptions): SessionTable {
  const { journal, ttlMs, now, onEnd, maxSessions = DEFAULT_MAX_SESSIONS } = options;
  const sessions = new Map<string, Session>();
  const streaming = new Set<Session>();
  const listening = new Set<Session>();
  let appended = 0;

  function note(record: SessionRecord): void {
    appended += 1;
    if (appended < COMPACT_AFTER + 4 * sessions.size) {
      journal.append(record, records);
      return;
    }
    journal.replace([...records(), record]);
    appended = 0;
  }

  function records(): SessionRecord[] {
    const kept = [...sessions.values()].filter(({ face }) => face === 'streamable-http');
    return [...options.otherRecords(), ...kept.flatMap(recordsOf)];
  }

  function end(session: Session): void {
    if (session.ended) return;
    session.ended = true;
    sessions.delete(session.id);
    streaming.delete(session);
    listening.delete(session);
    if (session.face === 'streamable-http') note({ type: 'end', id: session.id });
    onEnd(session);
  }

  const { find, isExpired, touch, findIdlest } = createIdleSessions({
    sessions,
    ttlMs,
    now,
    isBusy: ({ busy }) => busy,
    isLasting: ({ face }) => face === 'streamable-http',
    note,
    end,
  });

  function makeRoom(): void {
    const oldest = sessions.size < maxSessions ? undefined : findIdlest();
    if (oldest !== undefined) end(oldest);
  }

  for (const session of restore(options.loaded)) {
    if (!isExpired(session)) sessions.set(session.id, session);
  }
  appended = options.loaded.length;

  return {
    get size() {
      return sessions.size;
    },
    hasRoom: () => sessions.size < maxSessions || findIdlest() !== undefined,
    streaming,
    listening,
    all: () => sessions.values(),
    create(face, initialize, owner) {
      makeRoom();
      const kept = initialize.length > MAX_INITIALIZE_CHARS ? '' : initialize;
      const session = new Session({ id: crypto.randomUUID(), face, initialize: kept, at: now(), owner });
      sessions.set(session.id, session);
      if (face === 'streamable-http') note(recordOf(session, session.savedAt));
      return session;
    },
    find,
    setStream(session, stream) {
      session.stream = stream;
      session.lastUsedAt = now();
      if (stream === undefined || session.ended) {
        streaming.delete(session);
        if (session.channel === undefined) listening.delete(session);
        return;
      }
      streaming.add(session);
      listening.add(session);
    },
    end,
    sweep() {
      for (const session of [...sessions.values()]) {
        // An open stream counts as use, so its end starts the idle time (spec 04 §19.7).
        if (session.busy) touch(session);
        else if (isExpired(session)) end(session);
      }
    },
    note,
  };
}

/** Sessions as the journal leaves them, whatever order a crash made of it. */
function restore(records: readonly SessionRecord[]): Iterable<Session> {
  const found = new Map<string, Session>();
  for (const record of records) {
    switch (record.type) {
      case 'session':
        found.set(record.id, new Session({ ...record, face: 'streamable-http' }));
        break;
      case 'end':
        found.delete(record.id);
        break;
      case 'used': {
        const session = found.get(record.id);
        if (session !== undefined) session.lastUsedAt = session.savedAt = record.at;
        break;
      }
      case 'subscribe':
        found.get(record.session)?.subscriptions.add(record.uri);
        break;
      case 'unsubscribe':
        found.get(record.session)?.subscriptions.delete(record.uri);
        break;
      case 'level': {
        const session = found.get(record.session);
        if (session !== undefined) session.level = record.level;
        break;
      }
      case 'handshake':
      case 'initialized':
        break;
    }
  }
  return found.values();
}

function recordOf({ id, initialize, owner }: Session, at: number): SessionRecord {
  return { type: 'session', id, at, initialize, ...(owner === undefined ? {} : { owner }) };
}

function recordsOf(session: Session): SessionRecord[] {
  const { id, level } = session;
  return [
    recordOf(session, session.lastUsedAt),
    ...[...session.subscriptions].map((uri) => ({ type: 'subscribe', session: id, uri }) as const),
    ...(level === undefined ? [] : [{ type: 'level', session: id, level } as const]),
  ];
}
