import { findMember, type Request, stringAt } from '../json-rpc/index.ts';
import type { SessionRecord } from '../types.ts';
import type { Forwarder, Order } from './forward.ts';
import type { Session } from './session.ts';

/** Many sessions, one log level upstream: the most verbose anyone asked for (spec 04 §6.5). */
export interface LogLevels {
  set(request: Request, session: Session): void;
  /** A client without a session wants messages of that level; what was asked for once stays, because nothing tells when to stop. */
  raise(level: string): void;
  /** Whether a log message of that level is for this session, which may have asked for less than another. */
  wants(session: Session, level: string | undefined): boolean;
  sessionEnded(): void;
  /** Tells a new process. */
  restore(): void;
}

export interface LogLevelsOptions {
  readonly forwarder: Forwarder;
  readonly note: (record: SessionRecord) => void;
  readonly sessions: () => Iterable<Session>;
}

/** Least to most verbose (RFC 5424 names). */
const LEVELS: readonly string[] = [
  'emergency',
  'alert',
  'critical',
  'error',
  'warning',
  'notice',
  'info',
  'debug',
];

export function createLogLevels({ forwarder, note, sessions }: LogLevelsOptions): LogLevels {
  let raised = -1;
  let upstream = mostVerbose();

  function mostVerbose(): string | undefined {
    let highest = raised;
    for (const { level } of sessions()) {
      if (level !== undefined) highest = Math.max(highest, verbosity(level));
    }
    return LEVELS[highest];
  }

  function tell(level: string, order: Order): void {
    void forwarder.ask('logging/setLevel', JSON.stringify({ level }), order);
  }

  function update(): void {
    const level = mostVerbose();
    // With nobody left who asked, the server's own default is not known: it stays as it is.
    if (level === undefined || level === upstream) return;
    upstream = level;
    tell(level, 'queued');
  }

  return {
    set(request, session) {
      session.level = stringAt(request.text, findMember(request.text, request.params, 'level')) ?? 'debug';
      if (session.face === 'streamable-http')
        note({ type: 'level', session: session.id, level: session.level });
      update();
    },
    raise(level) {
      raised = Math.max(raised, verbosity(level));
      update();
    },
    wants(session, level) {
      return session.level === undefined || verbosity(level ?? 'emergency') <= verbosity(session.level);
    },
    sessionEnded: update,
    restore() {
      // What sessions asked for that have ended since is no concern of a new process.
      upstream = mostVerbose();
      if (upstream !== undefined) tell(upstream, 'first');
    },
  };
}

/** Unknown levels count as `debug`. */
function verbosity(level: string): number {
  const index = LEVELS.indexOf(level);
  return index === -1 ? LEVELS.length - 1 : index;
}
