import type { Handler } from '../proxy/index.ts';
import type { Middleware } from './types.ts';

/** One handler out of all: the first middleware is the outermost. Composed once, when the proxy starts. */
export function composeChain(middlewares: readonly Middleware[], endpoint: Handler): Handler {
  return middlewares.reduceRight<Handler>(
    (next, middleware) => (request, context) => middleware(request, context, next),
    endpoint,
  );
}
