import { type EngineAddress, engineRequest } from '../../tests/harness/engine.ts';
import { FIXTURE_IMAGE } from '../../tests/harness/images.ts';
import type { Ground } from './ground.ts';

/** A container without thv: what its part of the time is. */

/** Throws unless the engine agrees. */
export async function askEngine(
  engine: EngineAddress,
  method: 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<void> {
  const response = await engineRequest(
    engine,
    method,
    path,
    body === undefined ? undefined : JSON.stringify(body),
  );
  const text = await response.text();
  if (!response.ok) throw new Error(`the engine answered ${response.status} to ${path}: ${text}`);
}

export interface RawStdio extends AsyncDisposable {
  write(text: string): void;
  /** Rejects when the stream ends. */
  readonly ended: Promise<never>;
}

/** The stdio of a container as the engine frames it. */
export async function openRawStdio(
  engine: EngineAddress,
  container: string,
  onBytes: (bytes: Buffer) => void,
): Promise<RawStdio> {
  const agreed = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<never>();
  ended.promise.catch(() => undefined); // who waits for it hears of it
  let head = '';
  const end = () => {
    const error = new Error(`${container}: the stream has ended: ${head}`);
    agreed.reject(error);
    ended.reject(error);
  };
  const socket = await Bun.connect({
    unix: engine.socket,
    socket: {
      data(_socket, bytes) {
        if (head.includes('\r\n\r\n')) {
          onBytes(bytes);
          return;
        }
        head += bytes.toString('latin1');
        if (head.includes('\r\n\r\n')) agreed.resolve();
      },
      end,
      close: end,
      error: end,
    },
  });
  socket.write(
    `POST /v1.41/containers/${container}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: engine\r\n` +
      'Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n',
  );
  await agreed.promise;
  return {
    // What is written here is far below what a socket takes at once.
    write: (text) => void socket.write(text),
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}

const NEWLINE = 0x0a;
const WARM_UP_MS = 1000;

/** Calls per second that the engine alone carries: the echo server, an attach stream, so many calls outstanding. */
export async function measureRawStdio(
  { engine, folder, pause, settings }: Ground,
  outstanding: number,
  payloadBytes: number,
): Promise<number> {
  const name = folder.slice(folder.lastIndexOf('/') + 1);
  const message = 'x'.repeat(payloadBytes);
  let answers = 0;
  let id = 0;
  const calls = (count: number) => {
    let lines = '';
    for (let call = 0; call < count; call++) {
      id += 1;
      lines += `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"echo","arguments":{"message":"${message}"}}}\n`;
    }
    return lines;
  };
  const container = { Image: FIXTURE_IMAGE, Cmd: ['echo'], OpenStdin: true, AttachStdin: true };
  await askEngine(engine, 'POST', `/containers/create?name=${name}`, container);
  try {
    await using stdio = await openRawStdio(engine, name, (bytes) => {
      let count = 0;
      for (const byte of bytes) if (byte === NEWLINE) count += 1;
      answers += count;
      if (count > 0) stdio.write(calls(count));
    });
    await askEngine(engine, 'POST', `/containers/${name}/start`);
    stdio.write(calls(outstanding));
    await Promise.race([pause(WARM_UP_MS), stdio.ended]);
    const before = answers;
    const startedAt = performance.now();
    await Promise.race([pause(settings.seconds * 1000), stdio.ended]);
    return ((answers - before) * 1000) / (performance.now() - startedAt);
  } finally {
    await askEngine(engine, 'DELETE', `/containers/${name}?force=1`);
  }
}
