import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';

/** The authorization config (spec 05 §9), in its normal form and as it was written. */
export type AuthzConfig = CedarConfig | HttpConfig;

/** The document as it is kept in the run config; what this version does not know stays in it. */
export type AuthzDocument = Readonly<Record<string, unknown>>;

interface CedarConfig {
  readonly type: 'cedarv1';
  readonly document: AuthzDocument;
  readonly cedar: CedarSettings;
}

interface HttpConfig {
  readonly type: 'httpv1';
  readonly document: AuthzDocument;
  readonly pdp: PdpSettings;
}

const Strings = v.array(v.string());
const OptionalText = v.pipe(
  v.nullish(v.string(), ''),
  v.transform((text) => text.trim()),
);
const Identifier = /^[A-Za-z_]\w*$/;

const Cedar = v.object({
  policies: v.pipe(
    v.nullish(Strings, () => []),
    v.minLength(1, 'at least one policy is required for Cedar authorization'),
  ),
  entities_json: v.nullish(v.string(), ''),
  group_claim_name: OptionalText,
  role_claim_name: OptionalText,
  group_entity_type: v.pipe(
    OptionalText,
    v.check(
      (type) => type === '' || Identifier.test(type),
      ({ input }) => `${JSON.stringify(input)} is no Cedar identifier (letters, digits and _, without ::)`,
    ),
    v.transform((type) => type || 'THVGroup'),
  ),
  multi_valued_claims: v.nullish(Strings, () => []),
  primary_upstream_provider: OptionalText,
  /** Ours: what whole numbers become (spec 05 §20-13). */
  numbers: v.nullish(v.picklist(['decimal', 'long']), 'decimal'),
});
export type CedarSettings = v.InferOutput<typeof Cedar>;

const MAPPINGS = ['mpe', 'standard'] as const;
const validMappings = `valid values: ${MAPPINGS.join(', ')}`;

const Pdp = v.object({
  http: v.object(
    {
      url: v.pipe(
        v.nullish(v.string(), ''),
        v.nonEmpty('url is required'),
        v.check(
          (url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''),
          ({ input }) => `invalid url ${JSON.stringify(input)}: it must begin with http:// or https://`,
        ),
      ),
      timeout: v.nullish(v.number(), 0),
      insecure_skip_verify: v.nullish(v.boolean(), false),
    },
    'http configuration is required',
  ),
  claim_mapping: v.pipe(
    v.nullish(v.string(), ''),
    v.nonEmpty(`claim_mapping is required (${validMappings})`),
    v.picklist(MAPPINGS, ({ input }) => `invalid claim_mapping ${JSON.stringify(input)} (${validMappings})`),
  ),
  context: v.nullish(
    v.object({
      include_args: v.nullish(v.boolean(), false),
      include_operation: v.nullish(v.boolean(), false),
    }),
    () => ({ include_args: false, include_operation: false }),
  ),
});
export type PdpSettings = v.InferOutput<typeof Pdp>;

/** Throws `ERR_AUTHZ_INVALID` with everything that is wrong, except in the policies themselves. */
export function parseAuthzConfig(value: unknown): AuthzConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the authorization configuration must be an object');
  const document = value as AuthzDocument;
  const { version, type, cedar, pdp } = document;
  if (typeof version !== 'string' || version === '') throw invalid('version is required');
  switch (type) {
    case 'cedarv1':
      if (cedar === undefined || cedar === null)
        throw invalid("cedar configuration is required (missing 'cedar' field)");
      return { type, document, cedar: parsePart('cedar', Cedar, cedar) };
    case 'httpv1':
      if (pdp === undefined || pdp === null)
        throw invalid("pdp configuration is required (missing 'pdp' field)");
      return { type, document, pdp: parsePart('pdp', Pdp, pdp) };
    case undefined:
    case null:
    case '':
      throw invalid('type is required');
    default:
      throw invalid(
        `unsupported configuration type: ${typeof type === 'string' ? type : JSON.stringify(type)}`,
      );
  }
}

function parsePart<Schema extends v.GenericSchema>(
  name: string,
  schema: Schema,
  value: unknown,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    // The texts that the reference has for them say themselves what they are about.
    if (issue.kind === 'validation' && issue.type !== 'check' && issue.type !== 'picklist')
      return issue.message;
    return `${name}.${v.getDotPath(issue) ?? ''}: ${issue.message}`;
  });
  throw invalid(problems.join('; '));
}

export function invalid(reason: string): ThvError {
  return new ThvError('ERR_AUTHZ_INVALID', { reason });
}
