import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { parseFirstJson, sortedKeys, toJsonText } from './json-text.ts';
import { OidcConfigSchema } from './oidc-config.ts';
import { ResolvedImageSchema, VERIFICATION_MODES } from './resolved-image.ts';
import { ResourceLimitsSchema } from './resource-limits.ts';

/**
 * The run config document (spec 02 §1): export file, `runconfigs/<base>.json` and REST export are this one shape, with the
 * reference's key names. Parts that belong to features of their own are carried through untouched until those features
 * give them a schema.
 */

const TRANSPORTS = ['stdio', 'sse', 'streamable-http'] as const;
export type Transport = (typeof TRANSPORTS)[number];
const PROXY_MODES = ['sse', 'streamable-http'] as const;
type ProxyMode = (typeof PROXY_MODES)[number];

/** All lower or all upper case (spec 04 §1). */
const TransportSchema = v.pipe(
  v.optional(v.string(), ''),
  v.transform((text) => (text === text.toUpperCase() ? text.toLowerCase() : text)),
  v.picklist(
    TRANSPORTS,
    (issue) => `invalid transport mode: ${String(issue.input)}. Valid modes are: sse, streamable-http, stdio`,
  ),
);

/** What runs a JavaScript package: the machine's Node, or the runtime in this executable. */
const JS_RUNTIMES = ['node', 'bun'] as const;
export const JS_RUNTIME_CHOICES = ['auto', ...JS_RUNTIMES] as const;
export type JsRuntimeChoice = (typeof JS_RUNTIME_CHOICES)[number];

const Strings = v.array(v.string());
const StringMap = v.record(v.string(), v.string());

export const PermissionProfileSchema = v.looseObject({
  name: v.optional(v.string()),
  read: v.optional(v.nullable(Strings)),
  write: v.optional(v.nullable(Strings)),
  network: v.optional(
    v.nullable(
      v.looseObject({
        mode: v.optional(v.string()),
        outbound: v.optional(
          v.nullable(
            v.looseObject({
              insecure_allow_all: v.optional(v.boolean()),
              allow_host: v.optional(v.nullable(Strings)),
              allow_port: v.optional(v.nullable(v.array(v.number()))),
              /** Ours: `host:port` pairs open to any protocol. */
              allow_tcp: v.optional(v.nullable(Strings)),
            }),
          ),
        ),
        inbound: v.optional(v.nullable(v.looseObject({ allow_host: v.optional(v.nullable(Strings)) }))),
      }),
    ),
  ),
  privileged: v.optional(v.boolean()),
});
export type PermissionProfile = v.InferOutput<typeof PermissionProfileSchema>;

