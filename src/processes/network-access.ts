import type { Decision, EgressRules } from '../egress/index.ts';
import { networkPolicyOf, type PermissionProfile } from '../records/index.ts';

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
      /** Called for each request of the server that was judged. */
      readonly onDecision?: (decision: Decision) => void;
    };

const ANY = { hosts: [], ports: [] } as const;

/**
 * The access that a process is given for what its profile says. Unlike a container's, the lists hold with and without
 * `--isolate-network`; with it even a profile that allows all goes through the proxy, and so not to this machine's own services.
 */
export function networkAccessOf(
  profile: PermissionProfile | null | undefined,
  isolateNetwork: boolean,
  isLearned = false,
): NetworkAccess {
  // What the server would have without a profile, by a way on which it can be seen.
  if (isLearned) return { type: 'filtered', rules: { ...ANY, privateNetworks: true } };
  const policy = networkPolicyOf(profile);
  const { connection, outbound } = policy;
  if (connection === 'none' || connection === 'host') return { type: connection };
  const routes = policy.tcpRoutes;
  switch (outbound.type) {
    case 'nothing':
      // A process has no network in which a name could lead to a relay: routes are open to what speaks through the proxy.
      return routes.length === 0
        ? { type: 'none' }
        : { type: 'filtered', rules: { ...ANY, routes, routesOnly: true } };
    case 'listed': {
      const { hosts, ports } = outbound;
      return { type: 'filtered', rules: routes.length === 0 ? { hosts, ports } : { hosts, ports, routes } };
    }
    case 'everything':
      return isolateNetwork
        ? { type: 'filtered', rules: routes.length === 0 ? ANY : { ...ANY, routes } }
        : { type: 'open', localPorts: outbound.localPorts };
  }
}
