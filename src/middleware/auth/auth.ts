import * as v from 'valibot';
import { parseParameters } from '../parameters.ts';
import type { ChainServices, Middleware } from '../types.ts';
import { createLocalUser } from './local-user.ts';

/**
 * Tells those further in who sends a request: without OIDC that is always the local user, whatever `Authorization` says
 * (spec 05 §6). `oidc_config` asks for tokens to be checked, which workloads cannot do yet, so it is refused and never
 * skipped. Not in the chain when nobody needs to know.
 */
export function createAuth(
  parameters: unknown,
  { clock, log, reads }: Pick<ChainServices, 'clock' | 'log' | 'reads'>,
): Middleware | undefined {
  parseParameters('auth', v.strictObject({}), parameters);
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
