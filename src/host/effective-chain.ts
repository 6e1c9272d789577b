import { isDeepStrictEqual } from 'node:util';
import { ThvError } from '../errors/index.ts';
import { baseNameOf, type RunConfig } from '../records/index.ts';

type Chain = RunConfig['middleware_configs'];

/**
 * The stored chain with what the document asks for in fields of its own and the chain does not have (spec 02 §1.6): documents that
 * were written by hand have no chain at all, and what they ask for must not be left out.
 */
export function effectiveChain(config: RunConfig): Chain {
  const stored = config.middleware_configs;
  refuseTwoPolicies(config);
  const isStored = (type: string) => stored.some((entry) => entry.type === type);
  return [...stored, ...fromFields(config).filter(({ type }) => !isStored(type))];
}

function fromFields(config: RunConfig): Chain {
  const { audit_config, audit_config_path, authz_config, authz_config_path, transport } = config;
  const { validating_webhooks, mutating_webhooks, rate_limit_config } = config;
  const chain: { type: string; parameters: unknown }[] = [];
  if (audit_config || audit_config_path)
    chain.push({
      type: 'audit',
      parameters: {
        config_data: audit_config ?? undefined,
        config_path: audit_config_path,
        component: baseNameOf(config),
        transport_type: transport,
      },
    });
  if (config.token_exchange_config)
    chain.push({
      type: 'tokenexchange',
      parameters: { token_exchange_config: config.token_exchange_config },
    });
  if (rate_limit_config) chain.push(rateLimitEntry(config));
  for (const [type, webhooks] of [
    ['mutating-webhook', mutating_webhooks],
    ['validating-webhook', validating_webhooks],
  ] as const)
    if (webhooks && webhooks.length > 0)
      chain.push({ type, parameters: { webhooks, server_name: baseNameOf(config), transport } });
  if (authz_config || authz_config_path)
    chain.push({
      type: 'authorization',
      parameters: { config_data: authz_config ?? undefined, config_path: authz_config_path },
    });
  if (config.tools_locked) chain.push({ type: 'tool-lock', parameters: {} });
  return chain;
}

/** In Redis where sessions are said to be, though ours are not (spec 05 §18). */
function rateLimitEntry(config: RunConfig) {
  const redis = config.scaling_config?.session_redis;
  return {
    type: 'ratelimit',
    parameters: {
      namespace: config.rate_limit_namespace ?? '',
      server_name: baseNameOf(config),
      config: config.rate_limit_config,
      redis_addr: redis?.address ?? '',
      redis_db: redis?.db ?? 0,
    },
  };
}

/** Which of the two is meant nobody can tell, and one of them would be left out. Throws `ERR_RUN_CONFIG_INVALID`. */
function refuseTwoPolicies({ authz_config, middleware_configs }: RunConfig): void {
  const entry = middleware_configs.findLast(({ type }) => type === 'authorization');
  const { config_data: stored } = (entry?.parameters ?? {}) as { readonly config_data?: unknown };
  if (!authz_config || !stored || isDeepStrictEqual(authz_config, stored)) return;
  throw new ThvError(
    'ERR_RUN_CONFIG_INVALID',
    { reason: 'authz_config and middleware_configs hold different policies' },
    { hint: 'remove one of the two from the document' },
  );
}

interface AuditParameters {
  readonly config_data?: unknown;
  readonly config_path?: string | null | undefined;
}

/** What a document says of its audit log; `undefined` for nothing. */
export function auditParametersOf(config: RunConfig): AuditParameters | undefined {
  const entry = effectiveChain(config).findLast(({ type }) => type === 'audit');
  return entry && ((entry.parameters ?? {}) as AuditParameters);
}
