import { messageOf } from '../../errors/index.ts';
import { textError } from '../../proxy/index.ts';
import type { Middleware, Services } from '../types.ts';

/**
 * Turns whatever is thrown further in into a 500 that says nothing about us; the log has the rest (spec 04 §12.4).
 * Outermost, so that it covers every other middleware (§19.8).
 */
export function createRecovery(_parameters: unknown, { log }: Pick<Services, 'log'>): Middleware {
  return async function recovery(request, context, next) {
    try {
      return await next(request, context);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : undefined;
      log.error('request failed', {
        method: request.method,
        path: context.path,
        error: messageOf(error),
        stack,
        trace: context.trace?.traceId,
      });
      return textError(500, 'Internal Server Error');
    }
  };
}
