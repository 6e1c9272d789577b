import { type AuditConfig, DEFAULT_AUDIT, parseAuditConfig } from '../audit/index.ts';
import { parsePackageReference } from '../build/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import { DEFAULT_GROUP } from '../groups/index.ts';
import { NO_OIDC, settingsFrom } from '../oidc/index.ts';
import {
  JS_RUNTIME_CHOICES,
  parseNewWorkloadName,
  parseWorkloadName,
  type ResourceLimits,
  type RunConfig,
  type SecretParameter,
  type Transport,
  variableNameProblem,
  variableValueProblem,
} from '../records/index.ts';
import { parseVolume } from '../sandbox/index.ts';
import {
  type CallerSettings,
  checkToolsOverride,
  createRunRequest,
  type GivenRun,
  type ProxySettings,
  RUNTIMES,
  type RunRequest,
  runtimeOverride,
  type ServerSettings,
  USUAL_PROXY,
  USUAL_SERVER,
  unknownRuntime,
} from '../workloads/index.ts';
import { forwardHeadersOf } from './header-forward.ts';
import type { CreateRequest, UpdateRequest } from './schemas/workload-request.ts';

/** From the wire to the request that the service takes; the checks in the order in which their errors count (spec 10 §11.4). */

const INVALID_CONFIG = 'invalid run configuration provided';
const BUILD = `${INVALID_CONFIG}: Failed to build run config: failed to validate run config`;

/** Steps 2 of spec 10 §11.4. Throws `ERR_INPUT_INVALID`, `ERR_WORKLOAD_NAME_INVALID`. */
export function checkSourceAndName(body: CreateRequest): string {
  if ((body.registry === '') !== (body.server === ''))
    throw invalid("both 'registry' and 'server' must be specified together");
  if (body.image === '' && body.url === '' && body.server === '')
    throw invalid("either 'image', 'url', or 'registry'+'server' fields are required");
  return parseNewWorkloadName(parseWorkloadName(body.name));
}

interface RequestFacts {
  readonly name: string;
  readonly debug: boolean;
  /** Where a new one runs; '' for what the server's environment says. */
  readonly runtime?: string;
  /** What the workload is now, when it is given other settings. */
  readonly present?: RunConfig;
}

/** Throws `ERR_INPUT_INVALID` for what no workload can be, and `createRunRequest`'s. */
export function toRunRequest(body: UpdateRequest, facts: RequestFacts): RunRequest {
  const transport = body.transport === '' ? undefined : transportOf(body.transport);
  if (body.target_port < 0 || body.target_port > 65_535)
    throw invalid(
      `${BUILD}: invalid value for target_port: ${body.target_port} (must be between 0 and 65535)`,
    );
  refuseWhatIsNotDone(body);
  const given: GivenRun = {
    source: body.url === '' ? body.image : body.url,
    name: facts.name,
    group: body.group === '' ? DEFAULT_GROUP : body.group,
    transport,
    fallbackTransport: 'stdio',
    labels: {},
    proxy: {
      ...USUAL_PROXY,
      mode: proxyModeOf(body.proxy_mode),
      port: body.proxy_port,
      host: body.host === '' ? USUAL_PROXY.host : body.host,
      trustProxyHeaders: body.trust_proxy_headers,
      tools: body.tools,
      audit: body.audit_config && { kind: 'config', config: auditOf(body.audit_config) },
      toolsOverride: checked(() => checkToolsOverride(body.tools_override)),
      authzConfigFile: body.authz_config === '' ? undefined : body.authz_config,
      callers: callersOf(body, facts.present),
    },
    server: serverOf(body, facts),
    remote: {
      ...forwardHeadersOf(body, INVALID_CONFIG),
      declaredHeaders: body.headers.length === 0 ? undefined : body.headers,
      image: body.url === '' ? undefined : body.image,
    },
    debug: facts.debug,
  };
  return createRunRequest(given, facts.present);
}