const fields = {
  schema_version: v.pipe(
    v.optional(v.string(), ''),
    v.transform((text) => text || 'v0.1.0'),
  ),
  image: v.optional(v.string(), ''),
  /** Ours: what runs it; absent for a container. */
  runtime: v.optional(v.picklist(['process'], ({ input }) => `unknown runtime ${String(input)}`)),
  /** Ours: a process with all rights of the user. */
  no_sandbox: v.optional(v.boolean()),
  /** Ours: a package may run programs while it is installed. */
  allow_install_scripts: v.optional(v.boolean()),
  /** Ours: the file that is told what the server uses of the network, which is all allowed meanwhile. */
  learn_permissions: v.optional(v.string()),
  /** Ours: what runs a JavaScript package; absent for the machine's Node where there is one that fits. */
  js_runtime: v.optional(
    v.picklist(JS_RUNTIMES, ({ input }) => `unknown JavaScript runtime ${String(input)}: use node or bun`),
  ),
  /** Ours: what the server may use of the machine; absent for the defaults. */
  resource_limits: v.nullish(ResourceLimitsSchema),
  remote_url: v.optional(v.string()),
  cmd_args: v.nullish(Strings, () => []),
  name: v.optional(v.string(), ''),
  container_name: v.optional(v.string()),
  base_name: v.optional(v.string()),
  transport: TransportSchema,
  host: v.pipe(
    v.optional(v.string(), ''),
    v.transform((host) => host || '127.0.0.1'),
  ),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)), 0),
  target_port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)), 0),
  target_host: v.optional(v.string()),
  allowed_origins: v.nullish(Strings, () => []),
  publish: v.nullish(Strings, () => []),
  permission_profile_name_or_path: v.optional(v.string()),
  permission_profile: v.nullish(PermissionProfileSchema),
  env_vars: v.nullish(StringMap, () => ({})),
  debug: v.optional(v.boolean()),
  volumes: v.nullish(Strings, () => []),
  container_labels: v.nullish(StringMap, () => ({})),
  secrets: v.nullish(Strings, () => []),
  isolate_network: v.optional(v.boolean(), false),
  allow_docker_gateway: v.optional(v.boolean()),
  trust_proxy_headers: v.optional(v.boolean(), false),
  oidc_config: v.nullish(OidcConfigSchema),
  thv_ca_bundle: v.optional(v.string()),
  jwks_auth_token_file: v.optional(v.string()),
  /** Ours: callers need a key of `thv token create`, or a token of the identity provider where there is one. */
  require_token: v.optional(v.boolean()),
  /** Ours: a remote server is shown the token that was checked here. */
  forward_authorization: v.optional(v.boolean()),
  strict_protocol_validation: v.optional(v.boolean()),
  stateless: v.optional(v.boolean()),
  session_ttl: v.optional(v.string()),
  proxy_mode: v.optional(v.string()),
  group: v.optional(v.string()),
  tools_filter: v.nullish(Strings, () => []),
  /** Ours: only tools that are as they were locked are shown and called. */
  tools_locked: v.optional(v.boolean()),
  tools_override: v.nullish(
    v.record(
      v.string(),
      v.looseObject({ name: v.optional(v.string()), description: v.optional(v.string()) }),
    ),
  ),
  /** The content of `--authz-config`; what this version does not know stays in it. */
  authz_config: v.nullish(v.looseObject({})),
  authz_config_path: v.optional(v.string()),
  endpoint_prefix: v.optional(v.string(), ''),
  /** What a remote server asks of those who sign in; of interest to us are the keys that hold something. */
  remote_auth_config: v.nullish(v.looseObject({})),
  header_forward: v.nullish(
    v.looseObject({
      add_plaintext_headers: v.nullish(StringMap),
      /** Names of secrets, by header. */
      add_headers_from_secret: v.nullish(StringMap),
    }),
  ),
  registry_api_url: v.optional(v.string()),
  registry_url: v.optional(v.string()),
  registry_server_name: v.optional(v.string()),
  runtime_config: v.nullish(
    v.looseObject({
      builder_image: v.optional(v.string()),
      additional_packages: v.optional(v.nullable(Strings)),
      build_with: v.optional(v.nullable(Strings)),
      runtime_env: v.optional(v.nullable(StringMap)),
    }),
  ),
  /** Ours: the package or folder that `image` was built from, so that it can be built again. */
  package_reference: v.optional(v.string()),
  /** Ours: what is asked of the image before it runs; absent for a warning (spec 03 §12.4). */
  image_verification: v.optional(
    v.picklist(
      VERIFICATION_MODES,
      ({ input }) => `unknown image verification ${String(input)}: use warn, enabled or disabled`,
    ),
  ),
  /** Ours: what `image` meant when the workload was prepared. A form that this version does not know counts as absent. */
  resolved_image: v.fallback(v.optional(ResolvedImageSchema), undefined),
  /** `middleware/token-exchange/` knows the content. */
  token_exchange_config: v.nullish(v.looseObject({})),
  /** `middleware/webhooks/` knows the content. */
  validating_webhooks: v.nullish(v.array(v.looseObject({}))),
  mutating_webhooks: v.nullish(v.array(v.looseObject({}))),
  /** `middleware/rate-limit/` knows the content. */
  rate_limit_config: v.nullish(v.looseObject({})),
  rate_limit_namespace: v.optional(v.string()),
  scaling_config: v.nullish(
    v.looseObject({
      session_redis: v.nullish(
        v.looseObject({ address: v.optional(v.string()), db: v.optional(v.number()) }),
      ),
    }),
  ),
  /** What is audited, and the file that said so; `audit/` knows the content. */
  audit_config: v.nullish(v.looseObject({})),
  audit_config_path: v.optional(v.string()),
  /** What of the mounts is hidden from the server; both keys are always written. */
  ignore_config: v.optional(
    v.nullable(
      v.looseObject({
        LoadGlobal: v.optional(v.boolean(), true),
        PrintOverlays: v.optional(v.boolean(), false),
      }),
    ),
  ),
  middleware_configs: v.nullish(
    v.array(v.object({ type: v.string(), parameters: v.optional(v.unknown()) })),
    () => [],
  ),
};

/** Loose, because the document is ours to write back: what a newer version wrote in it stays. */
const RunConfigSchema = v.looseObject(fields);

