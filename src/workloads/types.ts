import type { AuthzConfig } from '../authz/index.ts';
import type { BuildProgress } from '../build/index.ts';
import type { Registered } from '../clients/index.ts';
import type { RunConfig, SecretParameter, WorkloadStatus } from '../records/index.ts';
import type { Registry } from '../registry/index.ts';
import type { Confinement, NetworkAttempts } from '../runtimes/index.ts';
import type { Definition, ToolLock } from '../tool-lock/index.ts';
import type { RunRequest } from './run-request.ts';

/** A workload as `list`, `status` and the API show it (spec 02 §4.6). */
export interface Workload {
  readonly name: string;
  /** Image reference, package reference, or `remote`. */
  readonly package: string;
  readonly url: string;
  readonly port: number;
  readonly transport: RunConfig['transport'];
  readonly proxyMode: 'sse' | 'streamable-http' | undefined;
  readonly status: WorkloadStatus;
  readonly statusContext: string | undefined;
  readonly createdAt: Date;
  /** Start of the container's present life; `undefined` when it is not known. */
  readonly startedAt: Date | undefined;
  /** User labels only; the standard ones are hidden. */
  readonly labels: Readonly<Record<string, string>>;
  readonly group: string | undefined;
  readonly tools: readonly string[];
  readonly remote: boolean;
  /** A process of this machine, and whether it is confined; absent for a container. */
  readonly process?: { readonly isConfined: boolean };
  /** What the server may use, and what holds that; absent where it is not known. */
  readonly limits?: Confinement['limits'] | undefined;
  /** What runs a JavaScript package, and why. */
  readonly jsRuntime?: Confinement['js_runtime'];
  /** Packages whose install scripts were not run. */
  readonly heldBack?: readonly string[] | undefined;
  /** Where the sandbox of a process was seen to be weaker than a container. */
  readonly weaknesses?: readonly string[] | undefined;
}

/** The tools of a workload, as its server says they are. */
export interface PresentTools {
  /** Whether the workload shows and serves locked tools only. */
  readonly isEnforced: boolean;
  readonly present: readonly Definition[];
}

/** `thv run --from-config`: a document made elsewhere. */
export interface ImportRequest {
  readonly configFile: string;
  readonly debug: boolean;
}

export interface RunOutcome {
  readonly name: string;
  readonly url: string;
}

export interface RunResult extends RunOutcome {
  /** Port of the proxy. */
  readonly port: number;
}

/** Ports on 127.0.0.1 that the Inspector is reached by. */
export interface InspectRequest {
  readonly uiPort: number;
  readonly mcpProxyPort: number;
}

export type ExportFormat = 'json' | 'k8s';

export interface Exported {
  readonly text: string;
  /** What the text does not hold, or holds in plain sight: lines for stderr. */
  readonly warnings: readonly string[];
}

/** Where an operation tells how far it is. */
export type Progress = BuildProgress;

/** A value that only the person at the terminal can give. */
interface Question {
  readonly kind: 'environment variable' | 'header';
  readonly name: string;
  readonly description: string;
  readonly secret: boolean;
  /** The only values that will do; empty for any. */
  readonly choices: readonly string[];
}

/** '' and `undefined` are no answer. */
export type Ask = (question: Question) => Promise<string | undefined>;

/** How a run tells how far it is, and asks. */
export interface RunInteraction {
  readonly progress: Progress;
  /** Absent when nobody can be asked. */
  readonly ask?: Ask | undefined;
}

/** A file with audit events. */
export interface AuditPlace {
  readonly path: string;
  /** Other lines stand in it as well. */
  readonly isMixed: boolean;
}

export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface StopOptions extends OperationOptions {
  /** Until the server is killed; default 30 s, and 4 s for a stdio server. */
  readonly graceSeconds?: number | undefined;
}

/** What came of an operation on a workload that did not fail. */
export interface Acted {
  readonly result: 'done' | 'already' | 'not-found';
  /** What else the user is to know. */
  readonly note?: string | undefined;
}

/** What came of one workload in a bulk operation; one failure stops none of the others (spec 02 §15-27). */
export type Outcome =
  | ({ readonly name: string } & Acted)
  | { readonly name: string; readonly result: 'failed'; readonly error: Error };

