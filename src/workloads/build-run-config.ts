import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, ThvError, within } from '../errors/index.ts';
import { findFreePort, formatDuration, isPortAvailable, type Logger } from '../platform/index.ts';
import {
  findSecretParameter,
  networkPolicyOf,
  type PermissionProfile,
  parseLabel,
  type RunConfig,
  requireSound,
  standardLabels,
  type WorkloadName,
} from '../records/index.ts';
import {
  networkProfile,
  parsePublish,
  transportEnvironment,
  volumesOf,
  withAbsoluteSources,
  withNetworkMode,
  withVolumes,
} from '../sandbox/index.ts';
import { checkLimits } from './check-limits.ts';
import { collectEnvironment } from './environment.ts';
import type { Filled } from './fill-environment.ts';
import type { RunPlan } from './plan-run.ts';
import { type Runtime, requireProcessNetwork } from './runtime.ts';
import type { ToolsOverride } from './tools-override.ts';
import type { RunRequest } from './types.ts';

interface BuildFacts {
  readonly name: WorkloadName;
  /** Asked for when nothing else can be wrong: what it names may have to be built or installed first (spec 01 §14-2). */
  readonly image: (profile: PermissionProfile) => Promise<string>;
  /** Absent: in a container. */
  readonly runtime?: Runtime['kind'];
  /** The workload's own port while it is given other settings: taken, but by itself. */
  readonly ownPort?: number | undefined;
  readonly plan: RunPlan;
  readonly toolsOverride: ToolsOverride;
  /** For usage metrics (spec 09 §9.2). */
  readonly countsToolCalls: boolean;
  /** Values for what the source declares and the user did not give. */
  readonly fill: (provided: ReadonlySet<string>) => Promise<Filled>;
  /** Ports that other workloads come back to when they are started. */
  readonly reservedPorts: ReadonlySet<number>;
  readonly logger: Logger;
}

/**
 * From a checked request to the document that is saved (spec 02 §1). Nothing is written or started here, so whatever is
 * wrong leaves nothing behind. Throws with the prefixes of spec 01 §4.4.
 */
export async function buildRunConfig(request: RunRequest, facts: BuildFacts): Promise<RunConfig> {
  const host = await resolveHost(request.host);
  const { plan, toolsOverride } = facts;
  const { transport } = plan;
  const given = await collectEnvironment(
    { flags: request.environment, file: request.environmentFile, folder: request.environmentFolder },
    facts.logger,
  );
  const profile = await within('failed to validate run config', () => checkSettings(request, facts));
  const secretTargets = request.secrets.flatMap((text) => findSecretParameter(text)?.target ?? []);
  const filled = await within('failed to validate environment variables', () =>
    facts.fill(new Set([...Object.keys(given), ...secretTargets])),
  );
  await within('failed to validate run config', () =>
    requireSound({
      env_vars: { ...filled.environment, ...given },
      secrets: [...filled.secrets, ...request.secrets],
      cmd_args: [...plan.serverArguments],
      volumes: [...request.volumes],
    }),
  );
  const image = await facts.image(profile);
  return await within('failed to validate run config', async () => {
    const port = await chooseProxyPort(request, plan, facts);
    const config: RunConfig = {
      schema_version: 'v0.1.0',
      image,
      ...(facts.runtime === 'process' ? { runtime: facts.runtime } : {}),
      ...(request.noSandbox ? { no_sandbox: true } : {}),
      ...(request.allowInstallScripts ? { allow_install_scripts: true } : {}),
      ...(request.jsRuntime === undefined || request.jsRuntime === 'auto'
        ? {}
        : { js_runtime: request.jsRuntime }),
      ...(request.resourceLimits === undefined ? {} : { resource_limits: request.resourceLimits }),
      ...plan.origin,
      cmd_args: [...plan.serverArguments],
      name: facts.name,
      container_name: facts.name,
      base_name: facts.name,
      transport,
      host,
      port,
      target_port:
        transport === 'stdio'
          ? 0
          : plan.targetPort || (await findFreePort(new Set([...facts.reservedPorts, port]))),
      target_host: request.targetHost,
      allowed_origins: [...request.allowedOrigins],
      publish: [...request.publish],
      ...(request.permissionProfile === undefined
        ? {}
        : { permission_profile_name_or_path: request.permissionProfile }),
      permission_profile: profile,
      env_vars: {},
      ...(request.debug ? { debug: true } : {}),
      volumes: [...request.volumes],
      container_labels: {},
      secrets: [...filled.secrets, ...request.secrets],
      isolate_network: false,
      trust_proxy_headers: request.trustProxyHeaders,
      strict_protocol_validation: request.strictProtocolValidation,
      stateless: plan.stateless,
      session_ttl: request.sessionTtlMs === 0 ? '' : formatDuration(request.sessionTtlMs),
      proxy_mode: transport === 'stdio' ? request.proxyMode : transport,
      group: request.group,
      tools_filter: [...request.tools],
      tools_override: toolsOverride,
      ...(request.ignore === undefined
        ? {}
        : {
            ignore_config: {
              LoadGlobal: request.ignore.loadGlobal,
              PrintOverlays: request.ignore.printOverlays,
            },
          }),
      endpoint_prefix: request.endpointPrefix,
      runtime_config: request.runtimeOverride,
      middleware_configs: [
        ...toolFilters(request.tools, toolsOverride),
        { type: 'auth', parameters: {} },
        { type: 'mcp-parser', parameters: {} },
        ...(facts.countsToolCalls ? [{ type: 'usagemetrics', parameters: {} }] : []),
        { type: 'recovery', parameters: null },
      ],
    };
    return {
      ...config,
      // MCP_HOST is given to the container but not stored (spec 02 §8).
      env_vars: { ...filled.environment, ...given, ...withoutHost(transportEnvironment(config)) },
      container_labels: {
        ...parseLabels(request.labels, facts.logger),
        ...standardLabels({ containerName: facts.name, baseName: facts.name, transport, port }),
      },
    };
  });
}

