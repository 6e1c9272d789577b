import { connect, type Socket } from 'node:net';
import { readHead } from '../../../egress/index.ts';
import { messageOf, ThvError } from '../../../errors/index.ts';
import { parseResponseHead } from '../../../net/index.ts';
import { startDeadline } from '../../../platform/index.ts';
import type { Tunnel } from '../../../proxy/index.ts';

const TIMEOUT_MS = 30_000;

/** A socket whose other end is the server's. Throws `ERR_SYSTEM` when the sidecar does not lead there. */
export async function openTunnel(name: string, tunnel: Tunnel, signal?: AbortSignal): Promise<Socket> {
  using deadline = startDeadline({ signal, timeoutMs: TIMEOUT_MS });
  const socket = connect({ host: tunnel.hostname, port: tunnel.port, allowHalfOpen: true });
  const abort = () => socket.destroy(new Error('given up'));
  deadline.signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    socket.write(tunnel.head);
    const answer = await readHead(socket);
    if (answer === undefined) throw new Error('the egress sidecar hung up');
    const { status } = parseResponseHead(`${answer.head}\r\n\r\n`);
    if (status !== 200) throw new Error(`the egress sidecar answered with status ${status}`);
    if (answer.rest.byteLength > 0) socket.unshift(answer.rest);
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw new ThvError('ERR_SYSTEM', { reason: `no way to ${name}: ${messageOf(error)}` }, { cause: error });
  } finally {
    deadline.signal.removeEventListener('abort', abort);
  }
}
