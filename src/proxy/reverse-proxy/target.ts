/** Where the server behind us listens now; it moves when its container is recreated (spec 04 §8.1). */
export interface Target {
  readonly url: URL | undefined;
  /** Counts the lives of the server that are known to have ended, because its address refused connections. */
  readonly life: number;
  /** Counts the times the server was taken down or moved: it may be another one since. */
  readonly moves: number;
  /** `undefined`: the server is (re)starting. */
  set(url: URL | undefined): void;
  /** A connection was refused: a server that listens there later is another one. */
  refused(): void;
  /** A connection was made. */
  reached(): void;
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
  let life = 0;
  let moves = 0;
  let refusing = false;
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
    get life() {
      return life;
    },
    get moves() {
      return moves;
    },
    set(next) {
      if (url !== undefined && next?.href !== url.href) moves += 1;
      url = next;
      if (next !== undefined) wakeAll();
    },
    refused() {
      if (!refusing) life += 1;
      refusing = true;
    },
    reached() {
      refusing = false;
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
