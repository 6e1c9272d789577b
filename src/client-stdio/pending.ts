import { errorText, INTERNAL_ERROR, type Message } from '../proxy/index.ts';
import { idOf, keyOf } from './message-facts.ts';

export type Request = Extract<Message, { readonly kind: 'request' }>;

/** Requests of the client that wait for their answers. */
export interface Pending {
  add(request: Request): void;
  /** Hands a text to the client; an answer settles its request. */
  deliver(text: string, message: Message | undefined): void;
  /** Answers a request with an error, unless it has its answer. */
  fail(request: Request, reason: string): void;
  /** The client wants no answer any more. */
  forget(key: string): void;
  failAll(reason: string): void;
  has(request: Request): boolean;
  settled(): Promise<void>;
}

/** Streams that end only when one side leaves; nobody waits for their end. */
const ENDLESS = 'subscriptions/listen';

export function createPending(write: (text: string) => void): Pending {
  const waiting = new Map<string, Request>();
  let waiters: (() => void)[] = [];

  const isSettled = () => [...waiting.values()].every(({ method }) => method === ENDLESS);

  function settle(key: string): boolean {
    if (!waiting.delete(key)) return false;
    if (isSettled()) {
      for (const resolve of waiters) resolve();
      waiters = [];
    }
    return true;
  }

  function fail(request: Request, reason: string): void {
    if (settle(keyOf(request))) write(errorText(idOf(request), INTERNAL_ERROR, reason));
  }

  return {
    add: (request) => void waiting.set(keyOf(request), request),
    deliver(text, message) {
      write(text);
      if (message?.kind === 'response') settle(keyOf(message));
    },
    fail,
    forget: (key) => void settle(key),
    failAll(reason) {
      for (const request of [...waiting.values()]) fail(request, reason);
    },
    has: (request) => waiting.has(keyOf(request)),
    settled: () => (isSettled() ? Promise.resolve() : new Promise((resolve) => waiters.push(resolve))),
  };
}
