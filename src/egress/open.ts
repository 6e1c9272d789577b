import { connect, type Socket } from 'node:net';

const CONNECT_TIMEOUT_MS = 30_000;
const HEAD_TIMEOUT_MS = 30_000;
const MAX_HEAD_BYTES = 64 * 1024;

/** A TCP connection. Throws when there is none within 30 s. */
export function open(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect({ host, port, allowHalfOpen: true });
  const timer = setTimeout(() => socket.destroy(new Error('connection timed out')), CONNECT_TIMEOUT_MS);
  const settle = () => clearTimeout(timer);
  socket.once('connect', () => {
    settle();
    resolve(socket);
  });
  socket.once('error', (error) => {
    settle();
    reject(error);
  });
  return promise;
}

/**
 * The lines up to the first empty one, and what has come behind it; the socket is paused. `undefined` when the other end leaves, is
 * too slow, or sends too much.
 */
export function readHead(
  socket: Socket,
): Promise<{ readonly head: string; readonly rest: Uint8Array } | undefined> {
  const { promise, resolve } = Promise.withResolvers<
    { readonly head: string; readonly rest: Uint8Array } | undefined
  >();
  let received = Buffer.alloc(0);
  const finish = (value: Awaited<typeof promise>) => {
    clearTimeout(timer);
    socket.off('data', read).off('close', gone).off('end', gone);
    socket.pause();
    resolve(value);
  };
  const gone = () => finish(undefined);
  const read = (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const end = received.indexOf('\r\n\r\n');
    if (end >= 0) finish({ head: received.toString('latin1', 0, end), rest: received.subarray(end + 4) });
    else if (received.byteLength > MAX_HEAD_BYTES) gone();
  };
  const timer = setTimeout(gone, HEAD_TIMEOUT_MS);
  socket.on('data', read).on('close', gone).on('end', gone);
  return promise;
}