type Fields = v.InferOutput<v.ObjectSchema<typeof fields, undefined>>;
export type RunConfig = Readonly<Omit<Fields, 'proxy_mode'>> & { readonly proxy_mode: ProxyMode };

/** Keys in the order they are written (spec 02 §1.1); `!` marks those written even when empty. */
const WRITE_ORDER =
  `schema_version! mcpserver_generation image! runtime no_sandbox allow_install_scripts learn_permissions js_runtime resource_limits remote_url registry_api_url registry_url registry_server_name
  remote_auth_config cmd_args name! container_name base_name transport! host! port! target_port target_host allowed_origins
  publish permission_profile_name_or_path permission_profile! env_vars env_file_dir debug volumes container_labels
  oidc_config token_exchange_config upstream_swap_config aws_sts_config authz_config authz_config_path audit_config
  audit_config_path telemetry_config rate_limit_config rate_limit_namespace secrets k8s_pod_template_patch isolate_network
  allow_docker_gateway trust_proxy_headers require_token forward_authorization strict_protocol_validation stateless session_ttl proxy_mode
  thv_ca_bundle jwks_auth_token_file group tools_filter tools_override tools_locked ignore_config middleware_configs
  additional_middleware_configs validating_webhooks mutating_webhooks endpoint_prefix runtime_config header_forward
  embedded_auth_server_config scaling_config package_reference image_verification resolved_image`
    .split(/\s+/)
    .map((word) => ({ key: word.replace('!', ''), always: word.endsWith('!') }));

const KNOWN_KEYS = new Map(WRITE_ORDER.map(({ key }) => [key.toLowerCase(), key]));
const SORTED_MAPS: ReadonlySet<string> = new Set(['env_vars', 'container_labels', 'tools_override']);

/** Reads a document (spec 02 §1.7). Throws `ERR_RUN_CONFIG_INVALID` naming every field that is wrong. */
export function parseRunConfig(text: string): RunConfig {
  let raw: unknown;
  try {
    raw = parseFirstJson(text);
  } catch (error) {
    throw new ThvError(
      'ERR_RUN_CONFIG_INVALID',
      { reason: `not valid JSON: ${(error as Error).message}` },
      { cause: error },
    );
  }
  const result = v.safeParse(RunConfigSchema, withKnownKeys(raw));
  if (!result.success) {
    const problems = result.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
    throw new ThvError('ERR_RUN_CONFIG_INVALID', { reason: problems.join('; ') });
  }
  return {
    ...result.output,
    proxy_mode: effectiveProxyMode(result.output.transport, result.output.proxy_mode),
  };
}

/** The document's text, keys in the reference's order, empty values left out where the reference leaves them out. */
export function formatRunConfig(config: RunConfig): string {
  const { permission_profile: profile } = config;
  // Parsed once more for the order of its keys: a document that was read and written again has the same bytes.
  const source: Readonly<Record<string, unknown>> = {
    ...config,
    permission_profile: profile ? v.parse(PermissionProfileSchema, profile) : profile,
  };
  const written: Record<string, unknown> = {};
  for (const { key, always } of WRITE_ORDER) {
    const value = source[key];
    if (always) written[key] = value ?? (key === 'permission_profile' ? null : '');
    else if (!isZero(value))
      written[key] = SORTED_MAPS.has(key) ? sortedKeys(value as Record<string, unknown>) : value;
  }
  for (const key of Object.keys(source)) if (!KNOWN_KEYS.has(key.toLowerCase())) written[key] = source[key];
  return toJsonText(written);
}

/** Keys that no version of the document is known to have. */
export function unknownKeysOf(config: RunConfig): readonly string[] {
  return Object.keys(config).filter((key) => !KNOWN_KEYS.has(key.toLowerCase()));
}

/** Identity of the workload on disk and as a container. */
export function baseNameOf(config: RunConfig): string {
  return config.base_name || config.name;
}

export function containerNameOf(config: RunConfig): string {
  return config.container_name || baseNameOf(config);
}

/** spec 02 §1.5: only stdio servers have a mode of their own; a stored document without one means streamable-http. */
function effectiveProxyMode(transport: Transport, configured: string | undefined): ProxyMode {
  if (transport !== 'stdio') return transport;
  return configured === 'sse' ? 'sse' : 'streamable-http';
}

/** Keys match in any case, as the reference's decoder matches them. */
function withKnownKeys(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  return Object.fromEntries(
    Object.entries(raw).map(([key, value]) => [KNOWN_KEYS.get(key.toLowerCase()) ?? key, value]),
  );
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
