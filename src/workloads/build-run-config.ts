import { isDeepStrictEqual } from 'node:util';
import type { TokenExchangeConfig } from '../middleware/index.ts';
import { NO_OIDC, storedFrom } from '../oidc/index.ts';
import { formatDuration } from '../platform/index.ts';
import {
  asksForTokens,
  formatSecretParameter,
  namedRuntime,
  type PermissionProfile,
  type RunConfig,
  type SecretParameter,
  standardLabels,
  type WorkloadKind,
  type WorkloadName,
} from '../records/index.ts';
import type { EntryHeader, EntryVariable } from '../registry/index.ts';
import { formatPublish, networkProfile, transportEnvironment } from '../sandbox/index.ts';
import type { StoredAuthorization } from './authorization.ts';
import type { RunPlan } from './plan-run.ts';
import type { StoredAudit } from './resolve-audit.ts';
import type { StoredWebhooks } from './resolve-webhooks.ts';
import type { CallerSettings, RunRequest, ServerSettings } from './run-request.ts';
import type { RemoteSubject } from './subject.ts';
import type { ToolsOverride } from './tools-override.ts';

/** From a request and all that was found for it to the document that is saved (spec 02 §1). Pure: asks nobody, reads nothing. */

/** What was found for any kind of server. */
interface Resolved {
  readonly name: WorkloadName;
  readonly plan: Pick<RunPlan, 'transport' | 'stateless' | 'origin'>;
  /** IPv4 address that the proxy listens on. */
  readonly host: string;
  /** Port of the proxy. */
  readonly port: number;
  /** Port of the server; 0 for stdio. */
  readonly targetPort: number;
  readonly toolsOverride: ToolsOverride;
  readonly authorization: StoredAuthorization | undefined;
  readonly locksTools: boolean;
  readonly audit: StoredAudit | undefined;
  readonly tokenExchange: TokenExchangeConfig | undefined;
  readonly webhooks: StoredWebhooks;
  /** Whether tool calls are counted for usage metrics (spec 09 §9.2). */
  readonly countsToolCalls: boolean;
}

export interface ResolvedServer extends Resolved {
  readonly image: string;
  readonly kind: WorkloadKind;
  readonly serverArguments: readonly string[];
  /** With the user's mounts and network in it. */
  readonly profile: PermissionProfile;
  readonly isIsolated: boolean;
  /** Given, from files, and what the source declares. */
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretParameter[];
}

export interface ResolvedRemote extends Resolved {
  /** With what the registry's entry declares. */
  readonly headers: Readonly<Record<string, string>>;
  readonly headerSecrets: Readonly<Record<string, string>>;
}

/** The document of a server that is run here. */
export function buildRunConfig(
  request: RunRequest,
  server: ServerSettings,
  resolved: ResolvedServer,
): RunConfig {
  const { kind, profile, image, isIsolated } = resolved;
  const { jsRuntime, limits, permissions, ignore, noSandbox, allowInstallScripts } = server;
  const { learnedPermissionsFile, imageVerification } = server;
  return withDerived(
    {
      ...commonConfig(request, resolved),
      image,
      ...namedRuntime(kind),
      ...(noSandbox ? { no_sandbox: true } : {}),
      ...(allowInstallScripts ? { allow_install_scripts: true } : {}),
      ...(learnedPermissionsFile === undefined ? {} : { learn_permissions: learnedPermissionsFile }),
      ...(jsRuntime === undefined || jsRuntime === 'auto' ? {} : { js_runtime: jsRuntime }),
      ...(limits === undefined ? {} : { resource_limits: limits }),
      cmd_args: [...resolved.serverArguments],
      target_host: server.targetHost,
      publish: server.publish.map(formatPublish),
      ...(permissions?.kind === 'named' ? { permission_profile_name_or_path: permissions.nameOrPath } : {}),
      permission_profile: profile,
      isolate_network: isIsolated,
      ...(server.allowDockerGateway ? { allow_docker_gateway: true } : {}),
      env_vars: resolved.environment,
      volumes: server.volumes.map(({ text }) => text),
      secrets: resolved.secrets.map(formatSecretParameter),
      ...(ignore === undefined ? {} : { ignore_config: ignoreConfig(ignore) }),
      runtime_config: server.runtimeOverride,
      ...(imageVerification === undefined || imageVerification === 'warn'
        ? {}
        : { image_verification: imageVerification }),
    },
    request,
  );
}

