import { isDeepStrictEqual } from 'node:util';
import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { findSecretParameter } from './secret-parameter.ts';

/** How a document says that tokens of incoming requests are checked (spec 02 §1.4, spec 05 §19). All keys are always written. */
const Text = v.nullish(v.string(), '');
const Switch = v.nullish(v.boolean(), false);
const fields = {
  Issuer: Text,
  Audience: Text,
  JWKSURL: Text,
  ClientID: Text,
  /** `NAME,target=oidc_secret`, or the value where there is no secrets store. */
  ClientSecret: Text,
  CACertPath: Text,
  AuthTokenFile: Text,
  AllowPrivateIP: Switch,
  InsecureAllowHTTP: Switch,
  IntrospectionURL: Text,
  ResourceURL: Text,
  Scopes: v.nullish(v.array(v.string()), null),
};
const KEYS = new Map(Object.keys(fields).map((key) => [key.toLowerCase(), key]));

/** Keys match in any case, as the reference's decoder matches them. */
export const OidcConfigSchema = v.pipe(
  v.record(v.string(), v.unknown()),
  v.transform((raw) =>
    Object.fromEntries(
      Object.entries(raw).map(([key, value]) => [KEYS.get(key.toLowerCase()) ?? key, value]),
    ),
  ),
  v.looseObject(fields),
);
export type OidcConfig = Readonly<v.InferOutput<v.ObjectSchema<typeof fields, undefined>>>;

export const OIDC_SECRET_TARGET = 'oidc_secret';

/** Whether it asks for tokens; the URL of the resource alone, or what else belongs to a check, does not (spec 05 §20-3). */
export function asksForTokens(config: OidcConfig | null | undefined): config is OidcConfig {
  if (config === null || config === undefined) return false;
  const { Issuer, Audience, JWKSURL, IntrospectionURL, ClientID, ClientSecret } = config;
  return [Issuer, Audience, JWKSURL, IntrospectionURL, ClientID, ClientSecret].some((text) => text !== '');
}

interface Stored {
  readonly oidc_config?: OidcConfig | null | undefined;
  readonly require_token?: boolean | undefined;
  readonly middleware_configs: readonly { readonly type: string; readonly parameters?: unknown }[];
}

/** Parameters of the stored middleware `auth`. Loose, because newer versions may add to them; what is known is enforced. */
const AuthParameters = v.nullish(
  v.strictObject({
    oidc_config: v.nullish(OidcConfigSchema),
    require_token: v.optional(v.boolean()),
  }),
  {},
);

/** What a document asks of those who call its workload. */
export interface CallerRules {
  readonly oidc: OidcConfig | undefined;
  /** A key of `thv token create`, or a token of the identity provider where there is one. */
  readonly requireToken: boolean;
}

/**
 * A document says it twice, in a field of its own and in its chain, and the reference writes less into the chain. Either is enough to
 * ask for tokens. Throws `ERR_RUN_CONFIG_INVALID` where the two would let other callers in.
 */
export function callerRulesOf(config: Stored): CallerRules {
  const entry = config.middleware_configs.findLast(({ type }) => type === 'auth');
  const parsed = v.safeParse(AuthParameters, entry?.parameters);
  if (!parsed.success) {
    const problems = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? 'parameters'}: ${issue.message}`);
    throw invalid(`invalid parameters of middleware auth: ${problems.join('; ')}`);
  }
  const { oidc_config: inChain, require_token: requiredInChain } = parsed.output;
  const own = config.oidc_config;
  if (asksForTokens(own) && asksForTokens(inChain) && !isDeepStrictEqual(decisive(own), decisive(inChain)))
    throw invalid(
      'oidc_config and the oidc_config of middleware auth differ: make them equal, or remove one',
    );
  return {
    oidc: asksForTokens(own) ? own : asksForTokens(inChain) ? inChain : undefined,
    requireToken: config.require_token === true || requiredInChain === true,
  };
}

/** What decides who is let in. */
function decisive({ Issuer, Audience, JWKSURL, IntrospectionURL }: OidcConfig): readonly string[] {
  return [Issuer, Audience, JWKSURL, IntrospectionURL];
}

/** The secret that a stored client secret refers to; `undefined` for a value. */
export function secretNameOf({ ClientSecret }: Pick<OidcConfig, 'ClientSecret'>): string | undefined {
  const parameter = findSecretParameter(ClientSecret);
  return parameter?.target === OIDC_SECRET_TARGET ? parameter.name : undefined;
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_RUN_CONFIG_INVALID', { reason });
}
