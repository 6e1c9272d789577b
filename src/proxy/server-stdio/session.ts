import type { Response as Answer } from '../json-rpc/index.ts';
import type { EventStream, Weight } from './event-stream.ts';
import type { Failure } from './failure.ts';
import type { Channel, Replay } from './replay.ts';
import type { Reply } from './reply.ts';

export type Face = 'sse' | 'streamable-http';

/** One client's conversation. It may have no connection at all for a while (spec 04 §3). */
export class Session {
  readonly id: string;
  readonly face: Face;
  readonly owner: string | undefined;
  /** The client's initialize message, '' when it is not kept. */
  readonly initialize: string;
  /** Unix milliseconds. */
  lastUsedAt: number;
  /** The protocol revision of its handshake; `undefined` until it is known. */
  revision: string | undefined;
  /** `lastUsedAt` as the journal knows it. */
  savedAt: number;
  /** The `GET` stream, or the SSE stream that this session is. */
  stream: EventStream | undefined;
  /** What its streams said lately; `undefined` while none has said anything. */
  replay: Replay | undefined;
  /** The `GET` stream as it goes on over several connections. */
  channel: Channel | undefined;
  readonly calls = new Set<Call>();
  readonly subscriptions = new Set<string>();
  level: string | undefined;
  /** Requests of the server that this client has not answered yet; they suspend the timeout of its calls. */
  openQuestions = 0;
  ended = false;

  constructor(facts: {
    readonly id: string;
    readonly face: Face;
    readonly initialize: string;
    readonly at: number;
    readonly owner?: string | undefined;
  }) {
    this.id = facts.id;
    this.owner = facts.owner;
    this.face = facts.face;
    this.initialize = facts.initialize;
    this.lastUsedAt = facts.at;
    this.savedAt = facts.at;
  }

  /** On the session's own stream; `false` when it cannot be told now. */
  say(frame: Uint8Array, weight: Weight): boolean {
    return this.channel === undefined
      ? (this.stream?.send(frame, weight) ?? false)
      : this.channel.send(frame, weight);
  }

  /** In use without a request arriving: its stream is open or a call is running (spec 04 §19.7). */
  get busy(): boolean {
    return this.stream !== undefined || this.calls.size > 0;
  }
}

/** A request on its way to the process and back. */
export interface Call {
  /** The id the process sees, unique per bridge and life of our process; also its progress token. */
  readonly id: number;
  /** The asker's id as JSON text. */
  readonly clientId: string;
  readonly method: string;
  /** `undefined`: our own call, or a request without a session. */
  readonly session: Session | undefined;
  readonly origin: 'client' | 'proxy';
  readonly reply: Reply;
  /** The protocol revision of the asker, where it is known. */
  readonly revision: string | undefined;
  /** The client's progress token as JSON text. */
  readonly progressToken: string | undefined;
  readonly onOutcome: ((outcome: Answer['outcome'] | Failure) => void) | undefined;
  /** `listening`: a subscription, which has no time limit and which nobody waits for when the proxy stops. */
  readonly life: 'bounded' | 'listening';
  /** A modern request may ask for the log messages that it causes (spec 04 §18.5). */
  readonly wantsLogs: boolean;
  readonly startedAt: number;
  state: 'queued' | 'sent' | 'done';
  cancelled: boolean;
  /** Monotonic milliseconds; moved by progress, up to `limit`. */
  deadline: number;
  limit: number;
}
