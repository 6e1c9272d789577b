import type { ContainerSpec } from '../engine/index.ts';
import type { Logger } from '../platform/index.ts';
import { effectiveLimits, LABEL, type RunConfig } from '../records/index.ts';
import {
  isBridgeMode,
  type Mount,
  mountsOf,
  networkModeOf,
  networkProfile,
  volumesOf,
} from './permission-profile.ts';
import { parsePublish } from './publish.ts';

/** Bridge network that all workloads share which are not isolated. */
export const EXTERNAL_NETWORK = 'toolhive-external';

/** The engines' own default, said so that none has another. */
const SHARED_MEMORY_BYTES = 64 * 1024 ** 2;

interface SpecFacts {
  /** Name or id of the network for workloads that are not isolated; only used in a bridge mode. */
  readonly network: string;
  /** Host port for the primary binding of an HTTP server; `undefined` for stdio and where nothing is bound. */
  readonly hostPort: number | undefined;
  /** Values that are set at start and never stored, over those of the document. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Over the profile's mounts: what ignore files hide. */
  readonly overlays?: readonly Mount[];
  readonly logger: Logger;
}

/** Engine settings of a workload's container (spec 03 §4). */
export function containerSpec(config: RunConfig, facts: SpecFacts): ContainerSpec {
  const profile = config.permission_profile ?? networkProfile();
  const mode = networkModeOf(profile);
  const interactive = config.transport === 'stdio';
  const privileged = profile.privileged ?? false;
  const bindings = portBindings(config, facts.hostPort);
  return {
    Image: config.image,
    ...(config.cmd_args.length > 0 ? { Cmd: [...config.cmd_args] } : {}),
    Env: Object.entries({ ...config.env_vars, ...transportEnvironment(config), ...facts.environment }).map(
      ([key, value]) => `${key}=${value}`,
    ),
    Labels: { ...config.container_labels, [LABEL.networkIsolation]: 'false' },
    AttachStdin: interactive,
    AttachStdout: interactive,
    AttachStderr: interactive,
    OpenStdin: interactive,
    Tty: false,
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: {
      Mounts: [
        ...[...mountsOf(profile, facts.logger), ...(facts.overlays ?? [])].map((mount) => ({
          Type: 'bind' as const,
          Source: mount.source,
          Target: mount.target,
          ReadOnly: mount.readOnly,
        })),
        ...volumesOf(profile).map(({ name, target, readOnly }) => ({
          Type: 'volume' as const,
          Source: name,
          Target: target,
          ReadOnly: readOnly,
        })),
      ],
      NetworkMode: mode,
      CapDrop: ['ALL'],
      CapAdd: [],
      // label:disable: bind mounts must be readable under SELinux (spec 03 §4); no-new-privileges: §15-B20.
      SecurityOpt: privileged ? ['label:disable'] : ['label:disable', 'no-new-privileges'],
      Privileged: privileged,
      RestartPolicy: { Name: 'unless-stopped' },
      PortBindings: bindings,
      ShmSize: SHARED_MEMORY_BYTES,
      ...limitsOf(config),
    },
    NetworkingConfig: {
      EndpointsConfig: isBridgeMode(mode) ? { [facts.network]: { NetworkID: facts.network } } : {},
    },
  };
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

/** Engine settings that hold what a server may use; without any that is not limited. */
function limitsOf(config: RunConfig) {
  const { memoryBytes, cpus, pids } = effectiveLimits(config.resource_limits);
  return {
    // Swap would be more of it, on the disk of all.
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    // Podman has a default of its own, which -1 takes away.
    PidsLimit: pids ?? -1,
  };
}

function portBindings(config: RunConfig, hostPort: number | undefined) {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  const bind = (containerPort: string, hostIp: string, port: string) => {
    const key = `${containerPort}/tcp`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: hostIp, HostPort: port }];
  };
  for (const spec of config.publish) {
    const { hostPort: published, containerPort } = parsePublish(spec);
    bind(containerPort, '', published);
  }
  // Always loopback, whatever address the proxy listens on: the server's own port must not be a way around the proxy.
  if (hostPort !== undefined) bind(String(config.target_port), '127.0.0.1', String(hostPort));
  return bindings;
}
