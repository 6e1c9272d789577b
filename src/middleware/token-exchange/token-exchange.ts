import * as v from 'valibot';
import { within } from '../../errors/index.ts';
import { readBearer } from '../../oidc/index.ts';
import { type Handler, type RequestContext, textError } from '../../proxy/index.ts';
import { findSecretParameter } from '../../records/index.ts';
import { headerValueProblem } from '../header-forward/forwarded-header.ts';
import { parseParameters } from '../parameters.ts';
import type { Middleware, Services } from '../types.ts';
import { TOKEN_EXCHANGE_SECRET_TARGET, type TokenExchangeConfig, TokenExchangeSchema } from './config.ts';
import { createExchanger } from './exchanger.ts';

const Parameters = v.looseObject({ token_exchange_config: TokenExchangeSchema });

/**
 * Shows the server a token of its own in the place of the caller's (spec 05 §8.1). Throws `ERR_RUN_CONFIG_INVALID`, and what the
 * secrets store throws.
 */
export async function createTokenExchange(
  parameters: unknown,
  services: Pick<Services, 'clock' | 'log' | 'env' | 'findSecret'>,
): Promise<Middleware> {
  const { token_exchange_config: config } = parseParameters('tokenexchange', Parameters, parameters);
  const { clock, log } = services;
  const clientSecret = await clientSecretOf(config, services);
  const exchanger = createExchanger({ config, clientSecret, clock });
  const header = config.header_strategy === 'custom' ? config.external_token_header_name : 'Authorization';

  async function exchangeLater(
    subject: string,
    exchanged: Awaited<ReturnType<typeof exchanger.exchange>>,
    request: Request,
    context: RequestContext,
    next: Handler,
  ): Promise<Response> {
    if (exchanged.type !== 'token') {
      log.warn('token exchange failed', { reason: exchanged.reason });
      context.isFinal = true;
      return exchanged.type === 'refused'
        ? textError(401, 'Token exchange failed')
        : textError(503, 'Token exchange failed', { 'Retry-After': '5' });
    }
    if (headerValueProblem(exchanged.token) !== undefined) {
      log.error('the exchanged token cannot be sent in a header');
      context.isFinal = true;
      return textError(500, 'Token injection failed');
    }
    request.headers.set(header, `Bearer ${exchanged.token}`);
    const response = await next(request, context);
    // The next request asks for another one.
    if (response.status === 401) exchanger.forget(subject);
    return response;
  }

  return function tokenExchange(request, context, next) {
    const subject = subjectOf(request, context);
    if (subject === undefined) return next(request, context);
    const exchanged = exchanger.exchange(subject, endOf(context));
    return exchanged instanceof Promise
      ? exchanged.then((result) => exchangeLater(subject, result, request, context, next))
      : exchangeLater(subject, exchanged, request, context, next);
  };
}

/** Keys of ours mean nothing to an identity provider, and are none of its business. */
function subjectOf({ headers }: Request, { identity }: RequestContext): string | undefined {
  if (identity === undefined || identity.kind === 'key') return undefined;
  try {
    return readBearer(headers.get('authorization'));
  } catch {
    return undefined; // without one there is nothing to exchange
  }
}

function endOf({ identity }: RequestContext): number | undefined {
  const end = identity?.kind === 'oidc' ? identity.claims['exp'] : undefined;
  return typeof end === 'number' ? end * 1000 : undefined;
}

/** The stored secret, the value behind its name, or what the environment has (spec 05 §8.1). */
async function clientSecretOf(
  { client_secret: stored }: TokenExchangeConfig,
  { env, findSecret }: Pick<Services, 'env' | 'findSecret'>,
): Promise<string> {
  if (stored === '') return env?.['TOOLHIVE_TOKEN_EXCHANGE_CLIENT_SECRET'] ?? '';
  const reference = findSecretParameter(stored);
  if (reference?.target !== TOKEN_EXCHANGE_SECRET_TARGET || findSecret === undefined) return stored;
  return await within('failed to get the client secret of the token exchange', () =>
    findSecret(reference.name, 'workloads'),
  );
}