/** What the registry has for a workload, as `upgrade check --format json` and the API show it (spec 02 §12). */
export interface UpgradeCheck {
  readonly workload_name: string;
  readonly registry_server?: string;
  readonly status:
    | 'up-to-date'
    | 'upgrade-available'
    | 'not-registry-sourced'
    | 'server-not-found'
    | 'unknown';
  readonly current_image?: string;
  readonly candidate_image?: string;
  readonly reason?: string;
  readonly env_var_drift?: { readonly added: readonly VariableDrift[] };
  readonly config_drift?: { readonly transport?: Drift; readonly permission_profile?: Drift };
}

interface VariableDrift {
  readonly name: string;
  readonly description?: string;
  readonly required: boolean;
  readonly secret?: boolean;
  /** Never of a secret. */
  readonly default?: string;
}

interface Drift {
  readonly from: string;
  readonly to: string;
}

export interface UpgradeRequest {
  readonly environment: Readonly<Record<string, string>>;
  /** Only those whose target has none yet are taken. */
  readonly secrets: readonly SecretParameter[];
}

/** What a watcher is told: everything first, then each change as it is noticed. */
export type WorkloadEvent =
  | { readonly type: 'snapshot'; readonly workloads: readonly Workload[] }
  | { readonly type: 'added' | 'changed'; readonly workload: Workload }
  | { readonly type: 'removed'; readonly name: string };

