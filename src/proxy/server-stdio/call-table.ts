import { META_SUBSCRIPTION } from '../era/index.ts';
import type { Response as Answer } from '../json-rpc/index.ts';
import { type Edit, findMember, ownIdAt, splice } from '../json-rpc/index.ts';
import type { Failure } from './failure.ts';
import { contentEdits, isOlder } from './older-content.ts';
import type { Call } from './session.ts';
import { createTicker } from './ticker.ts';

export type CallFacts = Pick<Call, 'clientId' | 'method' | 'session' | 'reply'> &
  Partial<Pick<Call, 'origin' | 'progressToken' | 'onOutcome' | 'life' | 'wantsLogs' | 'revision'>> & {
    readonly id: number;
  };

export interface CallTable {
  open(facts: CallFacts): Call;
  find(id: number | undefined): Call | undefined;
  all(): Iterable<Call>;
  sent(call: Call): void;
  /** Routes an answer; `false` when nobody waits for it. */
  settle(answer: Answer): boolean;
  fail(call: Call, failure: Failure): void;
  /** Forgets a call that could not even be queued; its reply stays untouched. */
  drop(call: Call): void;
  /** Every call, or those the process already has. */
  failAll(failure: Failure, which: 'sent' | 'all'): void;
  /** The process reported progress: the time starts again, up to ten times in all (spec 04 §19.4). */
  extend(call: Call): void;
  /** The client wants no answer any more. A process that answers nevertheless is heard for a short while. */
  cancel(call: Call): void;
  /** Resolves when the last call is done, subscriptions aside. */
  idle(): Promise<void>;
  stop(): void;
}

export interface CallTableOptions {
  readonly requestTimeoutMs: number;
  /** How long a call may wait for a process to come. */
  readonly attachWaitMs: number;
  /** Since when no process is attached, monotonic; `undefined` while one is. */
  readonly detachedSince: () => number | undefined;
  /** The process works on a call that nobody waits for any more. */
  readonly onAbandoned: (call: Call) => void;
}

const TICK_MS = 50;
/** A call younger than this has its answer sent in one piece, headers and all. */
const LINGER_AFTER_MS = 50;
const PROGRESS_FACTOR = 10;
const CANCEL_GRACE_MS = 5000;

export function createCallTable(options: CallTableOptions): CallTable {
  const { requestTimeoutMs, attachWaitMs } = options;
  const calls = new Map<number, Call>();
  let idleWaiters: (() => void)[] = [];
  let listening = 0;
  let tickedAt = 0;
  const ticker = createTicker(Math.min(TICK_MS, Math.max(5, requestTimeoutMs / 4)), tick);

  function tick(): boolean {
    const now = performance.now();
    const elapsed = now - tickedAt;
    tickedAt = now;
    for (const call of calls.values()) watch(call, now, elapsed);
    return calls.size > 0;
  }

  function watch(call: Call, now: number, elapsed: number): void {
    const failure = findFailure(call, now, elapsed);
    if (failure !== undefined) fail(call, failure);
    else if (now - call.startedAt >= LINGER_AFTER_MS) call.reply.linger(call.state === 'sent');
  }

  function findFailure(call: Call, now: number, elapsed: number): Failure | undefined {
    const waitingSince = options.detachedSince();
    if (call.state === 'queued' && waitingSince !== undefined) {
      const isLate = now >= Math.max(call.startedAt, waitingSince) + attachWaitMs;
      return isLate ? 'unavailable' : undefined;
    }
    if (call.reply.isHeld === true || (call.session !== undefined && call.session.openQuestions > 0)) {
      // A person is being asked (elicitation, sampling): the clock of the call that asks stands still meanwhile.
      call.deadline += elapsed;
      call.limit += elapsed;
      return undefined;
    }
    if (now < Math.min(call.deadline, call.limit)) return undefined;
    return call.cancelled ? 'cancelled' : 'timeout';
  }

  function close(call: Call): boolean {
    if (call.state === 'done') return false;
    call.state = 'done';
    calls.delete(call.id);
    call.session?.calls.delete(call);
    if (call.life === 'listening') listening -= 1;
    if (calls.size === listening && idleWaiters.length > 0) {
      for (const resolve of idleWaiters) resolve();
      idleWaiters = [];
    }
    return true;
  }

  function fail(call: Call, failure: Failure): void {
    const { state } = call;
    if (!close(call)) return;
    if (state === 'sent' && !call.cancelled && failure !== 'process-ended') options.onAbandoned(call);
    call.onOutcome?.(failure);
    call.reply.fail(failure, call.clientId);
  }

  return {
    open(facts) {
      const now = performance.now();
      const call: Call = {
        id: facts.id,
        clientId: facts.clientId,
        method: facts.method,
        session: facts.session,
        origin: facts.origin ?? 'client',
        reply: facts.reply,
        revision: facts.revision,
        progressToken: facts.progressToken,
        onOutcome: facts.onOutcome,
        life: facts.life ?? 'bounded',
        wantsLogs: facts.wantsLogs ?? false,
        startedAt: now,
        state: 'queued',
        cancelled: false,
        deadline: now + (facts.life === 'listening' ? Number.POSITIVE_INFINITY : requestTimeoutMs),
        limit:
          now + (facts.life === 'listening' ? Number.POSITIVE_INFINITY : requestTimeoutMs * PROGRESS_FACTOR),
      };
      if (call.life === 'listening') listening += 1;
      if (calls.size === 0) tickedAt = now;
      calls.set(call.id, call);
      call.session?.calls.add(call);
      ticker.start();
      return call;
    },
    find: (id) => (id === undefined ? undefined : calls.get(id)),
    all: () => calls.values(),
    sent(call) {
      if (call.state !== 'queued') return;
      call.state = 'sent';
      const waited = performance.now() - call.startedAt;
      call.deadline += waited;
      call.limit += waited;
    },
    settle(answer) {
      const call = calls.get(ownIdAt(answer.text, answer.id) ?? 0);
      if (call === undefined || !close(call)) return false;
      call.onOutcome?.(answer.outcome);
      call.reply.answer(restoreFor(answer, call));
      return true;
    },
    fail,
    drop: close,
    failAll(failure, which) {
      for (const call of [...calls.values()]) {
        if (which === 'all' || call.state === 'sent') fail(call, failure);
      }
    },
    extend(call) {
      if (!call.cancelled && call.life === 'bounded') call.deadline = performance.now() + requestTimeoutMs;
    },
    cancel(call) {
      if (call.state === 'queued') {
        fail(call, 'cancelled');
        return;
      }
      call.cancelled = true;
      call.deadline = Math.min(call.deadline, performance.now() + CANCEL_GRACE_MS);
    },
    idle() {
      return calls.size === listening
        ? Promise.resolve()
        : new Promise((resolve) => idleWaiters.push(resolve));
    },
    stop: () => ticker.stop(),
  };
}

/** The answer under the asker's id, in the asker's revision; that of a subscription names the id once more. */
function restoreFor(answer: Answer, call: Call): string {
  const { text, id, result } = answer;
  const named = call.life === 'listening' ? findMember(text, result, '_meta', META_SUBSCRIPTION) : undefined;
  const edits: Edit[] = [{ at: id, by: call.clientId }];
  if (named !== undefined) edits.push({ at: named, by: call.clientId });
  if (isOlder(call.revision)) edits.push(...contentEdits(text, result, call.revision));
  return splice(text, edits);
}