/** What is the same for every remote server until signing in to one is asked for (spec 02 §1.9). */
const TIMEOUT_NANOSECONDS = 30_000_000_000;
const CALLBACK_PORT = 8666;
/** The reference's zero time, which it always writes. */
const NEVER = '0001-01-01T00:00:00Z';

/** The document of a server that is reached by its URL (spec 06 §1.3, §1.4). */
export function buildRemoteConfig(
  request: RunRequest,
  { url, image, entry, settings }: RemoteSubject,
  resolved: ResolvedRemote,
): RunConfig {
  return withDerived(
    {
      ...commonConfig(request, resolved),
      image,
      remote_url: url,
      target_host: new URL(url).host,
      permission_profile: networkProfile(),
      ignore_config: ignoreConfig({ loadGlobal: true, printOverlays: false }),
      remote_auth_config: {
        timeout: TIMEOUT_NANOSECONDS,
        callback_port: CALLBACK_PORT,
        use_pkce: false,
        ...declared('headers', settings.declaredHeaders ?? entry?.headers.map(withoutBlanks)),
        ...declared('env_vars', entry?.env_vars.map(withoutBlanks)),
        cached_token_expiry: NEVER,
        cached_secret_expiry: NEVER,
      },
      header_forward: {
        ...declared('add_plaintext_headers', resolved.headers),
        ...declared('add_headers_from_secret', resolved.headerSecrets),
      },
    },
    request,
  );
}

function commonConfig({ proxy, group, debug }: RunRequest, resolved: Resolved): RunConfig {
  const { name, host, port, targetPort, toolsOverride, authorization, audit, webhooks } = resolved;
  const exchange = resolved.tokenExchange && storedExchange(resolved.tokenExchange);
  const { transport, stateless, origin } = resolved.plan;
  const ofCallers = callersConfig(proxy.callers);
  return {
    schema_version: 'v0.1.0',
    image: '',
    ...origin,
    cmd_args: [],
    name,
    container_name: name,
    base_name: name,
    transport,
    host,
    port,
    target_port: targetPort,
    allowed_origins: [...proxy.allowedOrigins],
    publish: [],
    env_vars: {},
    ...(debug ? { debug: true } : {}),
    volumes: [],
    container_labels: {},
    secrets: [],
    isolate_network: false,
    trust_proxy_headers: proxy.trustProxyHeaders,
    strict_protocol_validation: proxy.strictProtocolValidation,
    stateless,
    session_ttl: proxy.sessionTtlMs === 0 ? '' : formatDuration(proxy.sessionTtlMs),
    proxy_mode: transport === 'stdio' ? proxy.mode : transport,
    group,
    tools_filter: [...proxy.tools],
    tools_override: toolsOverride,
    ...(resolved.locksTools ? { tools_locked: true } : {}),
    ...(authorization === undefined
      ? {}
      : { authz_config: authorization.document, authz_config_path: authorization.path }),
    endpoint_prefix: proxy.endpointPrefix,
    ...(audit === undefined ? {} : { audit_config: audit.config }),
    ...(audit === undefined || audit.path === '' ? {} : { audit_config_path: audit.path }),
    ...ofCallers.fields,
    ...(exchange === undefined ? {} : { token_exchange_config: exchange }),
    ...webhookKeys(webhooks),
    middleware_configs: [
      ...auditEntry(audit, name, transport),
      ...toolFilters(proxy.tools, toolsOverride),
      { type: 'auth', parameters: ofCallers.parameters },
      ...(exchange === undefined
        ? []
        : [{ type: 'tokenexchange', parameters: { token_exchange_config: exchange } }]),
      { type: 'mcp-parser', parameters: {} },
      ...(resolved.countsToolCalls ? [{ type: 'usagemetrics', parameters: {} }] : []),
      ...webhookEntries(webhooks, name, transport),
      ...authorizationStep(authorization),
      { type: 'recovery', parameters: null },
    ],
  };
}

/** With what follows from the rest: variables that tell the server its transport, and labels. */
function withDerived(config: RunConfig, { labels }: RunRequest): RunConfig {
  const { transport, port, name } = config;
  // MCP_HOST is given to the container but not stored (spec 02 §8).
  const { MCP_HOST: _, ...ofTransport } = transportEnvironment(config);
  return {
    ...config,
    env_vars: { ...config.env_vars, ...ofTransport },
    container_labels: {
      ...labels,
      ...standardLabels({ containerName: name, baseName: name, transport, port }),
    },
  };
}

