import type { BuildProgress, FolderProject, PackageReference } from '../build/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type {
  RunConfig,
  StatusRecord,
  WorkloadKind,
  WorkloadName,
  WorkloadStatus,
} from '../records/index.ts';
import type { Verification } from '../signatures/index.ts';
import type { Confinement } from './confinement.ts';
import type { Backend } from './server.ts';

/** What a runtime is given. It opens everything else itself, on first use. */
export interface RuntimeServices {
  /** The runtime that was asked for, as a word; '' where nobody asked. */
  readonly wanted: string;
  /** Variables that choose an engine. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Variables for the programs that are called, installers among them. */
  readonly shell: Readonly<Record<string, string | undefined>>;
  readonly paths: Paths;
  readonly logger: Logger;
}

export interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export interface Looking extends Waiting {
  /** How long to wait for an answer; without it, as long as it takes. */
  readonly patienceMs?: number | undefined;
}

export interface Preparing extends Waiting {
  readonly progress: BuildProgress;
}

/**
 * Runs the servers of one kind of workload. There is one implementation per kind, and commands and host reach servers only through
 * it. It knows nothing of MCP, of status files or of who serves a workload.
 */
export interface Runtime {
  readonly kind: WorkloadKind;
  /** What `image` of a document means here: an image, a package or folder, or nothing, because the server runs elsewhere. */
  readonly runs: 'images' | 'packages' | 'nothing';
  /** Words by which `--runtime`, `TOOLHIVE_RUNTIME` and requests ask for it. */
  readonly names: readonly string[];
  /** What it can run, of what users name. */
  readonly takes: readonly SourceKind[];
  /** Warns a user who asked for no runtime and gets this one because a preferred one does not answer. */
  readonly caution?: string;
  /** A server ends when its supervisor does, so only the supervisor knows about it. */
  readonly endsWithSupervisor: boolean;
  /** Why its workloads cannot be exported for Kubernetes. */
  readonly notForKubernetes?: string;

  /** Opens what it needs. Throws `ERR_ENGINE_UNAVAILABLE`. */
  open(options: Waiting): Promise<void>;
  /** Checks that what it needs answers now. Throws `ERR_ENGINE_UNAVAILABLE`. */
  ping(options: Waiting): Promise<void>;
  /** Throws `ERR_INPUT_INVALID` for a network mode of a profile that has no meaning here. */
  requireConnection(mode: string): void;
  /** A place for a program of ours; absent where there can be none. */
  openAuxiliary?(name: string, options: Waiting): Promise<Auxiliary>;
  /** The environment asks for it by name: if it is absent, that is an error even when no workload needs it. */
  readonly isNamed: boolean;

  /** Makes an image or a package from what the user named. */
  obtain(order: Order, options: Preparing): Promise<Obtained>;
  /** Makes sure that what the document names is there, so that it can be started; gives the document with what the name means now. */
  prepare(
    config: RunConfig,
    options: Preparing & { readonly verification: Verification },
  ): Promise<RunConfig>;
  /** Throws `ERR_INPUT_INVALID` where something that is not ours has this name. */
  requireFreeName(name: WorkloadName, options: Waiting): Promise<void>;

  find(name: WorkloadName, options: Looking): Promise<Sighting | undefined>;
  list(options: Looking): Promise<ReadonlyMap<WorkloadName, Sighting>>;
  /** Whether a workload that was not found is held by something else than what was asked, such as another engine. */
  isElsewhere(name: WorkloadName): Promise<boolean>;
  /** Facts for lists that neither the records nor a sighting hold. */
  describe(name: WorkloadName, config: RunConfig, record: StatusRecord | undefined): Description;
  /** What the server printed; `undefined` when there is no server. Throws `ERR_LOGS_NOT_FOUND` for one that vanishes meanwhile. */
  logs(name: WorkloadName, options: LogOptions): Promise<AsyncIterable<OutputChunk> | undefined>;

  /** Something on disk that only a workload of this kind leaves, which tells its kind when the document is lost. */
  hasTraceOf(name: WorkloadName): boolean;
  /** Where the workload's server is, to be stopped or removed there. Throws `ERR_ENGINE_UNAVAILABLE`. */
  locate(name: WorkloadName, options: Locating): Promise<Place>;
  /** Removes the server, in the place that the environment means, because another one follows it. */
  clear(name: WorkloadName, options: Waiting): Promise<void>;
  /** Before a workload is stored: deletes what an earlier one of its name left. Throws `ERR_REMOVAL_FAILED` when that stays in the way. */
  makeRoom(name: WorkloadName): Promise<void>;
  /** Says how long the server may take to end when the run that serves it is ended next. */
  grantStopTime(name: WorkloadName, seconds: number): void;
  /** A start was requested, and nobody has seen how it ended. */
  isDeploying(name: WorkloadName): boolean;
  /** Files that it keeps for a workload. */
  leftovers(name: WorkloadName, options: Waiting): readonly Leftover[];

