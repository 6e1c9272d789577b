import type { Socket } from 'node:net';
import type { Decision } from '../../../egress/index.ts';
import type { Logger, Paths } from '../../../platform/index.ts';
import type { Tunnel } from '../../../proxy/index.ts';
import type { NetworkPolicy } from '../../../records/index.ts';

/** A workload that may speak through the sidecar, and what it may reach. */
export interface AdmittedWorkload {
  /** Name of its container. */
  readonly name: string;
  /** The engine's name of its internal network, which exists. */
  readonly network: string;
  readonly policy: NetworkPolicy;
  /** Whether it may reach services of the machine by the names that Docker gives it, on every port (spec 03 §10.4). */
  readonly allowGateway: boolean;
}

/** Where a workload finds the sidecar, from inside its network. */
interface SidecarPlace {
  /** The value of `HTTP_PROXY` and its like: `http://<name>-egress:3128`. */
  readonly proxyUrl: string;
  /** The value of `HostConfig.Dns`, where the name in `proxyUrl` is answered too. */
  readonly dnsAddress: string;
}

/**
 * The one sidecar of a state folder: way out, names and way in for all isolated workloads (spec 03 §10.6). It is a container of the
 * engine and outlives this process; disposing only ends the watch over it.
 */
export interface Sidecar extends AsyncDisposable {
  /**
   * The sidecar is up (made when missing, replaced when of another version), connected to the workload's network, and enforces its
   * rules; other rules replace earlier ones. From then on it is watched: when it dies, it is brought back with the rules.
   */
  admit(workload: AdmittedWorkload, signal?: AbortSignal): Promise<SidecarPlace>;
  /** Withdraws the rules and leaves the network; with the last workload of the state folder the sidecar goes. Succeeds when nothing is there. */
  release(name: string): Promise<void>;
  /** How an HTTP client reaches a port of the workload's container. The answer holds for one connection. */
  tunnel(name: string, port: number, signal?: AbortSignal): Promise<Tunnel>;
  /** An open connection to a port of the workload's container. */
  connect(name: string, port: number, signal?: AbortSignal): Promise<Socket>;
  /** Decisions of a workload: those still remembered, then as they are made, until `signal` aborts. */
  decisions(name: string, signal: AbortSignal): AsyncIterable<Decision>;
}

export interface SidecarOptions {
  readonly paths: Paths;
  /** `TOOLHIVE_EGRESS_IMAGE` names an image to be used instead of our own. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Image with the runtime for engines of another platform than this machine's, in place of the official one. */
  readonly runtimeImage?: string | undefined;
  readonly logger: Logger;
}
