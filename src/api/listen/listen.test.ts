import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from './listen.ts';

/** Sends a request and gives how long the connection was kept, in seconds, and what came over it. */
async function keptFor(port: number, path: string): Promise<{ seconds: number; text: string }> {
  const closed = Promise.withResolvers<void>();
  const startedAt = performance.now();
  let text = '';
  await Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open: (connection) => void connection.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`),
      data(_connection, bytes) {
        text += bytes.toString();
      },
      close: () => closed.resolve(),
    },
  });
  await closed.promise;
  return { seconds: (performance.now() - startedAt) / 1000, text };
}

/** Silent in between for longer than connections may be idle. */
function quietStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode('first'));
      await Bun.sleep(9000);
      controller.enqueue(new TextEncoder().encode('last'));
      controller.close();
    },
  });
}

// At once, because both wait for longer than the runtime keeps silent connections.
test.concurrent('a connection without requests is closed, one with an answer under way is not', async () => {
  const answers = async ({ url }: Request) => {
    if (url.endsWith('/stream')) return new Response(quietStream(), { headers: { Connection: 'close' } });
    if (url.endsWith('/slow')) await Bun.sleep(9000);
    return new Response('answer');
  };
  const { address, stop } = await listen({ kind: 'tcp', host: '127.0.0.1', port: 0 }, answers, {
    idleSeconds: 4,
  });
  const port = address.kind === 'tcp' ? address.port : 0;
  const [quick, slow, stream] = await Promise.all(
    ['/quick', '/slow', '/stream'].map((path) => keptFor(port, path)),
  );
  expect(quick?.text).toEndWith('answer');
  expect(quick?.seconds).toBeLessThan(9);
  expect(slow?.text).toEndWith('answer');
  expect(slow?.seconds).toBeLessThan(18);
  expect(stream?.text).toContain('first');
  expect(stream?.text).toContain('last');
  await stop(0);
}, 30_000);

/** Longer than an HTTP server of the runtime waits by itself. */
const SILENCE_MS = 13_500;

test.concurrent('a request over a UNIX socket is answered however long that takes, without a body too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thv-listen-'));
  const path = join(folder, 'api.sock');
  const listener = await listen({ kind: 'socket', path, mode: 0o600 }, async () => {
    await Bun.sleep(SILENCE_MS);
    return new Response('done');
  });
  try {
    const answer = await fetch('http://api/stop', { unix: path, method: 'POST' });
    expect(await answer.text()).toBe('done');
  } finally {
    await listener.stop(0);
    rmSync(folder, { recursive: true });
  }
}, 20_000);
