import type { Logger } from '../platform/index.ts';
import type { Mount, Overlay } from '../sandbox/index.ts';
import type { NetworkAccess } from './network-access.ts';

/** What is to be run, and what it may touch. */
export interface ProcessSpec {
  /** Program and arguments, as seen from inside the sandbox. */
  readonly command: readonly string[];
  /** All of the environment beside what the sandbox itself sets: `PATH`, `HOME`, `TMPDIR`, proxy variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder of this process alone, made if it is missing: its work folder is in it, and kept. */
  readonly folder: string;
  /** Where it is started, as seen from inside; its work folder unless given. */
  readonly cwd?: string;
  /** Package and runtime folders, seen where they are. */
  readonly readOnlyPaths: readonly string[];
  /** What `node` is inside: a program's path, or `RUNTIME` for ours. Absent where nobody asked. */
  readonly node?: string | undefined;
  /** What the permission profile grants. */
  readonly mounts: readonly Mount[];
  /** What ignore files hide of it. */
  readonly overlays?: readonly Overlay[];
  readonly network: NetworkAccess;
  /** Ports of an HTTP server: the one it listens on, and the one on this machine's loopback that leads to it. */
  readonly port?: { readonly inside: number; readonly outside: number };
  readonly limits?: ProcessLimits;
  readonly logger: Logger;
  /** Ends the start, not the process. */
  readonly signal: AbortSignal;
}

/** Limits of a process and everything it starts, together. */
export interface ProcessLimits {
  readonly memoryBytes?: number | undefined;
  readonly cpus?: number | undefined;
  /** Processes and threads. */
  readonly processes?: number | undefined;
  /** Open files of each process. */
  readonly openFiles?: number | undefined;
}

/**
 * What holds a limit: a control group of the kernel, a limit of the kernel for each process or user, or a look at the processes
 * every now and then, which ends them when they are seen to be beyond it.
 */
export type Holder = 'control group' | 'resource limit' | 'watch';

/** By what each limit is held; absent is not limited, or not held by anything. */
export interface HeldLimits {
  readonly memory?: Holder;
  readonly processes?: Holder;
  readonly cpus?: Holder;
}

export interface SandboxedProcess {
  /** As this machine knows it. Of a sandboxed process that is its outermost, whose end is the end of all. */
  readonly pid: number;
  readonly stdin: Bun.FileSink;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves when it and all it started are gone. */
  readonly exited: Promise<ProcessExit>;
  readonly held: HeldLimits;
  /**
   * Asks it to end, a stdio server by the end of its input and then, like others at once, all its processes by SIGTERM; after `graceMs`
   * ends them. Resolves when they are gone. Idempotent.
   */
  stop(graceMs: number): Promise<void>;
}

export interface ProcessExit {
  /** `undefined` after a signal. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** The limit that it was ended at. */
  readonly limit?: 'memory' | 'processes' | undefined;
}

/** One way to confine a process on this machine. */
export interface Sandbox {
  readonly kind: SandboxKind;
  /** What it was seen not to enforce here, or cannot; sentences for people. */
  weaknesses(network: NetworkAccess): readonly string[];
  /** Whether the process has a loopback of its own, where ports do not meet those of this machine. */
  hasOwnNetwork(network: NetworkAccess): boolean;
  /** Throws `ERR_SANDBOX_FAILED` when the process could not be started as confined as it should be. */
  start(spec: ProcessSpec): Promise<SandboxedProcess>;
}

type SandboxKind = 'bubblewrap' | 'namespaces' | 'seatbelt' | 'none';
