import { during, ThvError } from '../errors/index.ts';
import type { Logger } from '../platform/index.ts';
import { networkPolicyOf, type PermissionProfile, type RunConfig, requireSound } from '../records/index.ts';
import type { Runtime } from '../runtimes/index.ts';
import {
  checkProfile,
  formatPublish,
  networkProfile,
  readPermissionProfile,
  volumesOf,
  withAbsoluteSources,
  withNetworkMode,
  withVolumes,
} from '../sandbox/index.ts';
import { requireFitting } from './applicable-flags.ts';
import type { ResolvedServer } from './build-run-config.ts';
import { checkLimits } from './check-limits.ts';
import { collectEnvironment } from './environment.ts';
import type { Filled } from './fill-environment.ts';
import { reconcileIsolation } from './isolation.ts';
import { checkLearnedPath } from './learn.ts';
import type { RunPlan } from './plan-run.ts';
import { checkPort, choosePorts, resolveHost, type Surroundings } from './resolve-proxy.ts';
import type { GivenPermissions, RunRequest, ServerSettings } from './run-request.ts';
import { placeOf } from './runtime.ts';
import { askedOf } from './subject.ts';

export interface ServerFacts {
  readonly surroundings: Surroundings;
  readonly plan: RunPlan;
  readonly runtime: Pick<Runtime, 'kind' | 'runs' | 'requireConnection'>;
  /** What an edit changes. */
  readonly present?: RunConfig | undefined;
  /** Asked for when nothing else can be wrong: what it names may have to be built or installed first (spec 01 §14-2). */
  readonly image: (profile: PermissionProfile) => Promise<string>;
  /** Values for what the source declares and the user did not give. */
  readonly fill: (provided: ReadonlySet<string>) => Promise<Filled>;
  readonly logger: Logger;
}

/**
 * Everything that the document of a server says and the request does not. Nothing is written or started here, so whatever is
 * wrong leaves nothing behind. Throws with the prefixes of spec 01 §4.4.
 */
export async function resolveServer(
  request: RunRequest,
  server: ServerSettings,
  facts: ServerFacts,
): Promise<ResolvedServer> {
  const { plan, runtime, surroundings, logger } = facts;
  const { serverArguments } = plan;
  const host = await resolveHost(request.proxy.host);
  const given = await collectEnvironment(
    { given: server.environment, file: server.environmentFile, folder: server.environmentFolder },
    logger,
  );
  const { profile, isIsolated } = await during('STEP_RUN_CONFIG', () =>
    checkSettings(request, server, facts),
  );
  const targets = server.secrets.map(({ target }) => target);
  const filled = await during('STEP_ENVIRONMENT', () =>
    facts.fill(new Set([...Object.keys(given), ...targets])),
  );
  const environment = { ...filled.environment, ...given };
  const secrets = [...filled.secrets, ...server.secrets];
  await during('STEP_RUN_CONFIG', () => requireSound({ environment, secrets, serverArguments }));
  const image = await facts.image(profile);
  const ports = await during('STEP_RUN_CONFIG', () => choosePorts(request.proxy, plan, surroundings, logger));
  return {
    ...surroundings,
    ...ports,
    plan,
    host,
    image,
    kind: runtime.kind,
    serverArguments,
    profile,
    isIsolated,
    environment,
    secrets,
  };
}

/** The profile that the request brings or names; `undefined` for what the source says. */
export async function permissionsOf(
  given: GivenPermissions | undefined,
): Promise<PermissionProfile | undefined> {
  if (given?.kind === 'named') return await readPermissionProfile(given.nameOrPath);
  if (given !== undefined) checkProfile(given.profile, 'of the request');
  return given?.profile;
}

/**
 * What can be wrong with a request before anybody is asked for values or an image; gives the profile with the user's mounts and
 * network in it, and whether the network is isolated.
 */
async function checkSettings(
  request: RunRequest,
  server: ServerSettings,
  facts: ServerFacts,
): Promise<Pick<ResolvedServer, 'profile' | 'isIsolated'>> {
  const { plan, runtime, present, surroundings, logger } = facts;
  const runsAs = placeOf(runtime);
  const { transport, permissions } = plan;
  if (request.proxy.stateless && transport === 'stdio') {
    throw new ThvError('ERR_INPUT_INVALID', {
      reason: `--stateless requires streamable-HTTP or SSE transport, got ${transport}`,
    });
  }
  requireFitting(askedOf(request, server), transport, present);
  checkLimits(server.limits, runsAs);
  const isLearned = server.learnedPermissionsFile !== undefined;
  if (isLearned) checkLearnedPath(server.learnedPermissionsFile);
  const profile = withNetworkMode(
    withVolumes(withAbsoluteSources(permissions ?? networkProfile()), server.volumes, logger),
    server.networkMode,
  );
  runtime.requireConnection(networkPolicyOf(profile).mode);
  // What a container uses is seen where it goes out.
  const isolation = isLearned && runsAs === 'container' ? 'required' : server.isolation;
  const isIsolated = reconcileIsolation(isolation, profile, logger);
  if (runsAs === 'process') refuseNamedVolumes(profile);
  else {
    if (isIsolated) refusePublished(server.publish);
    warnAboutProfile(profile, { ...surroundings, isIsolated, logger });
  }
  // A process without a network is reached all the same, through a socket that it is handed.
  if (runsAs === 'container' && transport !== 'stdio' && networkPolicyOf(profile).connection === 'none') {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a server with transport ${transport} cannot be reached with network mode "none"` },
      { hint: 'use --transport stdio, or another --network' },
    );
  }
  await checkPort(request.proxy, surroundings);
  return { profile, isIsolated };
}

/** A port of an isolated container would be a way around its proxy. Throws `ERR_INPUT_INVALID`. */
function refusePublished([port]: ServerSettings['publish']): void {
  if (port === undefined) return;
  throw new ThvError(
    'ERR_INPUT_INVALID',
    {
      reason: `port ${formatPublish(port)} cannot be published: an isolated server is reached through its proxy only`,
    },
    { hint: 'leave out --publish, or pass --isolate-network=false' },
  );
}

/** Named volumes are the engine's. Throws `ERR_INPUT_INVALID`. */
function refuseNamedVolumes(profile: PermissionProfile): void {
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
function warnAboutProfile(
  profile: PermissionProfile,
  {
    name,
    isIsolated,
    logger,
  }: Pick<Surroundings, 'name'> & { readonly isIsolated: boolean; readonly logger: Logger },
): void {
  const { connection, outbound, inboundHosts } = networkPolicyOf(profile);
  const restricted = [
    ...(outbound.type === 'everything' ? [] : ['outbound']),
    ...(inboundHosts.length === 0 ? [] : ['inbound']),
  ];
  if (restricted.length > 0 && connection !== 'none' && !isIsolated) {
    logger.warn(
      `${restricted.join(' and ')} traffic is not restricted: the rules of a profile need network isolation (--isolate-network)`,
      { workload: name, profile: profile.name ?? '' },
    );
  }
  if (!profile.privileged) return;
  logger.warn('the container runs privileged', { workload: name });
  if (isIsolated) {
    logger.warn('network isolation does not hold against a privileged server, which can change its network', {
      workload: name,
    });
  }
}
