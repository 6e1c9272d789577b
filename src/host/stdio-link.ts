import type { AttachedStdio, Engine } from '../engine/index.ts';
import { ThvError } from '../errors/index.ts';
import { sleep } from '../platform/index.ts';
import type { ServerLink, ServerProcess } from '../proxy/index.ts';
import { look } from './container-watch.ts';
import type { RunningContainer } from './containers.ts';

const MAX_ATTEMPTS = 10;
const FIRST_DELAY_MS = 2000;
const LAST_DELAY_MS = 30_000;

interface Bridge {
  attach(process: ServerProcess): ServerLink;
}

interface LinkOptions {
  /** The host that held the stream before may have died in the middle of a line; the server must not glue ours to it. */
  readonly afterCrash: boolean;
  readonly signal: AbortSignal;
  readonly onAttached: () => void;
}

/**
 * Keeps the bridge attached to a container's stdin and stdout for as long as that process lives: an attachment that ends
 * while the container is still up is made again, ten times with growing delays (spec 02 §9). Resolves when the container
 * is not up any more or `signal` aborts; throws `ERR_ATTACH_FAILED` when the attempts are used up.
 */
export async function keepAttached(
  engine: Engine,
  container: RunningContainer,
  bridge: Bridge,
  options: LinkOptions,
): Promise<void> {
  const { signal } = options;
  let delayMs = FIRST_DELAY_MS;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await using attachment = await attach(engine, container, bridge, signal);
      if (options.afterCrash || attempt > 1) attachment.stdio.write('\n');
      options.onAttached();
      await attachment.ended;
      delayMs = FIRST_DELAY_MS;
      attempt = 1;
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS) throw error;
    }
    if (signal.aborted || (await look(engine, container.id, container.identity)) !== undefined) return;
    await sleep(delayMs * (0.5 + Math.random()), signal);
    delayMs = Math.min(delayMs * 1.5, LAST_DELAY_MS);
  }
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

export function isAttachFailure(error: unknown): boolean {
  return (
    error instanceof ThvError &&
    (error.code === 'ERR_ATTACH_FAILED' || error.code === 'ERR_CONTAINER_NOT_RUNNING')
  );
}
