import type { Handler } from '../proxy/index.ts';
import { answerOnStreams } from './events/answer-on-streams.ts';
import type { Middleware } from './types.ts';

/** One handler out of all: the first middleware is the outermost. Composed once, when the proxy starts. */
export function composeChain(middlewares: readonly Middleware[], endpoint: Handler): Handler {
  const chain = middlewares.reduceRight<Handler>(
    (next, middleware) => (request, context) => middleware(request, context, next),
    endpoint,
  );
  return answerOnStreams(chain);
}
