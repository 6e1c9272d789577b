import type { ContainerRole, EffectiveLimits, ResolvedImage, ResourceLimits } from '../records/index.ts';
import type { Mount } from './permission-profile.ts';

/** Bridge network that all workloads share which are not isolated. */
export const EXTERNAL_NETWORK = 'toolhive-external';

/** Everything an engine must have for a workload to run. Plain data: the host applies it. */
export interface DeploymentPlan {
  /** Made before any container, in this order. */
  readonly networks: readonly PlannedNetwork[];
  /** In the order in which they are made; one of them is the server. */
  readonly containers: readonly PlannedContainer[];
}

export interface PlannedNetwork {
  readonly name: string;
  /** IPv4 in CIDR notation; with one the network has no way out, not even to the machine itself. */
  readonly sealedSubnet?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface PlannedContainer {
  readonly role: ContainerRole;
  readonly name: string;
  /** A resolved image runs as exactly that image, a plain name as what it means when the container is created. */
  readonly image: string | ResolvedImage;
  /** Empty: the image's own. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether stdin stays open for an attached client. */
  readonly interactive: boolean;
  readonly privileged: boolean;
  /** What it is held to beyond a server's settings. */
  readonly hardening?: Hardening;
  readonly mounts: readonly PlannedMount[];
  readonly ports: readonly PlannedPort[];
  /** The engine's network mode; '' for its default. */
  readonly networkMode: string;
  /** The plan's networks that it joins, the first of them when it is made. With none, `networkMode` alone decides. */
  readonly networks: readonly PlannedEndpoint[];
  /** Where an isolated container asks for names, and those it knows by itself. `undefined`: as the engine does it. */
  readonly names?: { readonly server: string; readonly known: Readonly<Record<string, string>> };
  /** Besides none. */
  readonly capabilities?: readonly string[];
  readonly limits: EffectiveLimits;
  /** The limits that the user set. An existing container must have these to be reused; it may lack the defaults. */
  readonly givenLimits: ResourceLimits;
}

interface PlannedEndpoint {
  readonly network: string;
  /** `undefined`: the engine chooses one. */
  readonly address?: string;
}

/** What our own programs are held to, because their needs are known. */
interface Hardening {
  readonly readOnlyRoot: boolean;
  /** Number of user and group, `uid:gid`. */
  readonly user: string;
  /** Kernel settings of its own network. */
  readonly sysctls: Readonly<Record<string, string>>;
}

type PlannedMount = Mount & { readonly type: 'bind' | 'volume' };

export interface PlannedPort {
  readonly containerPort: number;
  /** '' for every address of the machine. */
  readonly hostAddress: string;
  /** `undefined`: the engine chooses one. */
  readonly hostPort: number | undefined;
}
