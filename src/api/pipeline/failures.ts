import type { ErrorHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { hasCode, ThvError, toThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { errorAnswer, textAnswer } from './respond.ts';
import { type ApiVariables, lateAnswer } from './time-limit.ts';

/**
 * What a handler throws, as an answer. Where that says nothing (500), the log does, with causes and stack of a fault of ours
 * (spec 10 §6.4).
 */
export function answerFailure(logger: Logger): ErrorHandler<ApiVariables> {
  return (thrown, c) => {
    if (thrown instanceof HTTPException) return textAnswer(thrown.status, thrown.message);
    // Cut short by us: nobody waits for the answer any more, or the time is over (spec 10 §20-20).
    if (c.get('signal')?.aborted && isAbort(thrown))
      return c.req.raw.signal.aborted ? textAnswer(499, 'the client left') : lateAnswer();
    const error = toThvError(thrown);
    const request = c.get('requestId');
    if (error.status === 500) logger.error('internal server error', { error, request });
    else logger.debug('request failed', { error, code: error.code, request });
    return errorAnswer(error);
  };
}

/** Whether something ended because its signal said so. */
export function isAbort(thrown: unknown): boolean {
  const error = thrown instanceof ThvError ? thrown.cause : thrown;
  return hasCode(thrown, 'ERR_CANCELLED') || (error instanceof Error && error.name === 'AbortError');
}
