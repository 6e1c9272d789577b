import type { Upstream } from '../upstream.ts';
import { type Connection, ConnectionClosed, openConnection } from './connection.ts';
import type { Tunnel } from './tunnel.ts';

export interface RawUpstream extends Disposable {
  readonly send: Upstream;
}

/** Idle connections kept for later, and for how long. Servers close theirs after 5 s and more. */
const MAX_IDLE = 256;
const IDLE_MS = 30_000;
/** No server closes a connection after so short a pause; one that was idle for longer may be about to be closed. */
const FRESH_MS = 1000;
/** Methods that a proxy may repeat when it does not know whether the server has acted (RFC 9110 §9.2.2). */
const REPEATABLE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * HTTP/1.1 without TLS over sockets of our own: much less work per request than the runtime's `fetch`, whose ceiling of
 * 256 requests at a time would also limit the streams that can be held. Never pipelines. `tunnelTo` is asked for each connection:
 * `undefined` for a direct one.
 */
export function createRawUpstream(
  tunnelTo: () => ((signal: AbortSignal) => Promise<Tunnel>) | undefined = () => undefined,
): RawUpstream {
  const idle = new Map<string, IdleConnection[]>();
  let closed = false;
  const sweeping = setInterval(sweep, IDLE_MS / 2);
  sweeping.unref();

  /** The one that was used last, if it rested for `maxRestMs` at most; else it makes room for another. */
  function findIdle(key: string, maxRestMs: number): Connection | undefined {
    const free = idle.get(key);
    const oldest = performance.now() - maxRestMs;
    for (let last = free?.pop(); last !== undefined; last = free?.pop()) {
      if (last.connection.closed) continue;
      if (last.since >= oldest) return last.connection;
      last.connection.close();
      return undefined;
    }
    return undefined;
  }

  function keep(key: string, connection: Connection): void {
    const free = idle.get(key) ?? [];
    if (closed || free.length >= MAX_IDLE) {
      connection.close();
      return;
    }
    free.push({ connection, since: performance.now() });
    idle.set(key, free);
  }

  function forget(key: string, connection: Connection): void {
    const left = idle.get(key)?.filter((entry) => entry.connection !== connection) ?? [];
    if (left.length === 0) idle.delete(key);
    else idle.set(key, left);
  }

  function sweep(): void {
    const until = performance.now() - IDLE_MS;
    for (const free of [...idle.values()])
      for (const { connection, since } of [...free]) if (since < until) connection.close();
  }

  async function send(request: Parameters<Upstream>[0]): Promise<Response> {
    const key = request.origin.host;
    // A tool must not be called twice, so a call is not sent where it may have to be sent again.
    const isRepeatable = REPEATABLE.has(request.method) && !(request.body instanceof ReadableStream);
    const used = findIdle(key, isRepeatable ? IDLE_MS : FRESH_MS);
    if (used !== undefined) {
      try {
        return await used.send(request);
      } catch (error) {
        // It had been closed behind our back; the request may never have been seen.
        const isStale = error instanceof ConnectionClosed && isRepeatable;
        if (!isStale || request.signal.aborted) throw error;
      }
    }
    const hooks = {
      onFree: (free: Connection) => keep(key, free),
      onClose: (gone: Connection) => forget(key, gone),
    };
    const tunnel = await tunnelTo()?.(request.signal);
    const connection = await openConnection(request.origin, request.signal, hooks, tunnel);
    return connection.send(request);
  }

  return {
    send,
    [Symbol.dispose]() {
      closed = true;
      clearInterval(sweeping);
      for (const free of [...idle.values()]) for (const { connection } of [...free]) connection.close();
    },
  };
}

interface IdleConnection {
  readonly connection: Connection;
  readonly since: number;
}
