import { ThvError } from '../errors/index.ts';
import { startDeadline, unlessAborted } from '../platform/index.ts';

/** Waits for a promise that takes no signal; a late answer is dropped. Throws `ERR_TIMEOUT`, and the signal's reason when the caller gives up. */
export async function answerInTime<T>(
  pending: Promise<T>,
  limits: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  using deadline = startDeadline(limits);
  try {
    return await unlessAborted(pending, deadline.signal);
  } catch (error) {
    if (!deadline.expired) throw error;
    throw new ThvError(
      'ERR_TIMEOUT',
      { reason: `no answer within ${limits.timeoutMs / 1000} s` },
      { cause: error },
    );
  }
}
