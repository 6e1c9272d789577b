import type { SessionRecord } from './types.ts';

/** What the idle time of a session is reckoned from. */
export interface IdleFacts {
  readonly id: string;
  /** Whom it belongs to; `undefined` where callers are not told apart. */
  readonly owner: string | undefined;
  /** Unix milliseconds. */
  lastUsedAt: number;
  /** `lastUsedAt` as the journal knows it. */
  savedAt: number;
}

/** When sessions are used, and when they have not been for too long (spec 04 §19.7); the same for bridge and reverse proxy. */
export interface IdleSessions<S extends IdleFacts> {
  /** The live session of that id, now in use; another's counts as unknown, and as not used. Expiry is checked here. */
  find(id: string, owner: string | undefined): S | undefined;
  isExpired(session: S): boolean;
  /** It is in use now. */
  touch(session: S): void;
  /** The one that has been idle for longest; `undefined` when all are busy. */
  findIdlest(): S | undefined;
}

export interface IdleSessionsOptions<S extends IdleFacts> {
  readonly sessions: ReadonlyMap<string, S>;
  /** Idle time after which a session ends, in milliseconds. */
  readonly ttlMs: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** In use without a request arriving: such a session does not expire. */
  readonly isBusy: (session: S) => boolean;
  /** Whether the journal keeps it across a restart of ours. */
  readonly isLasting: (session: S) => boolean;
  readonly note: (record: SessionRecord) => void;
  readonly end: (session: S) => void;
}

/** `used` is journalled once in this part of the time to live, so a restart forgets at most that much of it. */
const SAVE_FRACTION = 8;

export function createIdleSessions<S extends IdleFacts>(options: IdleSessionsOptions<S>): IdleSessions<S> {
  const { sessions, ttlMs, now, isBusy, isLasting, note, end } = options;

  function isExpired(session: S): boolean {
    return !isBusy(session) && now() - session.lastUsedAt > ttlMs;
  }

  function touch(session: S): void {
    session.lastUsedAt = now();
    if (!isLasting(session) || session.lastUsedAt - session.savedAt < ttlMs / SAVE_FRACTION) return;
    session.savedAt = session.lastUsedAt;
    note({ type: 'used', id: session.id, at: session.savedAt });
  }

  return {
    find(id, owner) {
      const session = sessions.get(id);
      if (session === undefined || session.owner !== owner) return undefined;
      if (isExpired(session)) {
        end(session);
        return undefined;
      }
      touch(session);
      return session;
    },
    isExpired,
    touch,
    findIdlest() {
      let idlest: S | undefined;
      for (const session of sessions.values()) {
        if (!isBusy(session) && (idlest === undefined || session.lastUsedAt < idlest.lastUsedAt))
          idlest = session;
      }
      return idlest;
    },
  };
}
