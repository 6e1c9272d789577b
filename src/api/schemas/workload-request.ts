import * as v from 'valibot';
import { PermissionProfileSchema, ResourceLimitsSchema } from '../../records/index.ts';
import { named } from './names.ts';

/** What a client asks for when it creates or edits a workload (spec 10 §11.2). Absent and empty mean the same. */

const Text = v.optional(v.string(), '');
const Texts = v.optional(v.array(v.string()), []);
const Switch = v.optional(v.boolean(), false);
const Port = v.optional(v.pipe(v.number(), v.integer()), 0);
const TextMap = v.optional(v.record(v.string(), v.string()), {});

const SecretReference = named('secrets.SecretParameter', v.object({ name: Text, target: Text }));

const ToolOverride = named(
  'pkg_api_v1.toolOverride',
  v.object({ name: v.optional(v.string()), description: v.optional(v.string()) }),
);

const OidcOptions = named(
  'pkg_api_v1.oidcOptions',
  v.object({
    issuer: Text,
    audience: Text,
    jwks_url: Text,
    introspection_url: Text,
    client_id: Text,
    client_secret: v.pipe(
      Text,
      v.description(
        'The value, or NAME,target=oidc_secret for a secret of that name; empty keeps the one there is',
      ),
    ),
    scopes: Texts,
    /** Ours. */
    resource_url: v.pipe(Text, v.description('URL of the server as its clients know it (RFC 9728)')),
  }),
);

const RemoteOAuth = named(
  'pkg_api_v1.remoteOAuthConfig',
  v.object({
    issuer: Text,
    authorize_url: Text,
    token_url: Text,
    client_id: Text,
    client_secret: v.optional(SecretReference),
    bearer_token: v.optional(SecretReference),
    scopes: Texts,
    use_pkce: Switch,
    oauth_params: TextMap,
    callback_port: Port,
    skip_browser: Switch,
    resource: Text,
  }),
);

const HeaderForward = named(
  'pkg_api_v1.headerForwardConfig',
  v.object({ add_plaintext_headers: TextMap, add_headers_from_secret: TextMap }),
);

const Header = v.looseObject({ name: v.string() });

const RuntimeConfig = named(
  'templates.RuntimeConfig',
  v.object({
    builder_image: Text,
    additional_packages: Texts,
    build_with: Texts,
    runtime_env: TextMap,
  }),
);

/** Ours. */
const ResourceLimits = named(
  'thv.ResourceLimits',
  v.object({
    memory: v.pipe(
      ResourceLimitsSchema.entries.memory,
      v.description(
        'A size such as 512m or 2g; `unlimited` means no limit. Default: half of the memory, 4g at most',
      ),
    ),
    cpus: v.pipe(
      ResourceLimitsSchema.entries.cpus,
      v.description('Number of processors; 0 (default) means no limit'),
    ),
    pids: v.pipe(
      ResourceLimitsSchema.entries.pids,
      v.description('Number of processes and threads; 0 means no limit. Default: 2048'),
    ),
  }),
);

/** Ours; the rules of its members are those of a file (spec 05 §16.1). */
const AuditConfig = v.pipe(
  v.looseObject({}),
  v.description(
    'What is audited, as in the file of `thv run --audit-config`; an empty object asks for the usual settings. An edit without it leaves it as it is; `enabled: false` switches it off',
  ),
);

const fields = {
  image: Text,
  runtime_config: v.optional(RuntimeConfig),
  host: Text,
  cmd_arguments: Texts,
  target_port: Port,
  proxy_port: Port,
  env_vars: TextMap,
  secrets: v.optional(v.array(SecretReference), []),
  volumes: Texts,
  transport: v.pipe(Text, v.description('stdio (default), sse or streamable-http')),
  proxy_mode: v.pipe(Text, v.description('sse (default) or streamable-http; applies to stdio servers')),
  network_isolation: Switch,
  permission_profile: v.optional(PermissionProfileSchema),
  authz_config: v.pipe(Text, v.description('Path on the machine of the API server')),
  oidc: v.optional(OidcOptions),
  /** Ours. */
  require_token: v.pipe(
    v.optional(v.boolean()),
    v.description(
      'Callers need an access token of /api/v1beta/tokens, or one of the OIDC provider if there is one. An edit without it keeps what there is',
    ),
  ),
  trust_proxy_headers: Switch,
  allow_docker_gateway: Switch,
  tools: Texts,
  tools_override: v.optional(v.record(v.string(), ToolOverride), {}),
  group: Text,
  url: v.pipe(Text, v.description('URL of a remote server, given instead of `image`')),
  oauth_config: v.optional(RemoteOAuth),
  headers: v.optional(v.array(Header), []),
  header_forward: v.optional(HeaderForward),
  resource_limits: v.optional(ResourceLimits),
  /** Ours. */
  audit_config: v.optional(AuditConfig),
  /** Ours. */
  js_runtime: v.pipe(
    Text,
    v.description(
      "Runtime of an npm package that runs as a process: node (the machine's Node.js), bun (built in) or auto. Default: the setting of the API server",
    ),
  ),
};

export const UpdateRequest = named('pkg_api_v1.updateRequest', v.object(fields));
export type UpdateRequest = v.InferOutput<typeof UpdateRequest>;

export const CreateRequest = named(
  'pkg_api_v1.createRequest',
  v.object({
    ...fields,
    name: Text,
    registry: Text,
    server: Text,
    /** An addition to the reference; an edit does not change it. */
    runtime: v.pipe(
      Text,
      v.description(
        'auto, docker, podman, or process (a package without a container engine). Default: the setting of the API server',
      ),
    ),
  }),
);
export type CreateRequest = v.InferOutput<typeof CreateRequest>;

const orNull = <Schema extends v.GenericSchema>(schema: Schema) => v.nullable(schema);

/** A stored configuration in the shape of a request, so that it can be changed and sent back (spec 10 §11.5). */
export const WorkloadDetails = named(
  'pkg_api_v1.workloadDetails',
  v.object({
    name: v.string(),
    image: v.string(),
    host: v.string(),
    cmd_arguments: orNull(v.array(v.string())),
    target_port: v.number(),
    proxy_port: v.number(),
    env_vars: orNull(v.record(v.string(), v.string())),
    secrets: v.array(v.object({ name: v.string(), target: v.string() })),
    volumes: orNull(v.array(v.string())),
    transport: v.string(),
    authz_config: v.string(),
    oidc: v.object({
      issuer: v.string(),
      audience: v.string(),
      jwks_url: v.string(),
      introspection_url: v.string(),
      client_id: v.string(),
      client_secret: v.string(),
      scopes: v.optional(orNull(v.array(v.string()))),
      resource_url: v.optional(v.string()),
    }),
    require_token: v.optional(v.boolean()),
    permission_profile: orNull(PermissionProfileSchema),
    proxy_mode: v.string(),
    network_isolation: v.boolean(),
    trust_proxy_headers: v.boolean(),
    tools: orNull(v.array(v.string())),
    tools_override: orNull(v.record(v.string(), ToolOverride)),
    oauth_config: RemoteOAuth,
    allow_docker_gateway: v.optional(v.boolean()),
    group: v.optional(v.string()),
    url: v.optional(v.string()),
    runtime_config: v.optional(RuntimeConfig),
    header_forward: v.optional(HeaderForward),
    headers: v.optional(v.array(Header)),
    resource_limits: v.optional(ResourceLimits),
    js_runtime: v.optional(v.string()),
    audit_config: v.optional(AuditConfig),
  }),
);
export type WorkloadDetails = v.InferOutput<typeof WorkloadDetails>;
