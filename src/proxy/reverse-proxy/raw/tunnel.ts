import type { Socket, SocketHandler } from 'bun';
import { parseResponseHead } from '../../../net/index.ts';

/**
 * A way to a server that cannot be reached directly: connect to `hostname` and `port`, write `head`, read one HTTP answer up to its empty
 * line; from status 200 on, everything is the server's. It holds for one connection. `head` may contain a secret.
 */
export interface Tunnel {
  readonly hostname: string;
  readonly port: number;
  readonly head: string;
}

/** Nobody behind the tunnel takes connections: as when a server refuses them itself. */
class TunnelRefused extends Error {
  readonly code = 'ECONNREFUSED';
}

const MAX_HEAD_BYTES = 16 * 1024;

/** Handlers that open the tunnel first, and hand everything on to `inner` from then on. */
export function throughTunnel(
  { head }: Tunnel,
  inner: Required<Pick<SocketHandler<undefined>, 'data' | 'drain' | 'end' | 'close' | 'error'>>,
): { readonly handlers: SocketHandler<undefined>; open(socket: Socket<undefined>): Promise<void> } {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  promise.catch(() => undefined); // `open` hears of it
  let received = Buffer.alloc(0);
  let isOpen = false;
  const lost = () => reject(new Error('the way to the server was closed'));
  return {
    handlers: {
      data(socket, bytes) {
        if (isOpen) return void inner.data(socket, bytes);
        received = Buffer.concat([received, bytes]);
        const end = received.indexOf('\r\n\r\n');
        if (end < 0) {
          if (received.byteLength > MAX_HEAD_BYTES) lost();
          return;
        }
        const refusal = refusalIn(received.subarray(0, end + 4).toString('latin1'));
        if (refusal !== undefined) return reject(refusal);
        isOpen = true;
        const rest = received.subarray(end + 4);
        resolve();
        if (rest.byteLength > 0) inner.data(socket, rest);
      },
      drain: (socket) => void (isOpen && inner.drain(socket)),
      end: (socket) => void (isOpen ? inner.end(socket) : lost()),
      close: (socket) => void (isOpen ? inner.close(socket) : lost()),
      error: (socket, error) => void (isOpen ? inner.error(socket, error) : reject(error)),
    },
    async open(socket) {
      socket.write(head);
      await promise;
    },
  };
}

function refusalIn(head: string): Error | undefined {
  try {
    const { status } = parseResponseHead(head);
    if (status >= 200 && status < 300) return undefined;
    const reason = `the way to the server was refused with status ${status}`;
    return status >= 500 ? new TunnelRefused(reason) : new Error(reason);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
