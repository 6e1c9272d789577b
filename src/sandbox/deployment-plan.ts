import type { Logger } from '../platform/index.ts';
import {
  type ContainerRole,
  containerNameOf,
  type EffectiveLimits,
  effectiveLimits,
  LABEL,
  networkPolicyOf,
  type ResolvedImage,
  type ResourceLimits,
  type RunConfig,
  resolvedImageOf,
} from '../records/index.ts';
import { type Mount, mountsOf, profileOf, volumesOf } from './permission-profile.ts';
import { parsePublish } from './publish.ts';

/** Bridge network that all workloads share which are not isolated. */
export const EXTERNAL_NETWORK = 'toolhive-external';

/** Everything an engine must have for a workload to run. Plain data: the host applies it. */
export interface DeploymentPlan {
  /** Made before any container, in this order. */
  readonly networks: readonly PlannedNetwork[];
  /** In the order in which they are made; one of them is the server. */
  readonly containers: readonly PlannedContainer[];
}

interface PlannedNetwork {
  readonly name: string;
  /** Without a way out. */
  readonly internal: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PlannedContainer {
  readonly role: ContainerRole;
  readonly name: string;
  /** A resolved image runs as exactly that image, a plain name as what it means when the container is created. */
  readonly image: string | ResolvedImage;
  /** Empty: the image's own. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether stdin stays open for an attached client. */
  readonly interactive: boolean;
  readonly privileged: boolean;
  /** What it is held to beyond a server's settings. */
  readonly hardening?: Hardening;
  readonly mounts: readonly PlannedMount[];
  readonly ports: readonly PlannedPort[];
  /** The engine's network mode; '' for its default. */
  readonly networkMode: string;
  /** Names of the plan's networks that it joins. With none, `networkMode` alone decides. */
  readonly networks: readonly string[];
  readonly limits: EffectiveLimits;
  /** The limits that the user set. An existing container must have these to be reused; it may lack the defaults. */
  readonly givenLimits: ResourceLimits;
}

/** Settings for programs of our own, whose needs are known. */
interface Hardening {
  readonly readOnlyRoot: boolean;
  /** Number of user and group, `uid:gid`. */
  readonly user: string;
  /** Kernel settings of its own network. */
  readonly sysctls: Readonly<Record<string, string>>;
}

type PlannedMount = Mount & { readonly type: 'bind' | 'volume' };

export interface PlannedPort {
  readonly containerPort: number;
  /** '' for every address of the machine. */
  readonly hostAddress: string;
  /** `undefined`: the engine chooses one. */
  readonly hostPort: number | undefined;
}

interface PlanFacts {
  /** Host port of an HTTP server; `undefined` for stdio. */
  readonly hostPort: number | undefined;
  /** Values that are set at start and never stored, over those of the document. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Over the profile's mounts: what ignore files hide. */
  readonly overlays?: readonly Mount[];
  readonly logger: Logger;
}

/** What a workload's document asks of a container engine (spec 03 §4, §9.1). */
export function planDeployment(config: RunConfig, facts: PlanFacts): DeploymentPlan {
  const { connection } = networkPolicyOf(profileOf(config));
  const networks = connection === 'bridge' ? [sharedNetwork()] : [];
  return { networks, containers: [planServer(config, networks, facts)] };
}

function planServer(
  config: RunConfig,
  networks: readonly PlannedNetwork[],
  { hostPort, environment, overlays = [], logger }: PlanFacts,
): PlannedContainer {
  const profile = profileOf(config);
  const { connection, mode } = networkPolicyOf(profile);
  const mounts = [...mountsOf(profile, logger), ...overlays];
  return {
    role: 'server',
    name: containerNameOf(config),
    image: resolvedImageOf(config) ?? config.image,
    command: config.cmd_args,
    environment: { ...config.env_vars, ...transportEnvironment(config), ...environment },
    labels: { ...config.container_labels, [LABEL.networkIsolation]: 'false' },
    interactive: config.transport === 'stdio',
    privileged: profile.privileged ?? false,
    mounts: [
      ...mounts.map(({ source, target, readOnly }) => ({ type: 'bind' as const, source, target, readOnly })),
      ...volumesOf(profile).map(({ name: source, target, readOnly }) => ({
        type: 'volume' as const,
        source,
        target,
        readOnly,
      })),
    ],
    // On the machine's own network there is nothing to bind.
    ports: portsOf(config, connection === 'host' ? undefined : hostPort),
    networkMode: mode,
    networks: networks.map(({ name }) => name),
    limits: effectiveLimits(config.resource_limits),
    givenLimits: config.resource_limits ?? {},
  };
}

/** The network of all workloads that are not isolated. */
export function sharedNetwork(): PlannedNetwork {
  const labels = { [LABEL.managed]: 'true', [LABEL.name]: EXTERNAL_NETWORK };
  return { name: EXTERNAL_NETWORK, internal: false, labels };
}

/** What tells the server how it is spoken to; beats the user's values of the same name (spec 03 §4). */
export function transportEnvironment(config: RunConfig): Record<string, string> {
  if (config.transport === 'stdio') return { MCP_TRANSPORT: 'stdio' };
  const port = String(config.target_port);
  return {
    MCP_TRANSPORT: config.transport,
    MCP_PORT: port,
    FASTMCP_PORT: port,
    MCP_HOST: config.target_host ?? '127.0.0.1',
  };
}

function portsOf(config: RunConfig, hostPort: number | undefined): readonly PlannedPort[] {
  const published = config.publish.map((text) => {
    const { hostPort: given, containerPort } = parsePublish(text);
    return {
      containerPort: Number(containerPort),
      hostAddress: '',
      hostPort: given === '' ? undefined : Number(given),
    };
  });
  if (hostPort === undefined) return published;
  // Always loopback, whatever address the proxy listens on: the server's own port must not be a way around the proxy.
  return [...published, { containerPort: config.target_port, hostAddress: '127.0.0.1', hostPort }];
}
