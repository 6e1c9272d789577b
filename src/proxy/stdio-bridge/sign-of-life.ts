import type { Forwarder } from './forward.ts';

/**
 * Whether the process answers at all. It is asked with a ping, which MCP allows before `initialize`, but only when no client
 * talks to it: servers exist that end at a ping (Rust SDK before March 2026), or take it silently and end at the next message
 * (Python SDK before 1.9). The process after such a one is not pinged.
 */
export interface SignOfLife {
  /** `isKnown`: this process has answered an earlier life of ours. */
  attached(identity: string, isKnown: boolean): void;
  /** From here on the process may be given messages. */
  opened(): void;
  /** It has answered something, which may be an error. */
  heard(): void;
  detached(): void;
  /** Resolves when the process that is attached, or the next one, has answered anything, or when `signal` aborts. */
  untilHeard(signal: AbortSignal): Promise<void>;
  /** The last process was pinged and left without having answered anything. */
  endedUnheard(): boolean;
}

interface SignOfLifeOptions {
  readonly forwarder: Pick<Forwarder, 'ping'>;
  /** Whether a request waits for an answer already. */
  readonly isBusy: () => boolean;
}

export function createSignOfLife({ forwarder, isBusy }: SignOfLifeOptions): SignOfLife {
  const waiting = new Set<() => void>();
  let present: string | undefined;
  let isOpen = false;
  let isHeard = false;
  let wasPinged = false;
  let mayPing = true;

  function ask(): void {
    if (!isOpen || isHeard || wasPinged || !mayPing || waiting.size === 0 || isBusy()) return;
    wasPinged = true;
    forwarder.ping();
  }

  function heard(): void {
    if (isHeard) return;
    isHeard = true;
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  return {
    attached(identity, isKnown) {
      if (identity !== present) {
        isHeard = false;
        wasPinged = false;
      }
      present = identity;
      if (isKnown) heard();
    },
    opened() {
      isOpen = true;
      ask();
    },
    heard,
    detached() {
      isOpen = false;
      if (wasPinged && !isHeard) mayPing = false;
    },
    async untilHeard(signal) {
      if ((isHeard && isOpen) || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => resolve(), { once: true });
      waiting.add(resolve);
      ask();
      await promise;
      waiting.delete(resolve);
    },
    endedUnheard: () => !isOpen && wasPinged && !isHeard,
  };
}
