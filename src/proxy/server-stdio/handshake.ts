import type { Logger } from '../../platform/index.ts';
import { type Rejection, rejectionText, VERSION_UNSUPPORTED } from '../era/index.ts';
import {
  errorCode,
  errorMessage,
  findMember,
  METHOD_NOT_FOUND,
  notificationText,
  onOneLine,
  type Request,
  readMessage,
  splice,
  stringAt,
} from '../json-rpc/index.ts';
import type { SessionRecord } from '../types.ts';
import type { Forwarder, Order, Outcome } from './forward.ts';
import { intercepted } from './intercepted.ts';
import type { Reply } from './reply.ts';
import { askForNewest, isRevisionRefused, requestedRevision, revisionFor, withRevision } from './revision.ts';
import type { Session } from './session.ts';

/** One handshake with the process for all sessions (spec 04 §6.5, §19.5). */
export interface Handshake {
  /** Answers `request` from the handshake, making it first if need be. `onSuccess` runs right before the answer, with the caller's revision. */
  join(request: Request, reply: Reply, onSuccess: (revision: string) => void): void;
  /** `notifications/initialized` of a client: the process hears the first one only. `false`: the queue is full. */
  initialized(): boolean;
  /** A process is there. Resolves when it may be given clients' messages; `false` when it is gone again by then. */
  attached(identity: string, restore: () => void): Promise<void>;
  detached(): void;
  /** Whether the process with that identity has answered a handshake. */
  wasMadeWith(identity: string): boolean;
  records(): SessionRecord[];
  /**
   * Whether the process keeps to the revision without a handshake, as a client of that one came first. What clients with one
   * say has to be put as it is said there.
   */
  speaksModernOnly(): boolean;
  /** What a session speaks; `undefined` when its handshake is not known any more. */
  revisionOf(session: Session): string | undefined;
  /** What the server answered, whole, under an id of ours; `undefined` where `version` is. */
  answer(): string | undefined;
  /** Ends with the handshake that is under way, if one is; never fails. */
  underWay(): Promise<void> | undefined;
  /** The protocol version agreed on with the process, or with the one that was there last. */
  version(): string | undefined;
}

export interface HandshakeOptions {
  readonly forwarder: Forwarder;
  readonly log: Logger;
  readonly note: (record: SessionRecord) => void;
  readonly records: readonly SessionRecord[];
  /** The server itself has answered one. */
  readonly onMade: () => void;
  /** A clearer word than the server's own for a handshake that it does not know at all. */
  readonly explain: (request: Request) => Rejection | undefined;
  /** Used when the server calls the handshake a repeated one, because clients without a handshake came first (spec 04 §19.3). */
  readonly standIn: (refusal: Refusal, order: Order) => Promise<string | undefined>;
}

/** Why a server that serves clients without a handshake refuses one: it had one by its own count, or has chosen its era. */
export type Refusal = 'repeated' | 'other-era';

interface Stored {
  readonly identity: string;
  /** The first client's initialize message. */
  readonly request: string;
  /** The whole answer, on one line. */
  readonly result: string;
  /** See `speaksModernOnly`. */
  readonly isStandIn?: boolean;
}

interface Waiter {
  readonly id: string;
  readonly request: Request;
  readonly reply: Reply;
  readonly onSuccess: (revision: string) => void;
}

const INITIALIZED = notificationText('notifications/initialized');

