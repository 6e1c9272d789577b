import { ThvError } from '../errors/index.ts';

/** One step's limit: ends when the caller gives up or when its own time is over, whichever comes first. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
  /** True when the time is over, false when the caller gave up or the step is still running. */
  readonly expired: boolean;
}

/**
 * Starts the clock of a step. The caller's signal may outlive thousands of steps, so its listener is taken away on disposal:
 * `AbortSignal.any` would keep it for ever (src/README.md, Traps).
 */
export function startDeadline(limits: {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}): Deadline {
  const { signal, timeoutMs } = limits;
  const controller = new AbortController();
  let expired = false;
  const giveUp = () => controller.abort(signal?.reason);
  const expire = () => {
    expired = true;
    controller.abort();
  };
  if (signal?.aborted) giveUp();
  else signal?.addEventListener('abort', giveUp, { once: true });
  const timer = timeoutMs === undefined ? undefined : setTimeout(expire, timeoutMs);
  return {
    signal: controller.signal,
    get expired() {
      return expired;
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    },
  };
}

/** The error of a step that was given up: `ERR_TIMEOUT` when the caller's reason is a timeout, else `ERR_CANCELLED`. */
export function givenUp(
  signal: AbortSignal,
  texts: { readonly timedOut: string; readonly cancelled: string },
): ThvError {
  const cause: unknown = signal.reason;
  if (cause instanceof ThvError) return cause;
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError';
  return isTimeout
    ? new ThvError('ERR_TIMEOUT', { reason: texts.timedOut }, { cause })
    : new ThvError('ERR_CANCELLED', { reason: texts.cancelled }, { cause });
}
