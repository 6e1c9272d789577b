/**
 * Whether the process has answered anything. It is not asked by us: a server of both eras keeps to that of the first message it
 * gets, so that a ping would shut out clients without a handshake, and servers exist that end at one that comes ahead of
 * `initialize` (Rust SDK before March 2026), or fall silent (Python SDK before 1.9).
 */
export interface SignOfLife {
  /** `isKnown`: this process has answered an earlier life of ours. */
  attached(identity: string, isKnown: boolean): void;
  /** Notes that the process has answered something, which may be an error. */
  heard(): void;
  /** Resolves when the process that is attached, or the next one, has answered anything, or when `signal` aborts. */
  untilHeard(signal: AbortSignal): Promise<void>;
}

export function createSignOfLife(): SignOfLife {
  const waiting = new Set<() => void>();
  let present: string | undefined;
  let isHeard = false;

  function heard(): void {
    if (isHeard) return;
    isHeard = true;
    for (const resolve of waiting) resolve();
    waiting.clear();
  }

  return {
    attached(identity, isKnown) {
      if (identity !== present) isHeard = false;
      present = identity;
      if (isKnown) heard();
    },
    heard,
    async untilHeard(signal) {
      if (isHeard || signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => resolve(), { once: true });
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
    },
  };
}
