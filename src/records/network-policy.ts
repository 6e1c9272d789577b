import { isLoopbackHost } from '../net/index.ts';
import type { PermissionProfile } from './run-config.ts';
import { parseTcpRoute, type TcpRoute } from './tcp-route.ts';

/**
 * What a permission profile says about the network, as plain data. Containers and processes are held to the same value;
 * each decides for itself how to enforce it.
 */
export interface NetworkPolicy {
  readonly connection: NetworkConnection;
  /** The network mode as the profile spells it and the engine takes it; '' unless given. */
  readonly mode: string;
  readonly outbound: OutboundPolicy;
  /** Hosts and ports that are open to any protocol, whatever `outbound` says. */
  readonly tcpRoutes: readonly TcpRoute[];
  /** Names that a request to the server may carry as its host; any when there are none. */
  readonly inboundHosts: readonly string[];
}

/**
 * What a server is connected to. `bridge`: a network that this program chooses; `none`; `host`: the network of the machine itself;
 * `named`: a network, or the network of a container, that the profile names and only an engine knows.
 */
export type NetworkConnection = 'bridge' | 'none' | 'host' | 'named';

/** Where a server that is connected may go (spec 03 §10.2). */
export type OutboundPolicy =
  | {
      readonly type: 'everything';
      /** Ports of this machine's loopback that the profile names as well. A server with a network of its own needs a way made to them. */
      readonly localPorts: 'all' | readonly number[];
    }
  /** Both lists have to match; an empty one matches all, and one of them is not empty. */
  | { readonly type: 'listed'; readonly hosts: readonly string[]; readonly ports: readonly number[] }
  | { readonly type: 'nothing' };

/** The network policy of a profile (spec 03 §5.1, the truth table of §10.2). Without a profile everything is allowed (§5.3). */
export function networkPolicyOf(profile: PermissionProfile | null | undefined): NetworkPolicy {
  const network = profile?.network;
  const mode = network?.mode ?? '';
  return {
    connection: connectionOf(mode),
    mode,
    outbound: outboundOf(network),
    // A profile is checked when it is read; what an older document holds that is no route opens nothing.
    tcpRoutes: (network?.outbound?.allow_tcp ?? []).flatMap((text) => parseTcpRoute(text) ?? []),
    inboundHosts: network?.inbound?.allow_host ?? [],
  };
}

/** What a network mode connects a server to (spec 03 §5.1, §9.2). */
export function connectionOf(mode: string): NetworkConnection {
  switch (mode) {
    case '':
    case 'bridge':
    case 'default':
      return 'bridge';
    case 'none':
    case 'host':
      return mode;
    default:
      return 'named';
  }
}

/** No network object at all grants everything; one without `outbound` nothing (spec 03 §15-B9). */
function outboundOf(network: PermissionProfile['network']): OutboundPolicy {
  const outbound = network?.outbound;
  const hosts = outbound?.allow_host ?? [];
  const ports = outbound?.allow_port ?? [];
  if (network === undefined || network === null || outbound?.insecure_allow_all === true) {
    const localPorts = ports.length === 0 ? 'all' : ports;
    return {
      type: 'everything',
      localPorts: hosts.some((host) => isLoopbackHost(host.toLowerCase().replace(/\.$/, '')))
        ? localPorts
        : [],
    };
  }
  return hosts.length === 0 && ports.length === 0 ? { type: 'nothing' } : { type: 'listed', hosts, ports };
}
