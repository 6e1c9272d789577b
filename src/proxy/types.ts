import type { Identity } from '../oidc/index.ts';
import type { CallerStreams } from './caller-streams.ts';
import type { Message } from './json-rpc/index.ts';
import type { TraceContext } from './trace-context.ts';

/**
 * The surface between the proxy and what runs it (the workload host). The proxy knows MCP and HTTP; how the server's
 * process is reached, where session records are kept and who listens on the port are given from outside.
 */

/** One attached server process, or one engine attachment to it, seen from the bridge. */
export interface ServerProcess {
  /**
   * Identity of the process (container id and start time): the handshake made with one identity stays valid for it,
   * and must be repeated with another (spec 04 §19.5).
   */
  readonly identity: string;
  /**
   * Queues text that ends in a newline; one call may carry several lines. `false`: wait for `drained()` before writing
   * more. Throws when the process is gone.
   */
  write(lines: string): boolean;
  /** Rejects, or never settles, when the process ends first; the bridge then goes by `ServerLink.ended`. */
  drained(): Promise<void>;
}

/** Returned by the bridge for one `ServerProcess`; its owner feeds it. Calls after `ended` are ignored. */
export interface ServerLink {
  /** Raw stdout; bytes are valid only during the call. Never throws. */
  receive(bytes: Uint8Array): void;
  /** The process or the attachment ended: all waiting requests are answered with an error at once. */
  ended(reason: string): void;
}

/**
 * Where session records survive a crash of the workload host (decision 02). Best effort: appends are ordered,
 * never wait for the disk and never throw; `load` tolerates a torn last record.
 */
export interface SessionJournal {
  load(): readonly SessionRecord[];
  /** `all` gives the records of everything known now; they are written instead when an earlier write failed. */
  append(record: SessionRecord, all: () => readonly SessionRecord[]): void;
  /** Replaces the journal by these records (compaction). */
  replace(records: readonly SessionRecord[]): void;
}

/** Times are Unix milliseconds; `initialize`, `request` and `result` are whole JSON-RPC messages as text. */
export type SessionRecord =
  | {
      readonly type: 'session';
      readonly id: string;
      readonly at: number;
      readonly initialize: string;
      readonly owner?: string;
    }
  /** The session was in use at this time; written now and then, not per request. */
  | { readonly type: 'used'; readonly id: string; readonly at: number }
  | { readonly type: 'end'; readonly id: string }
  /** The server behind a reverse proxy knows the session by this id now (spec 04 §8.4). */
  | { readonly type: 'backend'; readonly session: string; readonly id: string }
  | {
      readonly type: 'handshake';
      readonly identity: string;
      readonly request: string;
      readonly result: string;
      /** The handshake was never made: the process keeps to the revision without one. */
      readonly isStandIn?: boolean;
    }
  | { readonly type: 'initialized'; readonly identity: string }
  | { readonly type: 'subscribe'; readonly session: string; readonly uri: string }
  | { readonly type: 'unsubscribe'; readonly session: string; readonly uri: string }
  | { readonly type: 'level'; readonly session: string; readonly level: string };

/** What answers the requests of one port behind the middleware chain: server-stdio or a reverse proxy. */
export interface Endpoint extends AsyncDisposable {
  handle: Handler;
  /** Refuses a request before the chain sees it (spec 04 §12.1, entry 0); `undefined` lets it in. */
  gate?(request: Request): Response | undefined;
  /** `/health` facts (spec 04 §9.1); `undefined` when nothing is there to be asked. */
  health(): Promise<Health | undefined>;
  /** Resolves once no call is in flight; open streams without a call do not count. */
  idle(): Promise<void>;
}

export type Handler = (request: Request, context: RequestContext) => Response | Promise<Response>;

export interface RequestContext {
  /** Path of the request's URL, as it was sent. */
  readonly path: string;
  /** Peer address as the listener saw it. */
  readonly remoteAddress: string;
  /** The peer's port. */
  readonly remotePort?: number | undefined;
  /** Switches the listener's idle timeout off for this request (streams, long calls). */
  keepOpen(): void;
  /**
   * Takes `keepOpen` back at the end of the response. Otherwise Bun would never close the connection again, neither one
   * that idles nor one whose reader has stopped reading.
   */
  letGo(): void;
  /**
   * The body, where a middleware has read it. The request that is handed on carries the same content, so an endpoint may
   * go by either; this one saves it a second read and parse.
   */
  body?: ReadBody | undefined;
  /** The body as the client sent it, where something has put another one in its place. */
  received?: ReadBody | undefined;
  /** Hears the server's answer where that goes out in one piece, before the client does. */
  onAnswer?: ((text: string) => void) | undefined;
  /** What the body asks for. Absent for answers, for bodies that are no message, and where no middleware reads messages. */
  message?: MessageFacts | undefined;
  /** Who sends the request. Absent where no middleware asks. */
  identity?: Identity | undefined;
  /** The trace that the request is part of; the listener finds it in the client's `traceparent`. */
  trace?: TraceContext | undefined;
  /** Set for whatever may open an event stream that its client looks for answers on. */
  callerStreams?: CallerStreams;
  /** The client looks for the answer on such a stream, so `Accept` says nothing about it. */
  answersOnStream?: boolean;
  /** The answer stays on this request: it is the server's own, or what the transport prescribes. */
  isFinal?: boolean;
}

/** A request body that was read and parsed on the way in, once for all. */
export interface ReadBody {
  /** What to send on: the bytes as they came, or the text that took their place. */
  readonly content: Uint8Array<ArrayBuffer> | string;
  readonly text: string;
  /** `undefined`: not one JSON-RPC message. */
  readonly message: Message | undefined;
}

/**
 * What one request or notification is about, in the terms of policies, audit and metrics (spec 04 §12.2). Each fact is found
 * when it is first asked for, and the parameters are parsed once.
 */
export interface MessageFacts {
  readonly method: string;
  /** JSON text; `undefined` for notifications. */
  readonly id: string | undefined;
  /** Name of the tool that a `tools/call` asks for; `undefined` when it names none, and for other methods. */
  readonly tool: string | undefined;
  readonly params: Readonly<Record<string, unknown>>;
  /** Name of the tool or prompt, URI of the resource, …; '' where a method has none. */
  readonly resourceId: string;
  readonly arguments: Readonly<Record<string, unknown>> | undefined;
  readonly meta: Readonly<Record<string, unknown>> | undefined;
  /** Set in revision 2026-07-28, where each request says who asks and in which revision. */
  readonly clientInfo: Readonly<Record<string, unknown>> | undefined;
  readonly protocolVersion: string | undefined;
}

export interface Health {
  readonly available: boolean;
  readonly responseTimeMs?: number;
  readonly checkedAt: Date;
  readonly error?: string;
}
