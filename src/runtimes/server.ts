import type { Tunnel } from '../proxy/index.ts';

/** The standard streams of one process, as the one who speaks with it sees them. */
interface ServerProcess {
  /** Changes whenever the process is a new one. */
  readonly identity: string;
  /** Queues text that ends in a newline. `false`: wait for `drained()` before writing more. Throws when the process is gone. */
  write(lines: string): boolean;
  /** Rejects, or never settles, when the process ends first. */
  drained(): Promise<void>;
}

/** Where the output of a process goes. */
export interface ServerLink {
  /** Raw stdout; bytes are valid only during the call. Never throws. */
  receive(bytes: Uint8Array): void;
  /** The process or the connection to it ended. */
  ended(reason: string): void;
}

/** What became of a server that was up (spec 03 §9.5). */
export type ServerEvent =
  | {
      readonly type: 'exited';
      readonly detail: string;
      /** Which limit ended it, and what raises that; in words. */
      readonly limit?: string | undefined;
      /** What may help, in words, where it was ended by itself. */
      readonly wayOut?: string | undefined;
    }
  | { readonly type: 'restarted'; readonly limit?: string | undefined }
  | { readonly type: 'removed' };

/** What a stdio server is connected to. */
export interface Bridge {
  attach(process: ServerProcess): ServerLink;
  /** Whether the process was written to before, in this life of ours or in an earlier one. */
  hasWrittenTo(identity: string): boolean;
}

/** One life of a server, in a container or as a process. */
export interface RunningServer {
  /** Changes whenever the server's process is a new one. */
  readonly identity: string;
  /** It ran before we came: another process was attached to it, and may have died in the middle of a line. */
  readonly wasUp: boolean;
  /** How long its process had run when we came to it. */
  readonly livedMs: number;
  /** Port on the target host that the proxy connects to; `undefined` for stdio. */
  readonly hostPort: number | undefined;
  /** The way of each connection to an HTTP server that no port of this machine leads to. */
  readonly tunnel?: ((signal: AbortSignal) => Promise<Tunnel>) | undefined;
  /** Resolves when it is not up any more; `undefined` when `signal` aborts first. */
  watch(signal: AbortSignal): Promise<ServerEvent | undefined>;
  /** Tells an exit from the first half of a removal or of a restart. */
  confirm(event: ServerEvent, signal: AbortSignal): Promise<ServerEvent>;
  /**
   * Keeps the bridge connected to stdin and stdout as long as the server lives; gives what became of it, where that is known. Throws `ERR_ATTACH_FAILED` and
   * `ERR_CONTAINER_NOT_RUNNING`.
   */
  keepAttached(bridge: Bridge, signal: AbortSignal): Promise<ServerEvent | undefined>;
  /** The last lines it printed before it ended, which go into the workload's log; '' when they cannot be read. */
  lastWords(): Promise<string>;
  stop(graceSeconds: number, signal: AbortSignal): Promise<void>;
}

/** What a workload's server runs on. */
export interface Backend {
  /** Names the server in sentences: `Container exited, restarting`. */
  readonly noun: 'Container' | 'Process';
  /** Makes the server run. Throws `ERR_CONTAINER_NOT_RUNNING` for one that ends at once, and `ERR_ENGINE_UNAVAILABLE`. */
  deploy(environment: Readonly<Record<string, string>>): Promise<RunningServer>;
  /** The last lines of a server that did not come up. */
  lastWords(): Promise<string>;
  /** Nobody will look after the server any more. */
  giveUp(): Promise<void>;
  /** Waits before the next attempt, not longer than there is something to wait for. */
  untilUpAgain(delayMs: number): Promise<void>;
  /** The run ends; a container runs on, a process ends with it. */
  release(): Promise<void>;
}
