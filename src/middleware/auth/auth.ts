import { ThvError } from '../../errors/index.ts';
import type { Identity } from '../../oidc/index.ts';
import type { Handler, RequestContext } from '../../proxy/index.ts';
import { callerRulesOf } from '../../records/index.ts';
import type { Callers, ChainServices, Middleware } from '../types.ts';
import { endWith } from './end-with.ts';
import { createLocalUser } from './local-user.ts';

/**
 * Tells those further in who sends a request. Where tokens are asked for, that is whom the token says, and nobody else gets
 * further (spec 05 §4); elsewhere it is always the local user, whatever `Authorization` says (§6), and the chain has no such
 * step when nobody needs to know.
 */
export function createAuth(
  parameters: unknown,
  { callers, clock, log, reads }: Pick<ChainServices, 'callers' | 'clock' | 'log' | 'reads'>,
): Middleware | undefined {
  const { oidc, requireToken } = callerRulesOf({ middleware_configs: [{ type: 'auth', parameters }] });
  if (callers !== undefined) return checkCallers(callers);
  if (oidc !== undefined || requireToken) {
    // What is stored and not enforced would be a silent hole.
    throw new ThvError('ERR_RUN_CONFIG_INVALID', {
      reason: 'middleware auth asks for tokens, and nothing is there to check them',
    });
  }
  if (!reads.has('identity')) return undefined;
  const user = createLocalUser(clock);
  log.warn('OIDC is not configured, everybody who can connect counts as the local user', {
    user: user.subject,
  });

  return function auth(request, context, next) {
    context.identity = user;
    return next(request, context);
  };
}

function checkCallers(callers: Callers): Middleware {
  function proceed(
    admitted: Identity | Response,
    request: Request,
    context: RequestContext,
    next: Handler,
  ): Response | Promise<Response> {
    if (admitted instanceof Response) {
      // A caller whom nobody knows gets no answer on the event stream of another one.
      context.isFinal = true;
      return admitted;
    }
    context.identity = admitted;
    return admitted.kind === 'key'
      ? endWith(admitted, callers, { request, context, next })
      : next(request, context);
  }

  return function auth(request, context, next) {
    const admitted = callers.admit(request.headers.get('authorization'));
    return admitted instanceof Promise
      ? admitted.then((result) => proceed(result, request, context, next))
      : proceed(admitted, request, context, next);
  };
}
