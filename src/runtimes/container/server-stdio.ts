import type { AttachedStdio, Engine } from '../../engine/index.ts';
import { sleep } from '../../platform/index.ts';
import type { Bridge, ServerEvent, ServerLink } from '../server.ts';
import { look } from './container-watch.ts';
import type { RunningContainer } from './deploy-container.ts';

const MAX_FAILURES = 10;
/** An attachment that ends sooner than this counts as one that failed. */
const SHORT_LIFE_MS = 1000;
const FIRST_DELAY_MS = 2000;
const LAST_DELAY_MS = 30_000;

/**
 * Keeps the bridge attached to a container's stdin and stdout for as long as that process lives: an attachment that ends
 * while the container is still up is made again, at once, and with growing delays when that fails (spec 02 §9). Resolves with what became
 * of the container when it is not up any more, with `undefined` when `signal` aborts; throws `ERR_ATTACH_FAILED` when the attempts are used up.
 */
export async function keepAttached(
  engine: Engine,
  container: RunningContainer,
  bridge: Bridge,
  signal: AbortSignal,
): Promise<ServerEvent | undefined> {
  let failures = 0;
  while (!signal.aborted) {
    const attachedAt = performance.now();
    try {
      await using attachment = await attach(engine, container, bridge, signal);
      await attachment.ended;
      failures = performance.now() - attachedAt < SHORT_LIFE_MS ? failures + 1 : 0;
    } catch (error) {
      if (++failures >= MAX_FAILURES) throw error;
    }
    if (signal.aborted) return undefined;
    const event = await look(engine, container.id, container.identity);
    if (event !== undefined) return event;
    if (failures > 0) {
      await sleep(
        Math.min(FIRST_DELAY_MS * 1.5 ** (failures - 1), LAST_DELAY_MS) * (0.5 + Math.random()),
        signal,
      );
    }
  }
  return undefined;
}

interface Attachment extends AsyncDisposable {
  readonly stdio: AttachedStdio;
  readonly ended: Promise<void>;
}

async function attach(
  engine: Engine,
  container: RunningContainer,
  bridge: Bridge,
  signal: AbortSignal,
): Promise<Attachment> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let link: ServerLink | undefined;
  // Output may arrive before the bridge knows the process; bytes are valid only during the call, so they are copied.
  const early: Uint8Array[] = [];
  const stdio = await engine.containers.attach(
    container.id,
    {
      onStdout: (bytes) => (link === undefined ? void early.push(bytes.slice()) : link.receive(bytes)),
      onEnd: (error) => {
        link?.ended(error?.message ?? 'the server closed its output');
        end();
      },
    },
    { signal },
  );
  // Before the bridge can write: its first message must not be glued to half a line of the attachment before. Servers exist
  // that end at an empty line, so one that was told nothing yet gets none.
  if (bridge.hasWrittenTo(container.identity)) stdio.write('\n');
  link = bridge.attach({
    identity: container.identity,
    write: (line) => stdio.write(line),
    drained: () => stdio.drained(),
  });
  for (const bytes of early) link.receive(bytes);
  const stop = () => {
    link?.ended('the proxy is shutting down');
    stdio.close();
    end();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return {
    stdio,
    ended,
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop);
      stdio.close();
    },
  };
}
