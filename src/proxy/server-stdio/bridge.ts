import { ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { type Rejection, unsupportedVersion } from '../era/index.ts';
import {
  createOwnIds,
  findMember,
  type Message,
  type Request as RpcRequest,
  stringAt,
} from '../json-rpc/index.ts';
import { textError } from '../respond.ts';
import type { Endpoint, Health, ServerLink, ServerProcess, SessionJournal } from '../types.ts';
import { createCallTable } from './call-table.ts';
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from './event-stream.ts';
import { createForwarder } from './forward.ts';
import { createHandshake } from './handshake.ts';
import { createLineFramer } from './line-framer.ts';
import { createLogLevels } from './log-level.ts';
import { createOlderServer } from './older-server.ts';
import { Outbound } from './outbound.ts';
import type { QueueLimits } from './outbound-queue.ts';
import { readLine } from './read-line.ts';
import { createRounds } from './rounds.ts';
import { createRouter } from './router.ts';
import { createServerEra } from './server-era.ts';
import { routeNotification } from './server-notifications.ts';
import { createServerRequests } from './server-requests.ts';
import type { Session } from './session.ts';
import { createSessionTable } from './session-table.ts';
import { createSignOfLife } from './sign-of-life.ts';
import { createSseFace } from './sse-face.ts';
import { createStreamKeeper } from './stream-keeper.ts';
import { createStreamableFace } from './streamable-face.ts';
import { createSubscriptions } from './subscriptions.ts';
import { createTicker } from './ticker.ts';
import { createToolHeaders } from './tool-headers.ts';

export interface ServerStdioOptions {
  readonly journal: SessionJournal;
  readonly log: Logger;
  /** Which URL is announced; both faces are always served (spec 04 §19.17). It decides what `/health` looks at. */
  readonly proxyMode: 'sse' | 'streamable-http';
  /** `TOOLHIVE_PROXY_REQUEST_TIMEOUT`, in milliseconds; default 60 s. Progress starts it again, ten times at most. */
  readonly requestTimeoutMs?: number;
  /** Idle time after which a session ends, one second at least; default 2 h. */
  readonly sessionTtlMs?: number;
  /**
   * Default 10,000. A new one takes the place of the one that has been idle longest; with all of them in use it is
   * refused with 503.
   */
  readonly maxSessions?: number;
  /** Refuse versions in `MCP-Protocol-Version` that no revision has (spec 04 §6.2-1); default `false`. */
  readonly strictProtocolValidation?: boolean;
  /** What is kept per session for `Last-Event-ID`, in bytes; default 256 KiB, 0 switches event ids off. */
  readonly replayBytes?: number;
  /** How long `server/discover` is waited for; default 5 s (spec 04 §19.3). */
  readonly eraProbeMs?: number;
  readonly trustProxyHeaders?: boolean;
  /** How long a request waits for a process to be attached; default 5 s. */
  readonly attachWaitMs?: number;
  readonly queueLimits?: QueueLimits;
  readonly streamLimits?: StreamLimits;
  /** How often an open stream shows that it is alive (spec 04 §19.14); default 25 s. */
  readonly keepAliveMs?: number;
  readonly maxLineBytes?: number;
  /** Unix milliseconds; sessions are aged by it. */
  readonly now?: () => number;
}

/**
 * Server-stdio: one server on stdin and stdout, any number of clients over both HTTP transports (spec 04 §5, §6, §19). The other
 * direction is `client-stdio/`.
 */
export interface ServerStdio extends Endpoint {
  /** A process to talk to, in place of the one before. Its owner feeds the link that is returned. */
  attach(process: ServerProcess): ServerLink;
  /** Whether that process was written to before, in this life of ours or, as far as it is known, in an earlier one. */
  hasWrittenTo(identity: string): boolean;
  /** Resolves when the process that is attached, or the next one, has answered a client, or when `signal` aborts. */
  untilHeard(signal: AbortSignal): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_TTL_MS = 2 * 60 * 60 * 1000;
/** A shorter life would end sessions between two requests of one client (spec 04 §19.7). */
const MIN_TTL_MS = 1000;
const DEFAULT_REPLAY_BYTES = 256 * 1024;
const DEFAULT_ATTACH_WAIT_MS = 5000;
const PING_TIMEOUT_MS = 5000;

export function createServerStdio(options: ServerStdioOptions): ServerStdio {
  const { journal, log, proxyMode, now = Date.now, sessionTtlMs = DEFAULT_TTL_MS } = options;
  if (sessionTtlMs < MIN_TTL_MS) {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `session-ttl must be at least 1s, got ${sessionTtlMs}ms`,
    });
  }
  const replayBytes = options.replayBytes ?? DEFAULT_REPLAY_BYTES;
  const limits = options.streamLimits ?? DEFAULT_STREAM_LIMITS;
  const newId = createOwnIds((id) => calls.find(id) !== undefined || questions.isAsking(id));
  const loaded = journal.load();
  const streams = createStreamKeeper({ keepAliveMs: options.keepAliveMs });
  let link: ServerLink | undefined;
  let lastIdentity: string | undefined;
  /** Identity of the last process that was written to. */
  let writtenTo: string | undefined;
  let closed = false;

  const outbound = new Outbound({
    ...(options.queueLimits === undefined ? {} : { limits: options.queueLimits }),
    onSent: (call) => calls.sent(call),
    onWrite() {
      writtenTo = lastIdentity;
    },
    onBroken: (error) => link?.ended(error instanceof Error ? error.message : String(error)),
  });
  const calls = createCallTable({
    requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS,
    attachWaitMs: options.attachWaitMs ?? DEFAULT_ATTACH_WAIT_MS,
    detachedSince: () => outbound.detachedSince,
    onAbandoned: (call) => forwarder.cancelUpstream(call),
  });
  const forwarder = createForwarder(calls, outbound, newId);
  const sessions = createSessionTable({
    journal,
    loaded,
    ttlMs: sessionTtlMs,
    now,
    onEnd: forgetSession,
    otherRecords: () => handshake.records(),
    ...(options.maxSessions === undefined ? {} : { maxSessions: options.maxSessions }),
  });
  const { note } = sessions;
  const handshake = createHandshake({
    forwarder,
    log,
    note,
    onMade: () => era.handshakeMade(),
    records: loaded,
    explain: explainModern,
    standIn: (refusal, order) => era.standInHandshake(refusal, order),
  });
  const era = createServerEra({
    forwarder,
    handshakeVersion: () => handshake.version(),
    handshakeUnderWay: () => handshake.underWay(),
    isDetached: () => outbound.detachedSince !== undefined,
    ...(options.eraProbeMs === undefined ? {} : { probeMs: options.eraProbeMs }),
  });
  const signOfLife = createSignOfLife();
  const toolHeaders = createToolHeaders();
  const subscriptions = createSubscriptions({ forwarder, note, sessions: sessions.all() });
  const levels = createLogLevels({ forwarder, note, sessions: () => sessions.all() });
  const rounds = createRounds({ forwarder, calls: () => calls.all() });
  const questions = createServerRequests({ calls, sessions, rounds, forwarder, newId, now });
  const router = createRouter({ calls, forwarder, handshake, subscriptions, levels, questions });
  const older = createOlderServer({ handshake, rounds, subscriptions, levels, forward: router.modern });
  const routes = { calls, sessions, subscriptions, levels, questions, older };
  const streamable = createStreamableFace({
    router,
    sessions,
    questions,
    streams,
    limits,
    era,
    older,
    toolHeaders,
    isStrict: options.strictProtocolValidation ?? false,
    resumption: {
      maxBytes: replayBytes,
      isPossible: (session) => replayBytes > 0 && handshake.revisionOf(session) !== '2024-11-05',
    },
  });
  const trustProxyHeaders = options.trustProxyHeaders ?? false;
  const sse = createSseFace({ router, sessions, questions, streams, limits, trustProxyHeaders });
  const reaper = createTicker(Math.max(500, Math.min(sessionTtlMs / 2, 60_000)), () => {
    sessions.sweep();
    for (const session of sessions.all()) session.replay?.sweep();
    return true;
  });
  reaper.start();

  /** An old client and a server without `initialize`: the client learns what would be spoken here. */
  function explainModern(request: RpcRequest): Rejection | undefined {
    if (!era.isModernOnly()) return undefined;
    const version = findMember(request.text, request.params, 'protocolVersion');
    return unsupportedVersion(stringAt(request.text, version) ?? '', era.supported());
  }

  function forgetSession(session: Session): void {
    session.stream?.end();
    if (closed) return;
    for (const call of [...session.calls]) calls.fail(call, 'session-ended');
    questions.sessionEnded(session);
    subscriptions.sessionEnded(session);
    levels.sessionEnded();
  }

  function receive(message: Message): void {
    if (message.kind === 'response') {
      signOfLife.heard();
      calls.settle(message);
    } else if (message.kind === 'request') questions.handle(message);
    else routeNotification(message, routes);
  }

  /** One line must never take the others, or the program, with it. */
  function receiveLine(line: string): void {
    try {
      const messages = readLine(line);
      for (const message of messages) receive(message);
      if (messages.length === 0 && line.trim() !== '')
        log.debug('line from the server is not a message', { bytes: line.length });
    } catch (error) {
      log.error('message from the server could not be handled', { error });
    }
  }

  function attach(process: ServerProcess): ServerLink {
    link?.ended('another process took its place');
    let alive = true;
    const framer = createLineFramer({
      onLine: receiveLine,
      onOversized: () => log.warn('line from the server is too long and was dropped'),
      ...(options.maxLineBytes === undefined ? {} : { maxBytes: options.maxLineBytes }),
    });
    const mine: ServerLink = {
      receive(bytes) {
        if (alive) framer.push(bytes);
      },
      ended(reason) {
        if (!alive) return;
        alive = false;
        link = undefined;
        log.debug('server process detached', { reason });
        outbound.detach();
        handshake.detached();
        calls.failAll('process-ended', 'sent');
        questions.processEnded();
      },
    };
    link = mine;
    if (process.identity !== lastIdentity) toolHeaders.forget();
    lastIdentity = process.identity;
    era.attached(process.identity);
    signOfLife.attached(process.identity, handshake.wasMadeWith(process.identity));
    outbound.attach(process);
    void begin(process.identity, () => alive);
    return mine;
  }

  async function begin(identity: string, isAlive: () => boolean): Promise<void> {
    try {
      await handshake.attached(identity, restore);
    } catch (error) {
      log.error('handshake with the server failed', { error });
    }
    if (!isAlive()) return;
    outbound.open();
  }

  function restore(): void {
    levels.restore();
    subscriptions.restore();
  }

  async function ping(): Promise<Health> {
    const startedAt = performance.now();
    const checkedAt = new Date();
    if (outbound.detachedSince !== undefined)
      return { available: false, checkedAt, error: 'the MCP server is not running' };
    if (proxyMode === 'streamable-http') return { available: true, checkedAt, responseTimeMs: 0 };
    const expired = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => expired.resolve(undefined), PING_TIMEOUT_MS);
    const outcome = await Promise.race([forwarder.ask('ping', '{}'), expired.promise]);
    clearTimeout(timer);
    const responseTimeMs = Math.round(performance.now() - startedAt);
    if (outcome === undefined || outcome.outcome === 'failed') {
      return { available: false, checkedAt, responseTimeMs, error: 'the MCP server did not answer a ping' };
    }
    return { available: true, checkedAt, responseTimeMs };
  }

  let pinging: Promise<Health> | undefined;

  return {
    attach,
    hasWrittenTo: (identity) => identity === writtenTo || handshake.wasMadeWith(identity),
    untilHeard: signOfLife.untilHeard,
    handle(request, context) {
      if (closed) return textError(503, 'The proxy is stopping');
      switch (context.path) {
        case '/mcp':
          return streamable(request, context);
        case '/sse':
        case '/messages':
          return sse(request, context);
        default:
          return textError(404, '404 page not found');
      }
    },
    health() {
      pinging ??= ping().finally(() => {
        pinging = undefined;
      });
      return pinging;
    },
    idle: () => calls.idle(),
    async [Symbol.asyncDispose]() {
      if (closed) return;
      calls.failAll('stopping', 'all');
      outbound.flush();
      closed = true;
      reaper.stop();
      questions.stop();
      rounds.stop();
      streams.endAll();
      link?.ended('the proxy is stopping');
      calls.stop();
    },
  };
}
