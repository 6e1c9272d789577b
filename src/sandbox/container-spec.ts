import type { ContainerSpec } from '../engine/index.ts';
import type { EffectiveLimits } from '../records/index.ts';
import type { PlannedContainer, PlannedPort } from './planned.ts';

/** The default of engines, set explicitly because a daemon may be configured to another one. */
const SHARED_MEMORY_BYTES = 64 * 1024 ** 2;

/** The engine starts containers again that end, and all that ran when it starts itself. */
export const RESTART_POLICY = 'unless-stopped';

/** Switches IPv6 off: a bridge has a link-local address of the machine, which any container of Podman's reaches (tried with 4.3). */
const WITHOUT_IPV6 = { 'net.ipv6.conf.all.disable_ipv6': '1' };

/**
 * The create request for a planned container (Engine API 1.41 `POST /containers/create`), in the first of its networks: engines before
 * API 1.44 take only one (spec 03 §15-B18). `networkIds` gives what the engine knows a network of the plan by; one that it leaves out
 * goes by its name.
 */
export function containerSpec(
  planned: PlannedContainer,
  networkIds: ReadonlyMap<string, string> = new Map(),
): ContainerSpec {
  const {
    image,
    command,
    environment,
    interactive,
    privileged,
    hardening,
    names,
    capabilities = [],
  } = planned;
  const bindings = bindingsOf(planned.ports);
  return {
    Image: typeof image === 'string' ? image : image.reference,
    ...(command.length > 0 ? { Cmd: [...command] } : {}),
    ...(hardening === undefined ? {} : { User: hardening.user }),
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    Labels: { ...planned.labels },
    AttachStdin: interactive,
    AttachStdout: interactive,
    AttachStderr: interactive,
    OpenStdin: interactive,
    Tty: false,
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
    HostConfig: {
      Mounts: planned.mounts.map(({ type, source, target, readOnly }) => ({
        Type: type,
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      NetworkMode: planned.networkMode,
      CapDrop: ['ALL'],
      CapAdd: [...capabilities],
      // label:disable: bind mounts must be readable under SELinux (spec 03 §4); no-new-privileges: §15-B20.
      SecurityOpt: privileged ? ['label:disable'] : ['label:disable', 'no-new-privileges'],
      Privileged: privileged,
      ...(hardening === undefined
        ? {}
        : { ReadonlyRootfs: hardening.readOnlyRoot, Sysctls: { ...hardening.sysctls } }),
      RestartPolicy: { Name: RESTART_POLICY },
      PortBindings: bindings,
      ...(names === undefined
        ? {}
        : {
            Dns: [names.server],
            ExtraHosts: Object.entries(names.known).map(([name, address]) => `${name}:${address}`),
            Sysctls: WITHOUT_IPV6,
          }),
      ShmSize: SHARED_MEMORY_BYTES,
      ...limitSettings(planned.limits),
    },
    NetworkingConfig: {
      EndpointsConfig: Object.fromEntries(
        planned.networks.slice(0, 1).map(({ network, address }) => {
          const id = networkIds.get(network) ?? network;
          const fixed = address === undefined ? {} : { IPAMConfig: { IPv4Address: address } };
          return [id, { NetworkID: id, ...fixed }];
        }),
      ),
    },
  };
}

/** Settings that hold what a container may use; what is not limited has none. */
function limitSettings({ memoryBytes, cpus, pids }: EffectiveLimits) {
  return {
    // Swap would be more of it, on the disk of all.
    ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    // Podman has a default of its own, which -1 takes away.
    PidsLimit: pids ?? -1,
  };
}

function bindingsOf(ports: readonly PlannedPort[]) {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { containerPort, hostAddress, hostPort } of ports) {
    const key = `${containerPort}/tcp`;
    const binding = { HostIp: hostAddress, HostPort: hostPort === undefined ? '' : String(hostPort) };
    bindings[key] = [...(bindings[key] ?? []), binding];
  }
  return bindings;
}
