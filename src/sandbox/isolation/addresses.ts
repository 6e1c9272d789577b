/** Fixed addresses in the network of one isolated workload: they stay when its containers, or the engine, start again. */
export interface IsolationAddresses {
  /** IPv4 in CIDR notation. */
  readonly subnet: string;
  readonly egress: string;
  readonly server: string;
  /** Only the reference's topology has this one and the next. */
  readonly dns: string;
  readonly ingress: string;
}

/** Names of networks and of what stands in them, by the name of the server's container (spec 03 §10.1). */
export function internalNetwork(container: string): string {
  return `toolhive-${container}-internal`;
}

const PREFIX = 28;
const SIZE = 2 ** (32 - PREFIX);

/**
 * A subnet out of 198.19.0.0/16, which nobody routes (RFC 2544). Engines have some thirty networks to give away in their own ranges
 * only, and give containers no fixed addresses in them.
 */
export function randomSubnet(random: () => number = Math.random): string {
  const [third, fourth] = [Math.floor(random() * 256), Math.floor(random() * (256 / SIZE)) * SIZE];
  return `198.19.${third}.${fourth}/${PREFIX}`;
}

/** Throws for a subnet that is too small for the containers of a workload. */
export function addressesIn(subnet: string): IsolationAddresses {
  const [base = '', prefix = ''] = subnet.split('/');
  const bytes = base.split('.').map(Number);
  const isSubnet = bytes.length === 4 && bytes.every((byte) => byte >= 0 && byte <= 255);
  if (!isSubnet || !(Number(prefix) >= 8 && Number(prefix) <= PREFIX))
    throw new Error(`no subnet for an isolated workload: ${subnet}`);
  const first = bytes.reduce((value, byte) => value * 256 + byte, 0);
  const at = (offset: number) => [24, 16, 8, 0].map((shift) => ((first + offset) >>> shift) & 255).join('.');
  // The first one is the gateway's, which there is none of.
  return { subnet, egress: at(2), server: at(3), dns: at(4), ingress: at(5) };
}
