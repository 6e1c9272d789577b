import { type ContainerDetails, isSameImageId } from '../../engine/index.ts';
import { connectionOf, type ResolvedImage } from '../../records/index.ts';
import {
  EXTERNAL_NETWORK,
  type PlannedContainer,
  type PlannedPort,
  RESTART_POLICY,
} from '../../sandbox/index.ts';

/**
 * Whether a container has the settings of a plan, so that it can be reused (spec 03 §4.1). Engines normalise what they are
 * given (Podman expands capability lists and image names), so equal means "cannot be told apart", not "same bytes" (§15-B17).
 * `networkIds` as in `containerSpec`.
 */
export function isSameContainer(
  existing: ContainerDetails,
  planned: PlannedContainer,
  networkIds: ReadonlyMap<string, string> = new Map(),
): boolean {
  const { Config: config, HostConfig: host } = existing;
  return (
    sameImage(existing, planned.image) &&
    (planned.command.length === 0 || sameList(config.Cmd ?? [], planned.command)) &&
    Object.entries(planned.environment).every(([key, value]) =>
      (config.Env ?? []).includes(`${key}=${value}`),
    ) &&
    Object.entries(planned.labels).every(([key, value]) => config.Labels?.[key] === value) &&
    (config.OpenStdin ?? false) === planned.interactive &&
    sameNetworkMode(host.NetworkMode ?? '', planned, networkIds) &&
    sameEndpoints(existing, planned, networkIds) &&
    (host.Privileged ?? false) === planned.privileged &&
    host.RestartPolicy?.Name === RESTART_POLICY &&
    dropsAllCapabilities(host.CapDrop ?? []) &&
    sameList((host.CapAdd ?? []).toSorted(), (planned.capabilities ?? []).toSorted()) &&
    sameLimits(existing, planned) &&
    sameMounts(existing, planned) &&
    samePorts(host.PortBindings ?? {}, planned.ports)
  );
}

/**
 * By id where the image was resolved. An engine may tell another id of the container than of its image, and then made it from the
 * id that it was given. Where nothing was resolved the names have to match.
 */
function sameImage(existing: ContainerDetails, image: string | ResolvedImage): boolean {
  const { Image: id, Config: config } = existing;
  if (typeof image === 'string') return canonicalImage(config.Image) === canonicalImage(image);
  return isSameImageId(id, image.digest) || isSameImageId(config.Image, image.digest);
}

/**
 * A container of an earlier version has no limits, and keeps running without limits as long as the user has set none: no server is
 * recreated for a default. Podman gives every container 2048 processes.
 */
function sameLimits(
  { HostConfig: host }: ContainerDetails,
  { limits, givenLimits: given }: PlannedContainer,
): boolean {
  const same = (has: number | null | undefined, wants: number | undefined, isGiven: boolean) => {
    const limit = Math.max(0, has ?? 0);
    return limit === (wants ?? 0) || (!isGiven && limit === 0);
  };
  const nanoCpus = limits.cpus === undefined ? undefined : Math.round(limits.cpus * 1e9);
  return (
    same(host.Memory, limits.memoryBytes, given.memory !== undefined) &&
    same(host.NanoCpus, nanoCpus, given.cpus !== undefined) &&
    same(host.PidsLimit, limits.pids, given.pids !== undefined)
  );
}

function canonicalImage(image: string): string {
  return image.replace(/^(?:localhost|docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '');
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** Engines write their default mode, or the network that was joined, in place of an empty one. */
function sameNetworkMode(
  existing: string,
  { networkMode, networks }: PlannedContainer,
  networkIds: ReadonlyMap<string, string>,
): boolean {
  const own = networks.flatMap(({ network }) => [network, networkIds.get(network)]);
  const isDefault = (mode: string) =>
    connectionOf(mode) === 'bridge' || mode === EXTERNAL_NETWORK || own.includes(mode);
  return existing === networkMode || (isDefault(existing) && isDefault(networkMode));
}

/**
 * A container with fixed addresses has these and is in no other network. Any other container is in the networks it was made in: people
 * may connect theirs to more.
 */
function sameEndpoints(
  { State, HostConfig, NetworkSettings }: ContainerDetails,
  { networks, names }: PlannedContainer,
  networkIds: ReadonlyMap<string, string>,
): boolean {
  if (!networks.some(({ address }) => address !== undefined)) return true;
  const present = NetworkSettings.Networks ?? {};
  return (
    sameList(HostConfig.Dns ?? [], names === undefined ? [] : [names.server]) &&
    sameList(Object.keys(present).toSorted(), networks.map(({ network }) => network).toSorted()) &&
    networks.every(({ network, address }) => {
      const { NetworkID: id, IPAddress: current = '', IPAMConfig: given } = present[network] ?? {};
      const isSameNetwork = !networkIds.has(network) || id === networkIds.get(network);
      // A container that is down has no address; Podman does not tell the one that it will have.
      const has = State.Running ? current : (given?.IPv4Address ?? address);
      return isSameNetwork && (address === undefined || has === address);
    })
  );
}

/** `ALL` as given, or the list that the engine made of it. */
function dropsAllCapabilities(dropped: readonly string[]): boolean {
  return dropped.some((capability) => capability.toUpperCase() === 'ALL') || dropped.length > 5;
}

function sameMounts({ Mounts }: ContainerDetails, { mounts }: PlannedContainer): boolean {
  // Volumes that an image declares have a name made by the engine, and are not ours to compare.
  const present = Mounts.filter(
    ({ Type: type, Name: name }) =>
      type === 'bind' || (type === 'volume' && !/^(?:[0-9a-f]{64})?$/.test(name ?? '')),
  );
  return (
    present.length === mounts.length &&
    mounts.every((mount) =>
      present.some(
        (other) =>
          other.Type === mount.type &&
          other.Destination === mount.target &&
          (other.Type === 'volume' ? other.Name : other.Source) === mount.source &&
          other.RW === !mount.readOnly,
      ),
    )
  );
}

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp?: string; readonly HostPort?: string }[] | null>
>;

function samePorts(existing: Bindings, planned: readonly PlannedPort[]): boolean {
  const wanted = Map.groupBy(planned, ({ containerPort }) => `${containerPort}/tcp`);
  const present = Object.keys(existing).filter((key) => (existing[key] ?? []).length > 0);
  return (
    sameList(present.sort(), [...wanted.keys()].sort()) &&
    [...wanted].every(([key, ports]) => ports.every((port, index) => isBoundAs(existing[key]?.[index], port)))
  );
}

function isBoundAs(
  bound: { readonly HostIp?: string; readonly HostPort?: string } | undefined,
  { hostAddress, hostPort }: PlannedPort,
): boolean {
  if (bound === undefined || (bound.HostIp || '0.0.0.0') !== (hostAddress || '0.0.0.0')) return false;
  // A published port without a host port was chosen by the engine: any is right.
  return hostPort === undefined || bound.HostPort === String(hostPort);
}
