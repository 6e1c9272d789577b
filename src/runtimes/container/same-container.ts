import type { ContainerDetails, ContainerSpec } from '../../engine/index.ts';
import type { ResourceLimits } from '../../records/index.ts';

/**
 * Whether a container has the settings wanted, so that it can be reused (spec 03 §4.1). Engines normalise what they are
 * given (Podman expands capability lists and image names), so equal means "cannot be told apart", not "same bytes" (§15-B17).
 * `given` are the limits that the user set.
 */
export function isSameContainer(
  existing: ContainerDetails,
  wanted: ContainerSpec,
  given: ResourceLimits | null | undefined,
): boolean {
  const { Config: config, HostConfig: host } = existing;
  return (
    canonicalImage(config.Image) === canonicalImage(wanted.Image ?? '') &&
    (wanted.Cmd === undefined || sameList(config.Cmd ?? [], wanted.Cmd)) &&
    (wanted.Env ?? []).every((entry) => (config.Env ?? []).includes(entry)) &&
    Object.entries(wanted.Labels ?? {}).every(([key, value]) => config.Labels?.[key] === value) &&
    (config.OpenStdin ?? false) === (wanted.OpenStdin ?? false) &&
    sameNetworkMode(host.NetworkMode ?? '', wanted.HostConfig?.NetworkMode ?? '') &&
    (host.Privileged ?? false) === (wanted.HostConfig?.Privileged ?? false) &&
    host.RestartPolicy?.Name === wanted.HostConfig?.RestartPolicy?.Name &&
    dropsAllCapabilities(host.CapDrop ?? []) &&
    (host.CapAdd ?? []).length === 0 &&
    sameLimits(existing, wanted, given) &&
    sameMounts(existing, wanted) &&
    samePorts(host.PortBindings ?? {}, wanted.HostConfig?.PortBindings ?? {})
  );
}

/**
 * A container of an earlier version has no limits, and keeps running without as long as the user has set none: nobody's server is
 * made anew for a default. Podman gives every container 2048 processes.
 */
function sameLimits(
  { HostConfig: host }: ContainerDetails,
  { HostConfig: wanted }: ContainerSpec,
  given: ResourceLimits | null | undefined,
): boolean {
  const same = (has: number | null | undefined, wants: number | undefined, isGiven: boolean) => {
    const limit = (value: number | null | undefined) => Math.max(0, value ?? 0);
    return limit(has) === limit(wants) || (!isGiven && limit(has) === 0);
  };
  return (
    same(host.Memory, wanted?.Memory, given?.memory !== undefined) &&
    same(host.NanoCpus, wanted?.NanoCpus, given?.cpus !== undefined) &&
    same(host.PidsLimit, wanted?.PidsLimit, given?.pids !== undefined)
  );
}

function canonicalImage(image: string): string {
  return image.replace(/^(?:localhost|docker\.io|index\.docker\.io)\//, '').replace(/^library\//, '');
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/** Engines write their default mode in place of an empty one. */
function sameNetworkMode(existing: string, wanted: string): boolean {
  const isDefault = (mode: string) => ['', 'bridge', 'default', 'toolhive-external'].includes(mode);
  return existing === wanted || (isDefault(existing) && isDefault(wanted));
}

/** `ALL` as given, or the list that the engine made of it. */
function dropsAllCapabilities(dropped: readonly string[]): boolean {
  return dropped.some((capability) => capability.toUpperCase() === 'ALL') || dropped.length > 5;
}

function sameMounts(existing: ContainerDetails, wanted: ContainerSpec): boolean {
  // Volumes that an image declares have a name made by the engine, and are not ours to compare.
  const present = existing.Mounts.filter(
    ({ Type: type, Name: name }) =>
      type === 'bind' || (type === 'volume' && !/^(?:[0-9a-f]{64})?$/.test(name ?? '')),
  );
  const mounts = wanted.HostConfig?.Mounts ?? [];
  return (
    present.length === mounts.length &&
    mounts.every((mount) =>
      present.some(
        (other) =>
          other.Type === mount.Type &&
          other.Destination === mount.Target &&
          (other.Type === 'volume' ? other.Name : other.Source) === mount.Source &&
          other.RW === !(mount.ReadOnly ?? false),
      ),
    )
  );
}

type Bindings = Readonly<
  Record<string, readonly { readonly HostIp?: string; readonly HostPort?: string }[] | null>
>;

function samePorts(existing: Bindings, wanted: Bindings): boolean {
  const keys = Object.keys(wanted);
  const present = Object.keys(existing).filter((key) => (existing[key] ?? []).length > 0);
  return (
    sameList(present.sort(), keys.sort()) &&
    keys.every((key) => {
      const have = existing[key] ?? [];
      return (wanted[key] ?? []).every((binding, index) => {
        const other = have[index];
        const sameIp = (other?.HostIp || '0.0.0.0') === (binding.HostIp || '0.0.0.0');
        // A published port without a host port was chosen by the engine: any is right.
        return (
          other !== undefined && sameIp && (binding.HostPort === '' || other.HostPort === binding.HostPort)
        );
      });
    })
  );
}
