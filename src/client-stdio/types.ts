import type { Message } from '../proxy/index.ts';

/** The side of the pump that speaks HTTP. */
export interface Upstream extends AsyncDisposable {
  /** Resolves once the server has been reached; rejects with `ERR_MCP_REQUEST` when it cannot be. */
  open(): Promise<void>;
  /**
   * Passes one message on. Resolves when the next one may follow, which need not be before the answer. Never throws: a
   * request that fails is answered with an error.
   */
  send(message: Message): Promise<void>;
  /** Resolves once no request waits for its answer. */
  settled(): Promise<void>;
  /** Rejects with `ERR_MCP_REQUEST` once the server has been out of reach for too long. */
  readonly lost: Promise<never>;
}

export interface UpstreamOptions {
  readonly url: URL;
  /** Writes one message to the client. */
  readonly deliver: (text: string) => void;
  readonly log: { debug(message: string, fields?: Record<string, unknown>): void };
  /** How long the server may be out of reach: the workload host may be between two lives. */
  readonly patienceMs: number;
  readonly fetch: (resource: URL, init?: RequestInit) => Promise<Response>;
}
