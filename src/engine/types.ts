import type Docker from 'dockerode';
import type { RegistryCredentials } from './credentials/types.ts';

/**
 * The container engine as this program sees it: Docker Engine API 1.41 and later, or Podman's compatible API.
 * Plain engine facts; nothing here knows of MCP or of workloads (decision 05).
 */
export interface Engine {
  readonly kind: 'docker' | 'podman';
  /** Socket path or Windows pipe. */
  readonly address: string;
  /** Negotiated version, `min(ours, engine's)`, for example `1.41`. */
  readonly apiVersion: string;
  readonly containers: Containers;
  readonly images: Images;
  readonly networks: Networks;
  /** What containers of it run on, in Docker's words: `linux/amd64`. */
  platform(options?: Waiting): Promise<string>;
  /** Throws `ERR_ENGINE_UNAVAILABLE` with `failed to ping Docker server: <cause>`. */
  ping(options?: Waiting): Promise<void>;
}

export interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export type ContainerSummary = Docker.ContainerInfo;
export type ContainerDetails = Docker.ContainerInspectInfo;
export type ContainerSpec = Omit<Docker.ContainerCreateOptions, 'name' | 'platform' | 'abortSignal'>;
export type ImageDetails = Docker.ImageInspectInfo;
export type NetworkSummary = Docker.NetworkInspectInfo;

/** Errors of all calls: `ERR_ENGINE_REQUEST` with the engine's own message, `ERR_CONTAINER_NOT_FOUND` on 404. */
export interface Containers {
  /** `GET /containers/json`. `labels` are `key` or `key=value`, all must match; `name` is the engine's substring match. */
  list(
    query: { readonly all?: boolean; readonly labels?: readonly string[]; readonly name?: string },
    options?: Waiting,
  ): Promise<readonly ContainerSummary[]>;
  /** `undefined` when there is no such container. */
  find(idOrName: string, options?: Waiting): Promise<ContainerDetails | undefined>;
  /**
   * Engines finish a create whose caller has left. So the answer is waited for in any case, and when `signal` has aborted meanwhile
   * the container is removed again before this throws. With `imageId` it is created from exactly that
   * image, even when the name in `spec` means another one by then.
   */
  create(
    name: string,
    spec: ContainerSpec,
    options?: Waiting & { readonly imageId?: string | undefined },
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  /** Starting a running container succeeds. */
  start(idOrName: string, options?: Waiting): Promise<void>;
  /**
   * Stopping a stopped container succeeds. The engine kills after `graceSeconds`; a first process that the signal cannot reach is
   * killed at once, where it can be seen from here.
   */
  stop(idOrName: string, options: Waiting & { readonly graceSeconds: number }): Promise<void>;
  kill(idOrName: string, options?: Waiting & { readonly processSignal?: string }): Promise<void>;
  /** Removing a container that is gone succeeds. */
  remove(idOrName: string, options?: Waiting & { readonly force?: boolean }): Promise<void>;
  /** Resolves with the exit code when the container is not running any more. */
  wait(idOrName: string, options?: Waiting): Promise<{ readonly exitCode: number }>;
  /** Output in arrival order; with `follow`, until the container ends or `signal` aborts (which ends the iteration quietly). */
  logs(
    idOrName: string,
    options?: Waiting & { readonly follow?: boolean; readonly tail?: number | 'all' },
  ): AsyncIterable<OutputChunk>;
  /**
   * Hijacked, multiplexed stdin/stdout/stderr of a running container (spec 03 §7). Output is pushed to `receiver` as it
   * arrives and held back at the engine while `pause()` is in force. Throws `ERR_ATTACH_FAILED`, `ERR_CONTAINER_NOT_RUNNING`.
   */
  attach(idOrName: string, receiver: AttachReceiver, options?: Waiting): Promise<AttachedStdio>;
}

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

export interface AttachReceiver {
  /** `bytes` are valid only during the call; copy what is kept. */
  onStdout(bytes: Uint8Array): void;
  onStderr?(bytes: Uint8Array): void;
  /** Called once; `error` is absent on a clean end of stream. Not called after `close()`. */
  onEnd(error?: Error): void;
}

export interface AttachedStdio extends AsyncDisposable {
  /**
   * Queues bytes for stdin in order. `false` when bytes had to be queued: the caller waits for `drained()` before it sends
   * more. Throws `ERR_ATTACH_FAILED` after the end.
   */
  write(bytes: string | Uint8Array): boolean;
  /** Resolves when everything written has left this process; rejects with `ERR_ATTACH_FAILED` when the stream ends first. */
  drained(): Promise<void>;
  pause(): void;
  resume(): void;
  /**
   * Detaches; the container runs on. Docker leaves the process its stdin, to be attached to again. With Podman (4.3, conmon 2.1)
   * the end of any attach connection, a crash of this program included, is the end of stdin for the process.
   */
  close(): void;
}

export interface Images {
  /** Images that carry a label, `key` or `key=value`. Of several, Podman 4.3 would find none. */
  list(query: { readonly label: string }, options?: Waiting): Promise<readonly Docker.ImageInfo[]>;
  find(reference: string, options?: Waiting): Promise<ImageDetails | undefined>;
  /**
   * Engine-side pull with the credentials of spec 03 §12.3. `onProgress` gets the engine's progress records.
   * Throws `ERR_IMAGE_NOT_FOUND` when the engine says it cannot have the image, `ERR_IMAGE_PULL` when the engine went away
   * meanwhile, each with the real cause; `ERR_TIMEOUT` or `ERR_CANCELLED` when `signal` ended it.
   */
  pull(reference: string, options?: PullOptions): Promise<void>;
  /** How this program may ask the registry of an image itself: as the engine would, with the same credentials. */
  registryAccess(reference: string, options?: Waiting): Promise<RegistryAccess>;
  tag(source: string, target: string, options?: Waiting): Promise<void>;
  /** Removing an image that is gone succeeds. */
  remove(reference: string, options?: Waiting & { readonly force?: boolean }): Promise<void>;