/** What can be wrong with a request before anybody is asked for values or an image; gives the profile with the user's mounts and network in it. */
async function checkSettings(
  { stateless, publish, volumes, networkMode, proxyPort, resourceLimits }: RunRequest,
  facts: BuildFacts,
): Promise<PermissionProfile> {
  const { transport, permissions } = facts.plan;
  if (stateless && transport === 'stdio') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `--stateless requires streamable-HTTP or SSE transport, got ${transport}`,
    });
  }
  for (const spec of publish) parsePublish(spec);
  checkLimits(resourceLimits, facts.runtime ?? 'container');
  const profile = withNetworkMode(
    withVolumes(withAbsoluteSources(permissions ?? networkProfile()), volumes, facts.logger),
    networkMode,
  );
  if (facts.runtime === 'process') {
    requireProcessNetwork(networkPolicyOf(profile).mode);
    refuseVolumes(profile);
  } else warnAboutProfile(profile, facts);
  // A process without a network is reached all the same, through a socket that it is handed.
  if (
    facts.runtime !== 'process' &&
    transport !== 'stdio' &&
    networkPolicyOf(profile).connection === 'none'
  ) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a server with transport ${transport} cannot be reached with network mode "none"` },
      { hint: 'use --transport stdio, or another --network' },
    );
  }
  if (proxyPort !== 0 && proxyPort !== facts.ownPort) await requireFree(proxyPort);
  return profile;
}

/** Named volumes are the engine's. Throws `ERR_INPUT_INVALID`. */
function refuseVolumes(profile: PermissionProfile): void {
  const [volume] = volumesOf(profile);
  if (volume === undefined) return;
  throw new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `the named volume ${volume.name} does not apply to processes: it belongs to a container engine`,
    },
    { hint: `give a folder: -v ./${volume.name}:${volume.target}` },
  );
}

/** What a reader of the profile might believe to be otherwise (spec 03 §15-B10, B20). */
function warnAboutProfile(profile: PermissionProfile, { name, logger }: BuildFacts): void {
  const { connection, outbound } = networkPolicyOf(profile);
  if (outbound.type !== 'everything' && connection !== 'none') {
    logger.warn('outbound traffic is not restricted: the rules of a profile need network isolation', {
      workload: name,
      profile: profile.name ?? '',
    });
  }
  if (profile.privileged) logger.warn('the container runs privileged', { workload: name });
}

/** As the reference stores them (spec 02 §1.6): both or none, with equal parameters. */
function toolFilters(
  tools: readonly string[],
  override: Readonly<Record<string, { readonly name?: string; readonly description?: string }>>,
): RunConfig['middleware_configs'] {
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

/** An IPv4 address, or the first one of a host name (spec 01 §4.3). */
async function resolveHost(host: string): Promise<string> {
  const invalid = (why: string, cause?: unknown) =>
    new ThvError('ERR_INPUT_INVALID', { reason: `invalid host: ${host}${why}` }, { cause });
  if (isIP(host) === 4) return host;
  if (isIP(host) === 6) throw invalid(` (IPv6 addresses are not supported: ${host})`);
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch (error) {
    throw invalid(` (${messageOf(error)})`, error);
  }
}

/** The user's port has to be free; one that the source suggests gives way. */
async function chooseProxyPort(
  { proxyPort: requested }: RunRequest,
  { proxyPort: suggested }: RunPlan,
  { ownPort, reservedPorts, logger }: BuildFacts,
): Promise<number> {
  if (ownPort !== undefined && (requested === 0 || requested === ownPort)) return ownPort;
  if (requested !== 0) {
    await requireFree(requested); // again: making the image takes its time
    return requested;
  }
  if (suggested === 0) return findFreePort(reservedPorts);
  if (!reservedPorts.has(suggested) && (await isPortAvailable(suggested))) return suggested;
  logger.warn('the port that the registry suggests is not available, another one is used', {
    port: suggested,
  });
  return findFreePort(reservedPorts);
}

async function requireFree(port: number): Promise<void> {
  if (!(await isPortAvailable(port))) throw new ThvError('ERR_PORT_UNAVAILABLE', { port });
}

function parseLabels(labels: readonly string[], logger: Logger): Record<string, string> {
  const parsed: Record<string, string> = {};
  for (const label of labels) {
    try {
      const [key, value] = parseLabel(label);
      parsed[key] = value;
    } catch (error) {
      logger.warn('Skipping invalid label', { label, error });
    }
  }
  return parsed;
}

function withoutHost({ MCP_HOST: _, ...rest }: Record<string, string>): Record<string, string> {
  return rest;
}
