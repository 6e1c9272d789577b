/** Where the server behind us listens now; it moves when its container is made anew (spec 04 §8.1). */
export interface Target {
  readonly url: URL | undefined;
  /** `undefined`: the server is (re)starting. */
  set(url: URL | undefined): void;
  /** The target once it is another than `than`, or whatever it is after `waitMs`, at once when `signal` aborts. */
  changed(
    than: URL | undefined,
    options: { readonly waitMs: number; readonly signal: AbortSignal },
  ): Promise<URL | undefined>;
  /** Ends all waiting. */
  close(): void;
}

/** More requests than this do not queue up for a server that is not there. */
const MAX_WAITING = 1024;

export function createTarget(initial: URL | undefined): Target {
  let url = initial;
  let closed = false;
  const waiting = new Set<() => void>();

  function wakeAll(): void {
    for (const wake of waiting) wake();
    waiting.clear();
  }

  return {
    get url() {
      return url;
    },
    set(next) {
      url = next;
      if (next !== undefined) wakeAll();
    },
    async changed(than, { waitMs, signal }) {
      if (url !== than || closed || signal.aborted || waiting.size >= MAX_WAITING) return url;
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      const timer = setTimeout(wake, waitMs);
      waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      clearTimeout(timer);
      waiting.delete(wake);
      signal.removeEventListener('abort', wake);
      return url;
    },
    close() {
      closed = true;
      wakeAll();
    },
  };
}
