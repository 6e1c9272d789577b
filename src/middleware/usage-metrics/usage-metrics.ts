import type { Middleware, Services } from '../types.ts';

/**
 * Counts `tools/call` requests (spec 07 §14); what is called, by whom and with what stays unseen. Without a counter it is
 * not in the chain, and the parameters in a document are ignored: they never fail a start.
 */
export function createUsageMetrics(
  _parameters: unknown,
  { countToolCall }: Pick<Services, 'countToolCall'>,
): Middleware | undefined {
  if (countToolCall === undefined) return undefined;

  return function usageMetrics(request, context, next) {
    const { message } = context;
    if (message?.method === 'tools/call' && message.id !== undefined) countToolCall();
    return next(request, context);
  };
}
