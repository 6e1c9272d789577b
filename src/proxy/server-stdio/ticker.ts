/** One shared timer instead of one per request: runs while there is something to watch. */
export interface Ticker {
  start(): void;
  stop(): void;
}

/** `visit` answers whether another round is needed. The timer does not hold the process. */
export function createTicker(intervalMs: number, visit: () => boolean): Ticker {
  let timer: ReturnType<typeof setInterval> | undefined;

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    start() {
      if (timer !== undefined) return;
      timer = setInterval(() => {
        if (!visit()) stop();
      }, intervalMs);
      timer.unref();
    },
    stop,
  };
}