export function createHandshake(options: HandshakeOptions): Handshake {
  const { forwarder, log, note, onMade, explain, standIn } = options;
  let stored: Stored | undefined;
  let storedVersion: string | undefined;
  /** Identity of the process that has been told `initialized`. */
  let initializedFor: string | undefined;
  let attachedTo: string | undefined;
  /** A client said `initialized` while no process could be told. */
  let owesInitialized = false;
  /** A client's handshake is under way, or one with a new process; never begun twice. */
  let asking = false;
  let repeating = false;
  let asked: Promise<void> | undefined;
  let repeated: Promise<void> | undefined;
  let waiters: Waiter[] = [];
  let generation = 0;

  for (const record of options.records) {
    if (record.type === 'handshake') {
      stored = record;
      storedVersion = versionIn(record.result);
    } else if (record.type === 'initialized') initializedFor = record.identity;
  }

  function store(next: Stored): void {
    stored = next;
    storedVersion = versionIn(next.result);
    note({ type: 'handshake', ...next });
  }

  function markInitialized(identity: string): void {
    owesInitialized = false;
    initializedFor = identity;
    note({ type: 'initialized', identity });
  }

  function answerFrom(result: string, { id, request, reply, onSuccess }: Waiter): void {
    const revision = revisionFor(requestedRevision(request), versionIn(result));
    onSuccess(revision);
    reply.answer(withRevision(withId(result, id), revision));
  }

  /** Servers exist that refuse what they should answer with a revision of theirs: they are asked for the client's own. */
  async function shakeHands(request: Request, order: Order): Promise<Outcome> {
    const newest = askForNewest(request);
    const outcome = await forwarder.initialize(newest, order);
    const isRefused = newest !== request && outcome.outcome === 'error' && isRevisionRefused(outcome.text);
    return isRefused ? forwarder.initialize(request, order) : outcome;
  }

  function isTheirs(): boolean {
    return attachedTo === undefined || repeating || stored?.identity === attachedTo;
  }

  function speaksModernOnly(): boolean {
    return stored?.isStandIn === true && stored.identity === attachedTo;
  }

  function rejection(answer: string, { id, request }: Waiter): string {
    const explained = errorCode(answer) === METHOD_NOT_FOUND ? explain(request) : undefined;
    return explained === undefined ? withId(answer, id) : rejectionText(id, explained);
  }

  function release(outcome: Outcome): void {
    const result = usableResult(outcome);
    const released = waiters;
    waiters = [];
    for (const waiter of released) {
      if (result !== undefined) answerFrom(result, waiter);
      else if (outcome.outcome === 'failed') intercepted(waiter.reply).fail(outcome.failure, waiter.id);
      else waiter.reply.answer(rejection(outcome.text, waiter));
    }
  }

  /** The first client's initialize. Outlives that client: others may have joined. */
  async function ask(request: Request): Promise<void> {
    asking = true;
    const outcome = await shakeHands(request, 'queued');
    const refusal = outcome.outcome === 'error' ? refusalIn(outcome.text) : undefined;
    const stand = refusal && (await standIn(refusal, 'queued'));
    asking = false;
    const result = stand ?? usableResult(outcome);
    if (stand === undefined && result !== undefined) onMade();
    if (result !== undefined && attachedTo !== undefined) {
      const isStandIn = stand !== undefined && refusal === 'other-era';
      store({
        identity: attachedTo,
        request: onOneLine(request.text),
        result,
        ...(isStandIn && { isStandIn }),
      });
    }
    release(stand === undefined ? outcome : { outcome: 'result', text: stand });
  }

  /** A new process knows nothing: it gets the stored handshake, and what sessions had set up, before anything else. */
  async function repeat(last: Stored, identity: string, restore: () => void): Promise<void> {
    const request = readMessage(last.request);
    if (request?.kind !== 'request') return;
    const mine = generation;
    repeating = true;
    // It would keep to the other era, and shut out those that it served before.
    const stand = last.isStandIn === true ? await standIn('other-era', 'first') : undefined;
    if (mine !== generation) return;
    if (stand !== undefined) {
      repeating = false;
      store({ ...last, identity, result: stand });
      release({ outcome: 'result', text: stand });
      return;
    }
    const outcome = await shakeHands(request, 'first');
    if (mine !== generation) return;
    repeating = false;
    const result = usableResult(outcome);
    if (result === undefined) {
      // The next client makes its own handshake; traffic must not wait for that.
      log.warn('handshake with the restarted server failed', { outcome: outcome.outcome });
      release(outcome);
      return;
    }
    store({ identity, request: last.request, result });
    onMade();
    if (owesInitialized || initializedFor === last.identity) {
      forwarder.notifyFirst(INITIALIZED);
      markInitialized(identity);
      restore();
    }
    release(outcome);
  }

  return {
    join(request, reply, onSuccess) {
      const waiter = {
        id: request.text.slice(request.id.start, request.id.end),
        request,
        reply,
        onSuccess,
      };
      if (stored !== undefined && (attachedTo === undefined || stored.identity === attachedTo)) {
        answerFrom(stored.result, waiter);
        return;
      }
      waiters.push(waiter);
      if (!asking && !repeating) asked = ask(request);
    },
    initialized() {
      if (attachedTo === undefined || repeating) {
        owesInitialized = true;
        return true;
      }
      if (initializedFor === attachedTo || speaksModernOnly()) return true;
      if (!forwarder.notify(INITIALIZED)) return false;
      markInitialized(attachedTo);
      return true;
    },
    async attached(identity, restore) {
      generation += 1;
      attachedTo = identity;
      if (stored !== undefined && stored.identity !== identity) {
        repeated = repeat(stored, identity, restore);
        await repeated;
      } else if (owesInitialized && initializedFor !== identity) {
        forwarder.notifyFirst(INITIALIZED);
        markInitialized(identity);
      }
    },
    detached() {
      generation += 1;
      attachedTo = undefined;
      if (!repeating || stored === undefined) return;
      repeating = false;
      release({ outcome: 'result', text: stored.result });
    },
    speaksModernOnly,
    revisionOf(session) {
      if (session.revision === undefined && session.initialize !== '' && storedVersion !== undefined)
        session.revision = revisionFor(requestedRevision(readMessage(session.initialize)), storedVersion);
      return session.revision;
    },
    version: () => (isTheirs() ? storedVersion : undefined),
    answer: () => (isTheirs() ? stored?.result : undefined),
    underWay() {
      if (asking) return asked?.catch(() => undefined);
      return repeating ? repeated?.catch(() => undefined) : undefined;
    },
    wasMadeWith: (identity) => stored?.identity === identity,
    records() {
      return [
        ...(stored === undefined ? [] : [{ type: 'handshake', ...stored } as const]),
        ...(initializedFor === undefined ? [] : [{ type: 'initialized', identity: initializedFor } as const]),
      ];
    },
  };
}

