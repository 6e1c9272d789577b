import { openStreamable } from '../../tests/harness/raw-client.ts';
import { type Ground, hostOf, openHome, runEcho } from './ground.ts';
import { memoryOf } from './process-usage.ts';
import { atMost, kb, type Row } from './table.ts';

const MAX_KB = 20;
/** A keep-alive comment is due every 30 s at the latest. */
const HOLD_MS = 33_000;
const SETTLE_MS = 3000;
const AT_ONCE = 32;

/** Event streams that are held and say nothing: first `GET /mcp`, each with its session, then `GET /sse`. */
export async function benchStreams(ground: Ground): Promise<readonly Row[]> {
  const count = ground.settings.streams;
  await using home = await openHome(ground);
  const url = new URL(await runEcho(home, 'streams'));
  const host = await hostOf(home);
  // What is paid once is paid before.
  await openMany(20, () => openSessionId(url.href));
  const look = async () => {
    await ground.pause(SETTLE_MS);
    return (await memoryOf(host)).residentBytes;
  };
  const before = await look();
  await using held = new AsyncDisposableStack();
  const streamable = await openMany(count, async () => {
    const sessionId = await openSessionId(url.href);
    return held.use(await holdStream(url, '/mcp', { 'Mcp-Session-Id': sessionId }));
  });
  const afterStreamable = await look();
  const sse = await openMany(count, async () => held.use(await holdStream(url, '/sse', {})));
  const afterSse = await look();
  await ground.pause(HOLD_MS);

  const row = (path: string, streams: readonly HeldStream[], bytes: number): Row[] => {
    const dropped = streams.filter(({ isOpen }) => !isOpen()).length;
    const silent = streams.filter(({ keepAlives }) => keepAlives() === 0).length;
    const each = bytes / streams.length;
    return [
      {
        metric: `${count} held GET ${path}, memory of each`,
        thv: kb(each),
        budget: atMost(each / 1024, MAX_KB, ' KB'),
      },
      {
        metric: `${count} held GET ${path}, after ${Math.round(HOLD_MS / 1000)} s`,
        thv: `${dropped} dropped, ${silent} without keep-alive`,
        budget: atMost(dropped + silent, 0, ' lost'),
      },
    ];
  };
  return [
    ...row('/mcp', streamable, afterStreamable - before),
    ...row('/sse', sse, afterSse - afterStreamable),
  ];
}

async function openSessionId(url: string): Promise<string> {
  // Not disposed of: the session must outlive this.
  return (await openStreamable(url)).sessionId;
}

async function openMany<T>(count: number, open: () => Promise<T>): Promise<readonly T[]> {
  const opened: T[] = [];
  let started = 0;
  const worker = async () => {
    while (started++ < count) opened.push(await open());
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return opened;
}

interface HeldStream extends AsyncDisposable {
  isOpen(): boolean;
  /** Comments received so far. */
  keepAlives(): number;
}

/** Resolves when the headers are there; a bare socket, so that nothing reads ahead, retries or times out on its own. */
async function holdStream(
  url: URL,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<HeldStream> {
  const started = Promise.withResolvers<void>();
  let isOpen = true;
  let keepAlives = 0;
  let head = '';
  const onText = (text: string) => {
    keepAlives += text.split(': keep-alive').length - 1;
    if (head.includes('\r\n\r\n')) return;
    head += text;
    if (!head.includes('\r\n\r\n')) return;
    // The first bytes of a stream may be a comment too; it only opens the stream.
    keepAlives = 0;
    if (head.startsWith('HTTP/1.1 200 ')) started.resolve();
    else started.reject(new Error(`GET ${path}: ${head.slice(0, 200)}`));
  };
  const onEnd = () => {
    isOpen = false;
    started.reject(new Error(`GET ${path}: closed at once`));
  };
  const socket = await Bun.connect({
    hostname: url.hostname,
    port: Number(url.port),
    socket: { data: (_socket, bytes) => onText(bytes.toString()), end: onEnd, close: onEnd, error: onEnd },
  });
  const lines = Object.entries({ Host: url.host, Accept: 'text/event-stream', ...headers });
  socket.write(
    `GET ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  await started.promise;
  return {
    isOpen: () => isOpen,
    keepAlives: () => keepAlives,
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}
