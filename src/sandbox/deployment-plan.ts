import type { Logger } from '../platform/index.ts';
import {
  containerNameOf,
  effectiveLimits,
  LABEL,
  networkPolicyOf,
  type RunConfig,
  resolvedImageOf,
} from '../records/index.ts';
import { type IsolationAddresses, internalNetwork } from './isolation/addresses.ts';
import { EGRESS_PORT } from './isolation/squid-config.ts';
import { planSquid, type SquidFacts } from './isolation/squid-plan.ts';
import { type Mount, mountsOf, profileOf, volumesOf } from './permission-profile.ts';
import {
  type DeploymentPlan,
  EXTERNAL_NETWORK,
  type PlannedContainer,
  type PlannedNetwork,
  type PlannedPort,
} from './planned.ts';
import { proxyEnvironment } from './proxy-environment.ts';
import { parsePublish } from './publish.ts';

/** What isolates a workload: the sidecar that all isolated workloads share, or containers of its own as the reference has them. */
export type Isolation =
  | { readonly by: 'sidecar'; readonly addresses: IsolationAddresses }
  | (SquidFacts & { readonly by: 'squid'; readonly addresses: IsolationAddresses });

interface PlanFacts {
  /** Host port of an HTTP server; `undefined` for stdio. */
  readonly hostPort: number | undefined;
  /** Values that are set at start and never stored, over those of the document. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Over the profile's mounts: what ignore files hide. */
  readonly overlays?: readonly Mount[];
  /** How an isolated workload is isolated; `undefined` for every other. */
  readonly isolation?: Isolation | undefined;
  readonly logger: Logger;
}

/** What a workload's document asks of a container engine (spec 03 §4, §9.1). */
export function planDeployment(config: RunConfig, facts: PlanFacts): DeploymentPlan {
  const { isolation } = facts;
  if (isolation !== undefined) {
    const server = planServer(config, facts, isolatedConnection(config, isolation));
    const internal = plannedInternalNetwork(server.name, isolation.addresses.subnet);
    return isolation.by === 'squid'
      ? planSquid(server, [sharedNetwork(), internal], isolation)
      : { networks: [internal], containers: [server] };
  }
  const { connection } = networkPolicyOf(profileOf(config));
  const networks = connection === 'bridge' ? [sharedNetwork()] : [];
  // On the machine's own network there is nothing to bind.
  const ports = portsOf(config, connection === 'host' ? undefined : facts.hostPort);
  const joined = { networks: networks.map(({ name }) => ({ network: name })), ports, environment: {} };
  return { networks, containers: [planServer(config, facts, joined)] };
}

/** How a server is connected. */
interface Connection extends Pick<PlannedContainer, 'networks' | 'ports' | 'names'> {
  /** Over all other variables. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Only with what stands between it and the world, which it finds at fixed addresses (spec 03 §10.3). */
function isolatedConnection(config: RunConfig, { by, addresses }: Isolation): Connection {
  const name = containerNameOf(config);
  const { egress, server, dns } = addresses;
  return {
    networks: [{ network: internalNetwork(name), address: server }],
    ports: [],
    names: { server: by === 'squid' ? dns : egress, known: { [`${name}-egress`]: egress } },
    environment: proxyEnvironment(`http://${name}-egress:${EGRESS_PORT}`),
  };
}

function planServer(
  config: RunConfig,
  { environment, overlays = [], isolation, logger }: PlanFacts,
  { environment: ofNetwork, ...connection }: Connection,
): PlannedContainer {
  const profile = profileOf(config);
  const mounts = [...mountsOf(profile, logger), ...overlays];
  return {
    role: 'server',
    name: containerNameOf(config),
    image: resolvedImageOf(config) ?? config.image,
    command: config.cmd_args,
    environment: { ...config.env_vars, ...transportEnvironment(config), ...environment, ...ofNetwork },
    labels: { ...config.container_labels, [LABEL.networkIsolation]: String(isolation !== undefined) },
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
    networkMode: networkPolicyOf(profile).mode,
    ...connection,
    limits: effectiveLimits(config.resource_limits),
    givenLimits: config.resource_limits ?? {},
  };
}

/** The network of all workloads that are not isolated. */
export function sharedNetwork(): PlannedNetwork {
  const labels = { [LABEL.managed]: 'true', [LABEL.name]: EXTERNAL_NETWORK };
  return { name: EXTERNAL_NETWORK, labels };
}

/** The network of one isolated workload. */
export function plannedInternalNetwork(container: string, sealedSubnet: string): PlannedNetwork {
  const name = internalNetwork(container);
  return { name, sealedSubnet, labels: { [LABEL.managed]: 'true', [LABEL.name]: name } };
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