/** Everything one can do with workloads; commands and API are two faces of this (decision 15). */
export interface WorkloadManager {
  /** Sorted by name. Without `all`: only `running` and `auth_retrying`. All of `labels` must match. */
  list(
    query: {
      readonly all: boolean;
      readonly labels?: readonly (readonly [key: string, value: string])[];
      readonly group?: string | undefined;
    },
    options?: OperationOptions,
  ): Promise<readonly Workload[]>;
  /** Throws `ERR_WORKLOAD_NOT_FOUND`. */
  get(name: string, options?: OperationOptions): Promise<Workload>;
  /** Detached start; returns once the workload host has taken over, without waiting for readiness (spec 01 §4.7). */
  run(request: RunRequest | ImportRequest, options: OperationOptions & RunInteraction): Promise<RunResult>;
  /**
   * `run --foreground`: resolves when the workload ended and was deleted, or stopped when it came from a file; `signal`
   * aborting is the normal end.
   */
  runForeground(
    request: RunRequest | ImportRequest,
    options: OperationOptions &
      RunInteraction & {
        readonly onReady: (outcome: RunOutcome) => void;
      },
  ): Promise<void>;
  /** Stored workload, detached. `already` when it runs and is supervised. */
  start(name: string, options?: OperationOptions): Promise<Outcome>;
  /** Stored workload in this process until `signal` aborts (then the container is stopped) or it fails for good. */
  startForeground(
    name: string,
    options: OperationOptions & { readonly onReady: (outcome: RunOutcome) => void },
  ): Promise<void>;
  /** Concurrent. `not-found` for unknown names; throws `ERR_WORKLOAD_NAME_INVALID` before anything happens. */
  stop(names: readonly string[], options: StopOptions): Promise<readonly Outcome[]>;
  remove(
    names: readonly string[],
    options: OperationOptions & { readonly keepLogs: boolean },
  ): Promise<readonly Outcome[]>;
  /** Stops it when it runs, and starts it: port and URL stay (spec 10 §11.7). */
  restart(name: string, options?: OperationOptions): Promise<Outcome>;
  /**
   * Gives a workload other settings. What can be wrong with them is found before this resolves; the exchange itself goes on
   * in `finished`, which never rejects. When the new settings do not start, the old ones are put back (spec 10 §20-11).
   */
  edit(
    name: string,
    request: RunRequest,
    options: OperationOptions & RunInteraction,
  ): Promise<RunResult & { readonly finished: Promise<void> }>;
  /** Throws `ERR_RUN_CONFIG_NOT_FOUND`, `ERR_REGISTRY_UNAVAILABLE`. */
  checkUpgrade(name: string, options?: OperationOptions): Promise<UpgradeCheck>;
  /** Sorted by name. Throws `ERR_REGISTRY_UNAVAILABLE`. */
  checkUpgrades(
    query: { readonly all: boolean; readonly group?: string | undefined },
    options?: OperationOptions,
  ): Promise<readonly UpgradeCheck[]>;
  /**
   * Upgrades to the image that the registry has now and resolves when that runs. When there is nothing to do, the result is the
   * unchanged check.
   * Throws what keeps it from being prepared, and `ERR_WORKLOAD_START_FAILED` when the old one had to be put back.
   */
  applyUpgrade(
    name: string,
    request: UpgradeRequest,
    options: OperationOptions & RunInteraction,
  ): Promise<UpgradeCheck>;
  /** The stored document. Throws `ERR_RUN_CONFIG_NOT_FOUND`. */
  config(name: string): Promise<RunConfig>;
  /** All workloads now, then what becomes of them, until `signal` aborts. */
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<WorkloadEvent>;
  /** Runs the MCP Inspector for a workload; gives the URL of its page once it is served. */
  inspect(
    name: string,
    request: InspectRequest,
    options: OperationOptions & { readonly progress: Progress },
  ): Promise<string>;
  /** What its server says its tools are. Throws `ERR_NOT_AVAILABLE` when it does not run. */
  tools(name: string, options: OperationOptions): Promise<PresentTools>;
  /** The tools as they were locked. Throws `ERR_TOOL_LOCK_INVALID`. */
  toolLock(name: string): Promise<ToolLock | undefined>;
  lockTools(name: string, tools: readonly Definition[]): Promise<void>;
  unlockTools(name: string): Promise<void>;
  /** The policies that its callers are judged by. Throws `ERR_AUTHZ_INVALID`. */
  policies(name: string): Promise<AuthzConfig | undefined>;
  /** The workload's document as a text to keep elsewhere (spec 02 §2). Throws `ERR_RUN_CONFIG_NOT_FOUND`. */
  export(name: string, format: ExportFormat): Promise<Exported>;
  /** Container output; throws `ERR_LOGS_NOT_FOUND`. With `follow` until `signal` aborts or the container is gone. */
  logs(
    name: string,
    options: OperationOptions & { readonly follow: boolean; readonly tail?: number },
  ): AsyncIterable<{ readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }>;
  /** Path of the workload's own log file (existing or not). Throws `ERR_WORKLOAD_NAME_INVALID`. */
  proxyLogPath(name: string): string;
  /** What the server tried to reach and was refused, the newest first. Throws `ERR_WORKLOAD_NOT_FOUND`. */
  networkAttempts(name: string): Promise<readonly NetworkAttempts[]>;
  /** The file of the lines that `networkAttempts` sums up. Throws `ERR_WORKLOAD_NOT_FOUND`. */
  networkLogPath(name: string): Promise<string>;
  /** Where a workload's requests are audited. Throws `ERR_NOT_AUDITED`, `ERR_RUN_CONFIG_NOT_FOUND`. */
  auditLog(name: string): Promise<AuditPlace>;
  /** Deletes log files that belong to no workload. */
  pruneLogs(options?: OperationOptions): Promise<{
    readonly folderExists: boolean;
    readonly logFiles: number;
    readonly removed: readonly string[];
    readonly failed: readonly { readonly path: string; readonly error: Error }[];
  }>;
  /** Names of all workloads, stopped ones too, without asking an engine: for shell completion. */
  names(): Promise<readonly string[]>;
  groupExists(name: string): Promise<boolean>;
  /** The registry that is configured now. */
  registry(): Promise<Registry>;
  /** Resolves when the container engine answers. Throws `ERR_ENGINE_UNAVAILABLE` with what was tried. */
  ping(options?: OperationOptions): Promise<void>;
  /**
   * Workloads that go or move when the group is deleted, stopped ones too, without asking an engine. Throws
   * `ERR_GROUP_PROTECTED` for the default group, `ERR_GROUP_NOT_FOUND`.
   */
  groupMembers(group: string): Promise<readonly string[]>;
  /** Deletes a group; its workloads move to the default group, or go with it. Throws as `groupMembers`. */
  deleteGroup(
    group: string,
    options: OperationOptions & { readonly withWorkloads: boolean },
  ): Promise<readonly Outcome[]>;
  /**
   * Registers MCP clients for groups (none: for workloads without a group) and writes the running workloads of these into
   * their settings. Throws `ERR_CLIENT_INVALID`, `ERR_GROUP_NOT_FOUND`, `ERR_CLIENT_SETTINGS_INVALID`.
   */
  registerClients(
    ids: readonly string[],
    groups: readonly string[],
    options?: OperationOptions,
  ): Promise<readonly Registered[]>;
  /** Takes MCP clients out of groups, `undefined` for everywhere, with the entries we wrote. Throws as `registerClients`. */
  removeClients(ids: readonly string[], groups: readonly string[] | undefined): Promise<void>;
  /** Names of the workloads that refer to a secret of the user's, sorted; asks no engine. */
  usersOfSecret(secret: string): Promise<readonly string[]>;
}
