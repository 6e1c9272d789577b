import * as v from 'valibot';
import { parseAuditConfig } from '../audit/index.ts';
import { ThvError } from '../errors/index.ts';
import { effectiveChain } from '../host/index.ts';
import { RateLimitSchema, type TokenExchangeConfig, WebhookFileSchema } from '../middleware/index.ts';
import { findSecretParameter, type RunConfig } from '../records/index.ts';
import { type ProxySettings, USUAL_PROXY } from '../workloads/index.ts';

/** `middleware_configs` of a request: those steps of a chain that have no member of their own. */

type Entries = RunConfig['middleware_configs'];
type Settings = Pick<ProxySettings, 'audit' | 'tokenExchange' | 'webhooks' | 'rateLimits'>;

const Parameters = v.nullish(v.record(v.string(), v.unknown()), {});

/** Throws `ERR_INPUT_INVALID` for types that a request cannot ask for, and for parameters that make no sense. */
export function middlewareSettings(entries: Entries, present: RunConfig | undefined): Partial<Settings> {
  const settings: Partial<Settings> = {};
  for (const { type, parameters } of entries)
    Object.assign(settings, settingsOf(type, parse(type, Parameters, parameters), settings, present));
  return settings;
}

function settingsOf(
  type: string,
  given: Readonly<Record<string, unknown>>,
  { webhooks = USUAL_PROXY.webhooks }: Partial<Settings>,
  present: RunConfig | undefined,
): Partial<Settings> {
  switch (type) {
    case 'audit':
      return { audit: { kind: 'config', config: parseAuditConfig(given['config_data'] ?? {}) } };
    case 'tokenexchange': {
      const config = parse(type, Parameters, given['token_exchange_config']);
      return { tokenExchange: { config: withKeptSecret(config, present), clientSecretFile: '' } };
    }
    case 'ratelimit':
      parse(type, RateLimitSchema, given['config']);
      return { rateLimits: given['config'] as Readonly<Record<string, unknown>> };
    case 'mutating-webhook':
    case 'validating-webhook': {
      const kind = type === 'mutating-webhook' ? 'mutating' : 'validating';
      const list = parse(type, WebhookFileSchema, { [kind]: given['webhooks'] })[kind];
      return { webhooks: { ...webhooks, [kind]: list } };
    }
    default:
      throw new ThvError('ERR_INPUT_INVALID', {
        reason: `middleware_configs: ${type} cannot be asked for (audit, tokenexchange, ratelimit, mutating-webhook and validating-webhook can)`,
      });
  }
}

/** What a request may send back; no secret in plain text. */
export function shownMiddlewares(config: RunConfig): Entries {
  return effectiveChain(config)
    .filter(({ type }) => SHOWN.has(type))
    .map(({ type, parameters }) =>
      type === 'tokenexchange' ? { type, parameters: withoutSecret(parameters) } : { type, parameters },
    );
}

const SHOWN: ReadonlySet<string> = new Set([
  'tokenexchange',
  'ratelimit',
  'mutating-webhook',
  'validating-webhook',
]);

interface StoredExchange {
  readonly token_exchange_config?: Partial<TokenExchangeConfig> | null;
}

function withoutSecret(parameters: unknown) {
  const { token_exchange_config: config } = parameters as StoredExchange;
  const isNamed = findSecretParameter(config?.client_secret ?? '') !== undefined;
  return { token_exchange_config: { ...config, client_secret: isNamed ? config?.client_secret : '' } };
}

/** A secret is never told, so one that is not sent along stays for the same client. */
function withKeptSecret(given: Readonly<Record<string, unknown>>, present: RunConfig | undefined) {
  const stored = present && effectiveChain(present).find(({ type }) => type === 'tokenexchange')?.parameters;
  const { token_exchange_config: old } = (stored ?? {}) as StoredExchange;
  const isKept = !given['client_secret'] && old !== undefined && given['client_id'] === old?.client_id;
  return isKept ? { ...given, client_secret: old?.client_secret ?? '' } : given;
}

function parse<Schema extends v.GenericSchema>(
  type: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'parameters'}: ${issue.message}`);
  throw new ThvError('ERR_INPUT_INVALID', { reason: `middleware_configs: ${type}: ${problems.join('; ')}` });
}