/** Fields of their own, and the chain once more: older versions, which cannot check tokens, refuse to run it. */
function callersConfig({ oidc, resourceUrl, requireToken, forwardAuthorization }: CallerSettings) {
  const stored = storedFrom(oidc, resourceUrl);
  const asks = asksForTokens(stored);
  const required = requireToken ? { require_token: true } : {};
  return {
    fields: {
      ...(resourceUrl !== '' || !isDeepStrictEqual(oidc, NO_OIDC) ? { oidc_config: stored } : {}),
      ...(oidc.caBundle === '' ? {} : { thv_ca_bundle: oidc.caBundle }),
      ...(oidc.authTokenFile === '' ? {} : { jwks_auth_token_file: oidc.authTokenFile }),
      ...required,
      ...(forwardAuthorization ? { forward_authorization: true } : {}),
    },
    parameters: { ...(asks ? { oidc_config: stored } : {}), ...required },
  };
}

function ignoreConfig({ loadGlobal, printOverlays }: NonNullable<ServerSettings['ignore']>) {
  return { LoadGlobal: loadGlobal, PrintOverlays: printOverlays };
}

function webhookKeys({ validating, mutating }: StoredWebhooks) {
  return {
    ...(validating.length === 0 ? {} : { validating_webhooks: [...validating] }),
    ...(mutating.length === 0 ? {} : { mutating_webhooks: [...mutating] }),
  };
}

function webhookEntries(
  { validating, mutating }: StoredWebhooks,
  server_name: string,
  transport: RunConfig['transport'],
): RunConfig['middleware_configs'] {
  const entry = (type: string, webhooks: readonly object[]) =>
    webhooks.length === 0 ? [] : [{ type, parameters: { webhooks: [...webhooks], server_name, transport } }];
  return [...entry('mutating-webhook', mutating), ...entry('validating-webhook', validating)];
}

/** The first four keys always, the others if they say something (spec 02 §1.4). */
function storedExchange(config: TokenExchangeConfig): Readonly<Record<string, unknown>> {
  const { token_url, client_id, client_secret, audience, ...rest } = config;
  const said = Object.entries(rest).filter(([, value]) => value !== '' && !isDeepStrictEqual(value, []));
  return { token_url, client_id, client_secret, audience, ...Object.fromEntries(said) };
}

function auditEntry(
  audit: StoredAudit | undefined,
  component: string,
  transport: RunConfig['transport'],
): RunConfig['middleware_configs'] {
  if (audit === undefined) return [];
  const path = audit.path === '' ? {} : { config_path: audit.path };
  const parameters = { ...path, config_data: audit.config, component, transport_type: transport };
  return [{ type: 'audit', parameters }];
}

/** As the reference stores them (spec 02 §1.6): both or none, with equal parameters. */
function toolFilters(tools: readonly string[], override: ToolsOverride): RunConfig['middleware_configs'] {
  const overrides = Object.entries(override);
  if (tools.length === 0 && overrides.length === 0) return [];
  const parameters = {
    filter_tools: tools.length === 0 ? null : [...tools],
    tools_override: Object.fromEntries(
      overrides.map(([actual, { name = '', description = '' }]) => [actual, { name, description }]),
    ),
  };
  return [
    { type: 'tool-filter', parameters },
    { type: 'tool-call-filter', parameters },
  ];
}

function authorizationStep(authorization: StoredAuthorization | undefined): RunConfig['middleware_configs'] {
  if (authorization === undefined) return [];
  const { document, path } = authorization;
  return [{ type: 'authorization', parameters: { config_path: path, config_data: document } }];
}

/** As the reference writes it: `name`, `description` and `required` always, the rest if it says something. */
function withoutBlanks({
  name,
  description,
  required,
  ...rest
}: EntryVariable | EntryHeader): Readonly<Record<string, unknown>> {
  const isSaid = ([, value]: readonly [string, unknown]) =>
    Array.isArray(value) ? value.length > 0 : value !== '' && value !== false;
  return { name, description, required, ...Object.fromEntries(Object.entries(rest).filter(isSaid)) };
}

function declared(key: string, value: object | undefined): Readonly<Record<string, object>> {
  return value === undefined || Object.keys(value).length === 0 ? {} : { [key]: value };
}