/** What a request has no member for stays as it is while tokens are asked for; so does a client secret, which is never told. */
function callersOf({ oidc, require_token }: UpdateRequest, present: RunConfig | undefined): CallerSettings {
  const rest = {
    requireToken: require_token ?? present?.require_token ?? false,
    forwardAuthorization: present?.forward_authorization ?? false,
  };
  if (oidc === undefined || !isGiven(oidc)) return { ...USUAL_PROXY.callers, ...rest };
  const stored = present?.oidc_config;
  const kept = stored ? settingsFrom(stored, stored.ClientSecret) : NO_OIDC;
  return {
    ...rest,
    oidc: {
      ...kept,
      issuer: oidc.issuer,
      audience: oidc.audience,
      jwksUrl: oidc.jwks_url,
      introspectionUrl: oidc.introspection_url,
      clientId: oidc.client_id,
      clientSecret: oidc.client_secret || (oidc.client_id === kept.clientId ? kept.clientSecret : ''),
      scopes: oidc.scopes,
    },
    resourceUrl: oidc.resource_url || (stored?.ResourceURL ?? ''),
  };
}

function serverOf(body: UpdateRequest, { runtime = '', present }: RequestFacts): ServerSettings {
  const { permission_profile: profile, volumes, cmd_arguments } = body;
  const environment = environmentOf(body.env_vars);
  const secrets = secretsOf(body.secrets);
  return {
    ...USUAL_SERVER,
    runtime: runtimeOf(runtime),
    jsRuntime: jsRuntimeOf(body.js_runtime),
    limits: limitsOf(body.resource_limits),
    arguments: cmd_arguments,
    targetPort: body.target_port,
    environment,
    secrets,
    volumes: checked(() => volumes.map((volume) => parseVolume(volume))),
    permissions: profile === undefined ? undefined : { kind: 'profile', profile },
    isolation: body.network_isolation ? 'wanted' : 'none',
    allowDockerGateway: body.allow_docker_gateway,
    runtimeOverride: overrideOf(body, present !== undefined && isBuiltAlike(body, present)),
  };
}

/** What `parse` gives; what it refuses is told as the reference tells it. */
function checked<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (hasCode(error, 'ERR_INPUT_INVALID')) throw invalid(`${BUILD}: ${error.facts.reason}`);
    throw error;
  }
}

function auditOf(given: Readonly<Record<string, unknown>>): AuditConfig {
  if (Object.keys(given).length === 0) return DEFAULT_AUDIT;
  return checked(() => parseAuditConfig(given));
}

/** Empty is the same as absent. */
function limitsOf({
  memory,
  cpus,
  pids,
}: NonNullable<UpdateRequest['resource_limits']> = {}): ResourceLimits | undefined {
  const limits: ResourceLimits = {
    ...(memory ? { memory: memory.toLowerCase() } : {}),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pids === undefined ? {} : { pids }),
  };
  return Object.keys(limits).length === 0 ? undefined : limits;
}

const BUILDING = ['STEP_RUN_CONFIG', 'STEP_ENVIRONMENT', 'STEP_HEADERS'] as const;
const BAD_SCHEME = 'failed to retrieve MCP server image: invalid protocol scheme provided for MCP server';

/** An error of building the run config with the words the reference puts before it (spec 10 §11.2). */
export function inRequestContext(thrown: unknown, prefix?: string): unknown {
  const error = asInput(thrown);
  if (!(error instanceof ThvError) || error.status !== 400) return error;
  const isBuilding = BUILDING.some((step) => error.inside(step) !== undefined);
  const named = isBuilding ? error.within(`${INVALID_CONFIG}: Failed to build run config`) : error;
  return prefix === undefined ? named : named.within(prefix);
}

/** What is missing behind a name in the request is the fault of the request, not of the path (spec 10 §20-10). */
function asInput(error: unknown): unknown {
  if (!(error instanceof ThvError)) return error;
  const input = (reason: string) => new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
  if (MISSING.has(error.code)) return input(error.sentence);
  // What stands in config.yaml is not the request's.
  if (hasCode(error, 'ERR_RUNTIME_CONFIG_INVALID') && error.facts.from === 'request')
    return input(`${INVALID_CONFIG}: runtime_config: ${error.facts.reason.replaceAll('\n', '; ')}`);
  if (hasCode(error, 'ERR_PACKAGE_INVALID')) return input(`${BAD_SCHEME}: ${error.facts.reason}`);
  const build = error.inside('STEP_PACKAGE_IMAGE');
  // A build that failed is told in full; an engine that is gone stays what it is.
  return build !== undefined && error.status < 503 ? input(`${BAD_SCHEME}\n${build.sentence}`) : error;
}

