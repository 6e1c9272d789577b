import type { MiddlewareHandler } from 'hono';
import { textAnswer } from './respond.ts';

/** Enough for a status that is waited for, and for a group deleted with its workloads (spec 10 §6.2). */
export const USUAL_LIMIT_MS = 60_000;
/** Where an image may have to be pulled: ten minutes for it and one for the rest. */
export const PULL_LIMIT_MS = 11 * 60_000;

/** What handlers find in the request's context. */
export interface ApiVariables {
  Variables: {
    requestId: string;
    /** Aborts when the client has left or the route's time is over. Not for streams: they outlive the limit. */
    signal: AbortSignal;
  };
}

/** 504 when nothing was answered in time; the handler is told by its signal. */
export function timeLimit(limitMs: number): MiddlewareHandler<ApiVariables> {
  return async function limitTime(c, next): Promise<Response | undefined> {
    const controller = new AbortController();
    const stop = () => controller.abort();
    const client = c.req.raw.signal;
    client.addEventListener('abort', stop);
    c.set('signal', controller.signal);
    const late = Promise.withResolvers<Response>();
    const timer = setTimeout(() => {
      late.resolve(lateAnswer());
      stop();
    }, limitMs);
    try {
      const expired = await Promise.race([next(), late.promise]);
      return expired ?? undefined;
    } finally {
      clearTimeout(timer);
      client.removeEventListener('abort', stop);
    }
  };
}

export function lateAnswer(): Response {
  return textAnswer(504, 'the request took too long');
}
