import type { ContainerDetails, Engine } from '../../../engine/index.ts';
import { hasCode, ThvError } from '../../../errors/index.ts';
import { EXTERNAL_NETWORK } from '../../../sandbox/index.ts';

/** The sidecar's place in a workload's network. */
export interface Membership {
  readonly address: string;
  readonly prefixLength: number;
}

type Memberships = Readonly<
  Record<
    string,
    | {
        readonly IPAddress?: string;
        readonly IPPrefixLen?: number;
        readonly Aliases?: readonly string[] | null;
      }
    | undefined
  >
>;

function membershipsOf(details: ContainerDetails | undefined): Memberships {
  return (details?.NetworkSettings.Networks ?? {}) as Memberships; // boundary: Podman leaves members out
}

/** Networks of workloads that a sidecar is in. */
export function workloadNetworksOf(details: ContainerDetails | undefined): readonly string[] {
  return Object.keys(membershipsOf(details)).filter((name) => name !== EXTERNAL_NETWORK);
}

/** The network in which a sidecar is `<workload>-egress`. */
export function networkOf(details: ContainerDetails | undefined, workload: string): string | undefined {
  return Object.entries(membershipsOf(details)).find(([, membership]) =>
    membership?.Aliases?.includes(aliasOf(workload)),
  )?.[0];
}

export function aliasOf(workload: string): string {
  return `${workload}-egress`;
}

/**
 * Makes the sidecar a member of a workload's network and gives its place there. Its address is the last of the network where the
 * engine lets us choose, so that the next sidecar can have the same: a container keeps the address of its name server for life.
 */
export async function joinNetwork(
  engine: Engine,
  container: string,
  network: string,
  workload: string,
): Promise<Membership> {
  const found = await engine.networks.find(network);
  const address = lastAddressOf(found?.IPAM?.Config?.[0]?.Subnet);
  const present = membershipIn(await engine.containers.find(container), network);
  // Podman forgets the address that was asked for when it starts the container again.
  const isMoved = engine.kind === 'podman' && address !== undefined && present?.address !== address;
  if (present !== undefined && !isMoved) return present;
  if (present !== undefined) await engine.networks.disconnect(network, container);
  const aliases = [aliasOf(workload)];
  try {
    await engine.networks.connect(network, container, { aliases, address });
  } catch (error) {
    if (address === undefined || !hasCode(error, 'ERR_ENGINE_REQUEST')) throw error;
    // Docker takes an address only in networks whose range was given to it.
    await engine.networks.connect(network, container, { aliases });
  }
  const place = membershipIn(await engine.containers.find(container), network);
  if (place !== undefined) return place;
  const reason = `the egress sidecar got no address in the network ${network}`;
  throw new ThvError('ERR_ENGINE_REQUEST', { reason, status: 0 });
}

/** The place of a container in a network, where it is in it. */
export function membershipIn(details: ContainerDetails | undefined, network: string): Membership | undefined {
  const { IPAddress: address = '', IPPrefixLen: prefixLength = 0 } = membershipsOf(details)[network] ?? {};
  return address === '' ? undefined : { address, prefixLength };
}

/** The last address that a host of an IPv4 network may have. */
export function lastAddressOf(subnet: string | undefined): string | undefined {
  const [, address = '', digits = ''] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(subnet ?? '') ?? [];
  const prefix = Number(digits);
  if (address === '' || prefix < 1 || prefix > 30) return undefined;
  const base = address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
  const size = 2 ** (32 - prefix);
  const last = Math.floor(base / size) * size + size - 2;
  return [24, 16, 8, 0].map((shift) => Math.floor(last / 2 ** shift) % 256).join('.');
}