  /** How the server of a run is reached. Everything that the run needs lives until `run.signal` aborts. */
  serve(name: WorkloadName, config: RunConfig, run: ServeOptions): Promise<Served>;
}

/** An image by its name; a package or a local folder, from which an image may be built. */
export type SourceKind = 'image' | 'package';

/** What the user named, and how it is to be made ready. */
export interface Order {
  readonly source:
    | { readonly kind: 'image'; readonly image: string }
    | { readonly kind: 'package'; readonly reference: PackageReference }
    | { readonly kind: 'folder'; readonly project: FolderProject };
  /** The package reference or the absolute path of a folder. */
  readonly packageName: string;
  /** CA certificate for image builds, a path. */
  readonly caCertificate: string | undefined;
  /** Settings that a document would have. */
  readonly settings: PackageSettings;
}

interface Obtained {
  /** What the document has for `image`. */
  readonly image: string;
  /** Whether the server is here already, so that nothing is left to prepare. */
  readonly isReady: boolean;
}

export type PackageSettings = Partial<
  Pick<
    RunConfig,
    | 'no_sandbox'
    | 'allow_install_scripts'
    | 'js_runtime'
    | 'runtime_config'
    | 'permission_profile'
    | 'isolate_network'
    | 'learn_permissions'
  >
>;

/** A workload as its runtime sees it now. */
export interface Sighting {
  readonly image: string;
  readonly status: WorkloadStatus;
  /** Whether it runs and does not wait to be restarted. */
  readonly isUp: boolean;
  /** Whether it does not run and is not about to. */
  readonly isDown: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  /** Absent in a list's answer. */
  readonly limits?: Confinement['limits'];
}

export interface Description {
  /** Shown as the package; absent for `image` of the document. */
  readonly package?: string;
  readonly isRemote?: boolean;
  /** A process of this machine, and whether it is confined. */
  readonly process?: { readonly isConfined: boolean };
  readonly startedAt?: Date | undefined;
  readonly confinement?: Confinement | undefined;
}

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

export interface LogOptions extends Waiting {
  readonly follow: boolean;
  readonly tail: number | 'all';
  /** Stopped, failed or removed, as opposed to on its way to its next life. */
  readonly hasEndedForGood: () => Promise<boolean>;
}

interface Locating extends Waiting {
  /** Its document can be read. */
  readonly isDocumented: boolean;
  /** Whether somebody serves it. A workload that is served can be ended even if all its records are lost. */
  readonly isServed: () => Promise<boolean>;
}

/** A workload's server where it was located. Its supervisor is ended before it is stopped or removed. */
export interface Place {
  readonly isThere: boolean;
  readonly isRunning: boolean;
  /** Ending its supervisor ends it. */
  readonly endsWithSupervisor: boolean;
  stop(options: Waiting & { readonly graceSeconds: number; readonly wasServed: boolean }): Promise<void>;
  /** Everything that runs for it, and what nobody else needs afterwards. */
  remove(
    options: Waiting & { readonly wasServed: boolean; readonly config: RunConfig | undefined },
  ): Promise<void>;
}

/** One thing that a workload leaves behind. */
export interface Leftover {
  /** Names it in sentences: `failed to delete <what>`. */
  readonly what: string;
  remove(): unknown;
}

/** A program of ours that runs beside the workloads. */
export interface Auxiliary {
  /** Removes one that has ended. Throws `ERR_INPUT_INVALID` for one that runs, `ERR_WORKLOAD_EXISTS` where something else has the name. */
  requireFree(): Promise<void>;
  start(program: AuxiliaryProgram, options: Pick<Preparing, 'progress'>): Promise<void>;
  /** `undefined` while it runs. */
  findEnd(): Promise<{ readonly exitCode: number | undefined } | undefined>;
  remove(): Promise<void>;
}

export interface AuxiliaryProgram {
  readonly image: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Ports on this machine's loopback address, and the same inside. */
  readonly ports: readonly number[];
  /** The one of them that lists show. */
  readonly labelledPort: number;
}

interface ServeOptions {
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

type Served =
  /** A server that the runtime starts. */
  | { readonly type: 'started'; readonly backend: Backend }
  /** A server that runs elsewhere. */
  | { readonly type: 'upstream'; readonly url: string };