/** The answer worth keeping, on one line. A malformed result is passed on but not kept (spec 04 §6.5). */
function usableResult(outcome: Outcome): string | undefined {
  if (outcome.outcome !== 'result') return undefined;
  const message = readMessage(outcome.text);
  if (message?.kind !== 'response' || message.result === undefined) return undefined;
  return message.text[message.result.start] === '{' ? onOneLine(message.text) : undefined;
}

/** What servers say to a second handshake, in whatever words; one that knows none at all is another case. */
function refusalIn(answer: string): Refusal | undefined {
  const code = errorCode(answer);
  if (code === METHOD_NOT_FOUND) return undefined;
  if (code === VERSION_UNSUPPORTED) return 'other-era';
  const isRepeated = /duplicate|already|twice|again|re-?initiali[sz]|second/i.test(
    errorMessage(answer) ?? '',
  );
  return isRepeated ? 'repeated' : undefined;
}

/** A result without a version is one of the oldest revision for all that follows. */
function versionIn(answer: string): string {
  const message = readMessage(answer);
  const place =
    message?.kind === 'response' ? findMember(answer, message.result, 'protocolVersion') : undefined;
  return stringAt(answer, place) ?? '2024-11-05';
}

function withId(answer: string, id: string): string {
  const message = readMessage(answer);
  return message?.kind === 'response' ? splice(answer, [{ at: message.id, by: id }]) : answer;
}
