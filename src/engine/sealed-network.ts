import { isIP } from 'node:net';
import type { NetworkSpec, NetworkSummary } from './types.ts';

const NO_HOST_ADDRESS = 'com.docker.network.bridge.inhibit_ipv4';
/** Podman's own API; also what later versions accept. */
const LIBPOD = '4.0.0';

/** How an engine is asked for a network. `api`: a version other than the negotiated one. */
export function createRequest(
  kind: 'docker' | 'podman',
  name: string,
  { labels, sealedSubnet: subnet }: NetworkSpec,
): { readonly api?: string; readonly path: string; readonly json: object } {
  const path = '/networks/create';
  if (subnet === undefined)
    return {
      path,
      json: { Name: name, Driver: 'bridge', Internal: false, Labels: labels, CheckDuplicate: true },
    };
  // Docker: without that option the bridge has an address of the machine, and a default route leads there, also when it is internal:
  // whatever listens on 0.0.0.0 can be reached by any address of the machine (tried with 20.10).
  if (kind === 'docker') {
    return {
      path,
      json: {
        Name: name,
        Driver: 'bridge',
        Internal: true,
        EnableIPv6: false,
        Labels: labels,
        CheckDuplicate: true,
        IPAM: { Config: [{ Subnet: subnet }] },
        Options: { [NO_HOST_ADDRESS]: 'true' },
      },
    };
  }
  // Podman 4.3 gives the bridge an address for its name service, which Docker's API cannot leave out. That name service would also
  // ask the machine's for any name.
  return {
    api: LIBPOD,
    path: `/libpod${path}`,
    json: { name, driver: 'bridge', internal: true, dns_enabled: false, labels, subnets: [{ subnet }] },
  };
}

/** The subnet of a network that was made sealed; `undefined` for every other. */
export function sealedSubnetOf(
  kind: 'docker' | 'podman',
  { Driver, Internal, EnableIPv6, Options, IPAM }: NetworkSummary,
): string | undefined {
  const [range, ...more] = IPAM?.Config ?? [];
  if (Driver !== 'bridge' || !Internal || EnableIPv6 || range === undefined || more.length > 0)
    return undefined;
  const hasNoHostAddress =
    kind === 'docker' ? Options?.[NO_HOST_ADDRESS] === 'true' : isIP(range.Gateway ?? '') === 0;
  return hasNoHostAddress ? range.Subnet : undefined;
}
