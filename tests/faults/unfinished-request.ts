import { connect, type NetConnectOpts } from 'node:net';

/** How a connection ended on which a request was left unfinished. */
interface Outcome {
  /** All that was answered. */
  readonly text: string;
  readonly seconds: number;
}

interface Drip {
  /** Sent again and again, so that the connection is never silent. */
  readonly bytes: string;
  readonly everyMs: number;
}

/** Sends the beginning of a request, then nothing, or a drip; resolves when the other side closes the connection. */
export async function leaveUnfinished(to: NetConnectOpts, beginning: string, drip?: Drip): Promise<Outcome> {
  const startedAt = performance.now();
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  let text = '';
  const socket = connect(to, () => socket.write(beginning));
  socket.on('data', (bytes) => {
    text += bytes.toString();
  });
  socket
    .on('error', () => undefined)
    .on('end', resolve)
    .on('close', resolve);
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip.bytes), drip.everyMs);
  await closed;
  clearInterval(dripping);
  socket.destroy();
  return { text, seconds: (performance.now() - startedAt) / 1000 };
}

export async function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: '127.0.0.1', port }, () => resolve(true));
  socket.on('error', () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}