  /**
   * Builds from a tar as it arrives (Engine API 1.41 `POST /build`). Base images that are missing are pulled with the
   * credentials of spec 03 §12.3. Throws `ERR_BUILD_FAILED` with the engine's words, `ERR_TIMEOUT` or `ERR_CANCELLED` when
   * `signal` or half an hour ended it; the engine then drops what it was building.
   */
  build(context: AsyncIterable<Uint8Array>, options: BuildOptions): Promise<void>;
}

export interface BuildOptions extends Waiting {
  /** Name of the image that comes of it. */
  readonly tag: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile: string;
  /** Images that the Dockerfile begins its stages with; the engine gets their credentials. */
  readonly baseImages: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Values of `ARG` instructions and of the predefined proxy variables. They are not part of the image. */
  readonly buildArguments: Readonly<Record<string, string>>;
  /** The engine's report, in pieces as they come: text with newlines. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

export interface RegistryAccess {
  readonly credentials: RegistryCredentials | undefined;
  /** The engine does without TLS where this registry has none. */
  readonly allowsPlainHttp: boolean;
}

interface PullOptions extends Waiting {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  /**
   * Who asked for the image; default `user`. Images of the program itself (sidecars, base images) are never pulled with
   * `REGISTRY_USERNAME` and `REGISTRY_PASSWORD` (spec 03 §15-B13).
   */
  readonly owner?: 'user' | 'program';
}

export interface PullProgress {
  readonly status: string;
  readonly layer?: string;
  readonly currentBytes?: number;
  readonly totalBytes?: number;
}

/**
 * A bridge. One with a subnet is sealed: it has no way out, no address of the machine and no name service of the engine, and its
 * containers can be given addresses.
 */
export interface NetworkSpec {
  readonly labels: Readonly<Record<string, string>>;
  /** IPv4 in CIDR notation. */
  readonly sealedSubnet?: string | undefined;
}

interface NetworkMembership {
  /** Further names of the container in this network. */
  readonly aliases: readonly string[];
  /** An address of the network; the engine chooses one unless it is given. */
  readonly address?: string | undefined;
}

export interface Networks {
  /** With the containers that are in it; `undefined` when there is no such network. */
  find(idOrName: string, options?: Waiting): Promise<NetworkSummary | undefined>;
  /** A running container joins. Throws `ERR_ENGINE_REQUEST` when it is in the network already, or the address cannot be had. */
  connect(
    network: string,
    container: string,
    membership: NetworkMembership,
    options?: Waiting,
  ): Promise<void>;
  /** Succeeds when the network is gone, or the container not in it. */
  disconnect(network: string, container: string, options?: Waiting): Promise<void>;
  list(query: { readonly name?: string }, options?: Waiting): Promise<readonly NetworkSummary[]>;
  /** The subnet of a sealed network; `undefined` where there is no network of this name, or one that is not sealed. */
  findSealed(name: string, options?: Waiting): Promise<string | undefined>;
  /** Succeeds when a network of exactly this name exists already, which is not looked at any closer. Gives its id, of several the oldest's. */
  ensure(name: string, spec: NetworkSpec, options?: Waiting): Promise<string>;
  /** Removing a network that is gone succeeds. */
  remove(name: string, options?: Waiting): Promise<void>;
}
