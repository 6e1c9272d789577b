import { createPending, type Pending } from './pending.ts';
import { isUnreachable, reach, unreachable } from './reach.ts';
import type { UpstreamOptions } from './types.ts';

/** What every transport needs on its way to the server: who waits for an answer, whether it can be reached, and its end. */
export interface Connection {
  readonly pending: Pending;
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal;
  /** See `Upstream.lost`. */
  readonly lost: Promise<never>;
  /** A request; waits for a server that cannot be reached, as `reach` does. Ends with `init.signal`, or the connection's. */
  request(resource: URL, init?: RequestInit): Promise<Response>;
  /** The first contact. Throws `ERR_MCP_REQUEST`, whatever it was that failed. */
  begin(contact: () => Promise<void>): Promise<void>;
  /** Ends the connection: nothing is left to pump. */
  lose(cause: unknown): void;
  /** A request failed: the connection is lost when nobody has listened for as long as we wait. */
  requestFailed(error: unknown): void;
  close(): void;
}

export function createConnection({ url, deliver, patienceMs, fetch }: UpstreamOptions): Connection {
  const pending = createPending(deliver);
  const closing = new AbortController();
  const lost = Promise.withResolvers<never>();
  lost.promise.catch(() => undefined); // the pump listens too, but may have stopped

  /** Names the address that the user knows, not the one that was tried. */
  const atServer = (error: unknown) => unreachable(url, isUnreachable(error) ? error.cause : error);

  function lose(cause: unknown): void {
    if (!closing.signal.aborted) lost.reject(atServer(cause));
  }

  return {
    pending,
    signal: closing.signal,
    lost: lost.promise,
    request(resource, init = {}) {
      const signal = init.signal ?? closing.signal;
      return reach(resource, () => fetch(resource, { ...init, signal }), { patienceMs, signal });
    },
    async begin(contact) {
      try {
        await contact();
      } catch (error) {
        throw atServer(error);
      }
    },
    lose,
    requestFailed(error) {
      if (isUnreachable(error)) lose(error);
    },
    close() {
      pending.failAll('the connection was closed');
      closing.abort();
    },
  };
}
