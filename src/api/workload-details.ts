import * as v from 'valibot';
import { findSecretParameter, type ResourceLimits, type RunConfig } from '../records/index.ts';
import type { WorkloadDetails } from './schemas/workload-request.ts';

/** The stored configuration in the shape of a request (spec 10 §11.5). */
export function toDetails(config: RunConfig): WorkloadDetails {
  const { group, remote_url: url } = config;
  const rest: Readonly<Record<string, unknown>> = config;
  return {
    name: config.name,
    image: config.image,
    host: config.host,
    cmd_arguments: orNull(config.cmd_args),
    target_port: config.target_port,
    proxy_port: config.port,
    env_vars: orNull(config.env_vars),
    // What has another form is left out.
    secrets: (config.secrets ?? []).flatMap((text) => findSecretParameter(text) ?? []),
    volumes: orNull(config.volumes),
    transport: config.transport,
    authz_config: config.authz_config_path ?? '',
    oidc: oidcOf(rest['oidc_config']),
    ...(config.require_token ? { require_token: true } : {}),
    permission_profile: config.permission_profile ?? null,
    proxy_mode: config.proxy_mode,
    network_isolation: config.isolate_network,
    trust_proxy_headers: config.trust_proxy_headers,
    tools: orNull(config.tools_filter),
    tools_override: orNull(config.tools_override),
    oauth_config: oauthOf(rest['remote_auth_config']),
    ...(config.allow_docker_gateway ? { allow_docker_gateway: true } : {}),
    ...(group ? { group } : {}),
    ...(url ? { url } : {}),
    ...(config.header_forward ? { header_forward: headerForwardOf(config.header_forward) } : {}),
    ...headersOf(rest['remote_auth_config']),
    ...(config.audit_config ? { audit_config: config.audit_config } : {}),
    ...(config.js_runtime ? { js_runtime: config.js_runtime } : {}),
    ...(config.resource_limits ? { resource_limits: limitsOf(config.resource_limits) } : {}),
    ...(config.runtime_config ? { runtime_config: runtimeOf(config.runtime_config) } : {}),
  };
}

function limitsOf({ memory, cpus, pids }: ResourceLimits): WorkloadDetails['resource_limits'] {
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  };
}

function runtimeOf(stored: NonNullable<RunConfig['runtime_config']>): WorkloadDetails['runtime_config'] {
  return {
    builder_image: stored.builder_image ?? '',
    additional_packages: stored.additional_packages ?? [],
    build_with: stored.build_with ?? [],
    runtime_env: stored.runtime_env ?? {},
  };
}

function headerForwardOf(
  stored: NonNullable<RunConfig['header_forward']>,
): WorkloadDetails['header_forward'] {
  return {
    add_plaintext_headers: stored.add_plaintext_headers ?? {},
    add_headers_from_secret: stored.add_headers_from_secret ?? {},
  };
}

/** What a registry says of a remote server's headers. */
function headersOf(stored: unknown): Pick<WorkloadDetails, 'headers'> {
  const parsed = v.safeParse(v.object({ headers: v.array(v.looseObject({ name: v.string() })) }), stored);
  return parsed.success ? { headers: parsed.output.headers } : {};
}

function orNull<Value extends object>(value: Value | null | undefined): Value | null {
  return value === null || value === undefined || Object.keys(value).length === 0 ? null : value;
}

function reader(value: unknown) {
  const members = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  return {
    text: (key: string) => (typeof members[key] === 'string' ? members[key] : ''),
    texts: (key: string) => (Array.isArray(members[key]) ? members[key].map(String) : []),
    flag: (key: string) => members[key] === true,
    number: (key: string) => (typeof members[key] === 'number' ? members[key] : 0),
    map: (key: string) => {
      const map = members[key];
      const entries = typeof map === 'object' && map !== null ? Object.entries(map) : [];
      return Object.fromEntries(entries.map(([name, text]) => [name, String(text)]));
    },
  };
}

/** Keys of the stored object: spec 02 §1.4. A secret is stored as a reference; anything else is not told. */
function oidcOf(stored: unknown): WorkloadDetails['oidc'] {
  const { text, texts } = reader(stored);
  const secret = text('ClientSecret');
  return {
    issuer: text('Issuer'),
    audience: text('Audience'),
    jwks_url: text('JWKSURL'),
    introspection_url: text('IntrospectionURL'),
    client_id: text('ClientID'),
    client_secret: findSecretParameter(secret) === undefined ? '' : secret,
    scopes: orNull(texts('Scopes')),
    ...(text('ResourceURL') === '' ? {} : { resource_url: text('ResourceURL') }),
  };
}

/** Keys of the stored object: spec 02 §1.3. */
function oauthOf(stored: unknown): WorkloadDetails['oauth_config'] {
  const { text, texts, flag, number, map } = reader(stored);
  const clientSecret = findSecretParameter(text('client_secret'));
  const bearerToken = findSecretParameter(text('bearer_token'));
  return {
    issuer: text('issuer'),
    authorize_url: text('authorize_url'),
    token_url: text('token_url'),
    client_id: text('client_id'),
    ...(clientSecret === undefined ? {} : { client_secret: clientSecret }),
    ...(bearerToken === undefined ? {} : { bearer_token: bearerToken }),
    scopes: texts('scopes'),
    use_pkce: flag('use_pkce'),
    oauth_params: map('oauth_params'),
    callback_port: number('callback_port'),
    skip_browser: flag('skip_browser'),
    resource: text('resource'),
  };
}
