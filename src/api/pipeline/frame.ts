import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Logger } from '../../platform/index.ts';
import { MAX_BODY_BYTES } from './body.ts';
import { textAnswer } from './respond.ts';
import type { ApiVariables } from './time-limit.ts';

/**
 * The outermost stage: request id, body announced too long, headers of every answer, and with `isLogging` one line per request
 * without anything a client might have put in it but the path's pattern (spec 10 §6.1, §20-19).
 */
export function frame({
  logger,
  isLogging,
}: {
  readonly logger: Logger;
  readonly isLogging: boolean;
}): MiddlewareHandler<ApiVariables> {
  return async function frameRequest(c, next) {
    const startedAt = performance.now();
    const requestId = checkedId(c.req.header('x-request-id')) ?? crypto.randomUUID();
    c.set('requestId', requestId);
    if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES)
      c.res = textAnswer(413, 'Request Entity Too Large');
    else await next();
    const { headers } = c.res;
    if (c.req.path.startsWith('/api/') && !headers.has('content-type') && c.res.status !== 204)
      headers.set('Content-Type', 'application/json');
    headers.set('X-Content-Type-Options', 'nosniff');
    headers.set('Cross-Origin-Resource-Policy', 'same-origin');
    headers.set('X-Request-Id', requestId);
    if (isLogging) {
      logger.info('request', {
        method: c.req.method,
        route: routeOf(routePath(c, -1)),
        status: c.res.status,
        ms: Math.round(performance.now() - startedAt),
        request: requestId,
      });
    }
  };
}

function routeOf(pattern: string): string {
  return pattern === '*' || pattern === '/*' ? '(none)' : pattern;
}

function checkedId(given: string | undefined): string | undefined {
  return given !== undefined && /^[\x21-\x7e]{1,128}$/.test(given) ? given : undefined;
}
