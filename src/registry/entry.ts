import * as v from 'valibot';

/**
 * A server of a registry in the legacy format's own spelling (spec 08 §2), which is also what `--format json` and the API
 * show. Reading is lenient: types are checked, patterns of the published schema are not; absent texts are '', absent
 * numbers 0, absent lists empty. Unknown keys are ignored.
 */

const Text = v.nullish(v.string(), '');
const Texts = v.nullish(v.array(v.string()), (): string[] => []);
const Switch = v.nullish(v.boolean(), false);
/** 0 when there is none. */
const Port = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)), 0);
const Whole = v.nullish(v.pipe(v.number(), v.integer(), v.minValue(0)), 0);
const FreeForm = v.record(v.string(), v.unknown());

/** Absent, `null` and `undefined` are one. */
function maybe<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.pipe(
    v.nullish(schema),
    v.transform((value): v.InferOutput<Schema> | undefined => value ?? undefined),
  );
}

function list<const Schema extends v.GenericSchema>(schema: Schema) {
  return v.nullish(v.array(schema), (): [] => []);
}

const Permissions = v.object({
  name: v.optional(v.string()),
  read: v.optional(v.nullable(v.array(v.string()))),
  write: v.optional(v.nullable(v.array(v.string()))),
  privileged: v.optional(v.boolean()),
  network: v.optional(
    v.nullable(
      v.object({
        mode: v.optional(v.string()),
        outbound: v.optional(
          v.nullable(
            v.object({
              insecure_allow_all: v.optional(v.boolean()),
              allow_host: v.optional(v.nullable(v.array(v.string()))),
              allow_port: v.optional(v.nullable(v.array(v.number()))),
            }),
          ),
        ),
        inbound: v.optional(
          v.nullable(v.object({ allow_host: v.optional(v.nullable(v.array(v.string()))) })),
        ),
      }),
    ),
  ),
});

const Variable = v.object({
  name: Text,
  description: Text,
  required: Switch,
  default: Text,
  secret: Switch,
});
/** An environment variable that an entry declares. */
export type EntryVariable = v.InferOutput<typeof Variable>;

const Header = v.object({ ...Variable.entries, choices: Texts });
/** An HTTP header that a remote entry declares. */
export type EntryHeader = v.InferOutput<typeof Header>;

const Metadata = v.object({
  stars: Whole,
  last_updated: Text,
  kubernetes: maybe(FreeForm),
});

const Provenance = v.object({
  sigstore_url: Text,
  repository_uri: Text,
  repository_ref: Text,
  signer_identity: Text,
  runner_environment: Text,
  cert_issuer: Text,
  attestation: maybe(v.object({ predicate_type: Text, predicate: v.optional(v.unknown()) })),
});

const OAuthConfig = v.object({
  issuer: Text,
  authorize_url: Text,
  token_url: Text,
  client_id: Text,
  scopes: Texts,
  use_pkce: Switch,
  oauth_params: maybe(v.record(v.string(), v.string())),
  callback_port: Port,
  resource: Text,
});

/** What the ToolHive extension of a `server.json` may hold (spec 08 §3.1); both kinds of entry take theirs from it. */
export const ExtensionSchema = v.object({
  status: Text,
  tier: Text,
  stateless: Switch,
  tools: Texts,
  tags: Texts,
  overview: Text,
  tool_definitions: list(v.looseObject({ name: v.string() })),
  metadata: maybe(Metadata),
  custom_metadata: maybe(FreeForm),
  permissions: maybe(Permissions),
  args: Texts,
  provenance: maybe(Provenance),
  docker_tags: Texts,
  proxy_port: Port,
  oauth_config: maybe(OAuthConfig),
  env_vars: list(Variable),
});

const { permissions, args, provenance, docker_tags, proxy_port, oauth_config, env_vars, ...shared } =
  ExtensionSchema.entries;

const common = {
  name: Text,
  title: Text,
  description: Text,
  transport: Text,
  repository_url: Text,
  ...shared,
  proxy_port,
  env_vars,
};

export const ContainerEntrySchema = v.object({
  ...common,
  image: Text,
  target_port: Port,
  permissions,
  args,
  docker_tags,
  provenance,
});

export const RemoteEntrySchema = v.object({ ...common, url: Text, headers: list(Header), oauth_config });

/** Runs an image. */
export type ContainerEntry = Readonly<v.InferOutput<typeof ContainerEntrySchema>> & {
  readonly kind: 'container';
};
/** Is proxied. */
export type RemoteEntry = Readonly<v.InferOutput<typeof RemoteEntrySchema>> & { readonly kind: 'remote' };
export type RegistryEntry = ContainerEntry | RemoteEntry;

const SHARED_KEYS = [
  'name',
  'title',
  'description',
  'tier',
  'status',
  'transport',
  'stateless',
  'tools',
  'metadata',
  'repository_url',
  'tags',
  'overview',
  'tool_definitions',
  'custom_metadata',
];
const KIND_KEYS = {
  container: [
    'image',
    'target_port',
    'proxy_port',
    'permissions',
    'env_vars',
    'args',
    'docker_tags',
    'provenance',
  ],
  remote: ['url', 'proxy_port', 'headers', 'oauth_config', 'env_vars'],
};
/** Written even when empty (spec 08 §2.1, mark A). */
const ALWAYS: ReadonlySet<string> = new Set([
  'description',
  'tier',
  'status',
  'transport',
  'tools',
  'image',
  'url',
]);
/** Objects of ours inside an entry: what is written in them even when empty. Others stay as they were given. */
const ALWAYS_INSIDE: Readonly<Record<string, readonly string[]>> = {
  metadata: [],
  oauth_config: [],
  env_vars: ['name', 'description', 'required'],
  headers: ['name', 'description', 'required'],
  provenance: ['sigstore_url', 'repository_uri', 'signer_identity', 'runner_environment', 'cert_issuer'],
};

/** The entry as it is shown: keys in the order of spec 08 §2, without what is empty; `tools` is `null` when there are none. */
export function entryToJson(entry: RegistryEntry): Readonly<Record<string, unknown>> {
  return pick(entry, [...SHARED_KEYS, ...KIND_KEYS[entry.kind]], ALWAYS, { tools: null });
}

/** These keys of `source`, in this order, without empty ones; `whenEmpty` says what stands for an empty one instead. */
export function pick(
  source: Readonly<Record<string, unknown>>,
  keys: readonly string[],
  always: ReadonlySet<string>,
  whenEmpty: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const key of keys) {
    const inside = ALWAYS_INSIDE[key];
    const value = inside === undefined ? source[key] : withoutEmpty(source[key], inside);
    if (!isEmpty(value)) written[key] = value;
    else if (always.has(key)) written[key] = key in whenEmpty ? whenEmpty[key] : value;
  }
  return written;
}

function withoutEmpty(value: unknown, keep: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutEmpty(item, keep));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([key, member]) => keep.includes(key) || !isEmpty(member)),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  return Array.isArray(value) && value.length === 0;
}