const MISSING: ReadonlySet<string> = new Set([
  'ERR_GROUP_NOT_FOUND',
  'ERR_SECRET_NOT_FOUND',
  'ERR_SECRETS_NOT_SET_UP',
]);

function transportOf(text: string): Transport {
  const lower = text === text.toUpperCase() ? text.toLowerCase() : text;
  switch (lower) {
    case 'stdio':
    case 'sse':
    case 'streamable-http':
      return lower;
    default:
      throw invalid(
        `${BUILD}: invalid transport mode: ${text}. Valid modes are: sse, streamable-http, stdio`,
      );
  }
}

function runtimeOf(text: string): ServerSettings['runtime'] {
  if (text === '') return undefined;
  const runtime = RUNTIMES.find((known) => known === text);
  if (runtime !== undefined) return runtime;
  throw invalid(`${INVALID_CONFIG}: ${unknownRuntime(text)}`);
}

function jsRuntimeOf(text: string): ServerSettings['jsRuntime'] {
  if (text === '') return undefined;
  const runtime = JS_RUNTIME_CHOICES.find((known) => known === text);
  if (runtime !== undefined) return runtime;
  throw invalid(`${INVALID_CONFIG}: invalid js_runtime: ${text} (must be auto, node or bun)`);
}

function proxyModeOf(text: string): ProxySettings['mode'] {
  if (text === '' || text === 'sse') return 'sse';
  if (text === 'streamable-http') return text;
  throw invalid(`${INVALID_CONFIG}: Invalid proxy_mode: ${text}`);
}

function environmentOf(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(variables)) {
    const problem =
      key === ''
        ? 'invalid environment variable name: ""'
        : (variableNameProblem(key) ?? variableValueProblem(key, value));
    if (problem !== undefined) throw invalid(`${BUILD}: ${problem}`);
  }
  return variables;
}

function secretsOf(references: UpdateRequest['secrets']): readonly SecretParameter[] {
  for (const { name, target } of references) {
    if (name === '' || target === '' || name.includes(','))
      throw invalid(`${INVALID_CONFIG}: a secret needs a name without commas and a target`);
    const problem = variableNameProblem(target);
    if (problem !== undefined) throw invalid(`${BUILD}: ${problem}`);
  }
  return references;
}

/** An image that was built stays as it is when it is sent back with what it was built by (spec 10 §11.6). */
function isBuiltAlike({ image, runtime_config }: UpdateRequest, present: RunConfig): boolean {
  const stored = present.runtime_config;
  const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);
  return image === present.image && same(runtimeOverride(runtime_config), runtimeOverride(stored));
}

/** How the image of a package is built (spec 10 §11.6). */
function overrideOf({ image, url, runtime_config }: UpdateRequest, keepsBuild: boolean) {
  const override = runtimeOverride(runtime_config);
  if (!keepsBuild && override !== undefined && (url !== '' || parsePackageReference(image) === undefined))
    throw invalid(`${INVALID_CONFIG}: runtime_config is only supported for protocol-scheme images`);
  return override;
}

/** Protection and sources that are asked for and cannot be given are refused, never left out in silence. */
function refuseWhatIsNotDone(body: UpdateRequest): void {
  const asked: readonly (readonly [string, boolean])[] = [
    ['oauth_config', isGiven(withoutDefaults(body.oauth_config))],
    ['headers', body.headers.length > 0 && body.url === ''],
  ];
  const refused = asked.filter(([, isAsked]) => isAsked).map(([field]) => field);
  if (refused.length > 0)
    throw invalid(`${INVALID_CONFIG}: this version does not support ${refused.join(', ')} for workloads`);
}

/** What is left of `oauth_config` without the values that a client sends who wants no sign-in: the usual port, and PKCE. */
function withoutDefaults(config: UpdateRequest['oauth_config']): object | undefined {
  if (config === undefined) return undefined;
  const { use_pkce: _, callback_port: port, ...asked } = config;
  return port === USUAL_CALLBACK_PORT ? asked : { ...asked, port };
}

/** Default of `--remote-auth-callback-port` (spec 01 §4.3). */
const USUAL_CALLBACK_PORT = 8666;

/** Whether an object says anything: texts, lists and maps that are empty, 0 and false do not. */
function isGiven(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return false;
  return typeof value === 'object' ? Object.values(value).some(isGiven) : true;
}

function invalid(reason: string): ThvError {
  return new ThvError('ERR_INPUT_INVALID', { reason });
}
