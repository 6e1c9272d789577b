import { type EgressRules, normalizeHost } from '../egress/index.ts';
import { isLoopbackHost } from '../net/index.ts';
import type { PermissionProfile } from '../records/index.ts';

/**
 * What a process may reach. `host`: the network of this machine as it is, its own services included. `open`: everything but this
 * machine, and of its loopback the ports that are named, where a process can have such a network; else as `host`. `filtered`: only
 * what our egress proxy lets through. `none`: nothing but itself.
 */
export type NetworkAccess =
  | { readonly type: 'host' }
  | { readonly type: 'open'; readonly localPorts: 'all' | readonly number[] }
  | { readonly type: 'none' }
  | {
      readonly type: 'filtered';
      readonly rules: EgressRules;
      /** The proxy that this machine itself needs to reach a URL; without one the way out is direct. */
      readonly through?: (url: URL) => string | undefined;
      /** What `EgressOptions.refusal` is to say. */
      readonly refusal?: string;
    };

/**
 * Access granted by a profile (spec 03 §5.1, the truth table of §10.2). Unlike a container's, the lists hold with and without
 * `--isolate-network`; with it even a profile that allows all goes through the proxy, and so not to this machine's own services.
 */
export function networkAccessOf(profile: PermissionProfile, isolateNetwork: boolean): NetworkAccess {
  const { network } = profile;
  if (network?.mode === 'none') return { type: 'none' };
  if (network?.mode === 'host') return { type: 'host' };
  const outbound = network?.outbound ?? undefined;
  const hosts = outbound?.allow_host ?? [];
  const ports = outbound?.allow_port ?? [];
  // No network object at all grants everything; one without `outbound` nothing.
  const allowsAll = network === undefined || network === null || outbound?.insecure_allow_all === true;
  if (allowsAll)
    return isolateNetwork
      ? { type: 'filtered', rules: { hosts: [], ports: [] } }
      : {
          type: 'open',
          localPorts: hosts.some((host) => isLoopbackHost(normalizeHost(host)))
            ? ports.length === 0
              ? 'all'
              : ports
            : [],
        };
  if (hosts.length === 0 && ports.length === 0) return { type: 'none' };
  return { type: 'filtered', rules: { hosts, ports } };
}
