import { messageOf } from '../errors/index.ts';
import { type Logger, sleep } from '../platform/index.ts';
import { probeReadiness } from '../proxy/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RunningServer, ServerEvent } from './backend.ts';
import type { Server } from './server.ts';
import { isAttachFailure } from './stdio-link.ts';

/** A server that cannot start usually ends within this time; until then it is not called running. */
const SETTLE_MS = 500;
/** A server that ends this soon after it was taken over was ending already. */
const TAKE_OVER_MS = 2000;
const CONFIRM_SERVING_MS = 10_000;

interface LifeOptions {
  readonly config: RunConfig;
  readonly noun: string;
  readonly server: Server;
  readonly url: string;
  /** The server ran before this process came: somebody else was attached to it. */
  readonly isTakeOver: boolean;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** The server can be spoken to. */
  readonly onReady: () => Promise<void>;
  /** It still can; called now and then. */
  readonly onStillServing: () => Promise<void>;
  /** It is not up any more; called before anything is done about it. */
  readonly onDown: (livedMs: number, event: ServerEvent) => Promise<void>;
}

/**
 * One life of a workload's server, from being up to not being up any more: proxy connected, readiness awaited, end
 * noticed. `undefined` when `signal` aborted. Throws what is not the end of the server.
 */
export async function serveLife(
  running: RunningServer,
  options: LifeOptions,
): Promise<ServerEvent | undefined> {
  const { signal } = options;
  const startedAt = performance.now();
  const event = await untilDown(running, options);
  if (event === undefined || signal.aborted) return undefined;
  const livedMs = performance.now() - startedAt;
  await options.onDown(livedMs, event);
  if (options.isTakeOver && livedMs < TAKE_OVER_MS) {
    // Podman ends a server's stdin when the process that was attached dies: it was ending when we took it over, and is
    // wanted back at once. Whether it is still there, the next deployment finds out.
    options.logger.info('server ended with the process that served it before');
    return { type: 'restarted' };
  }
  const confirmed = await running.confirm(event, signal);
  options.logger.warn(`${options.noun.toLowerCase()} exited unexpectedly`, {
    event: confirmed.type,
    ...('detail' in event ? { detail: event.detail } : {}),
    ...('limit' in event && event.limit !== undefined ? { limit: event.limit } : {}),
    ...('wayOut' in event && event.wayOut !== undefined ? { wayOut: event.wayOut } : {}),
    lastLogs: await running.lastWords(),
  });
  return confirmed;
}

async function untilDown(
  running: RunningServer,
  { config, server, url, signal, logger, onReady, onStillServing }: LifeOptions,
): Promise<ServerEvent | undefined> {
  const life = new AbortController();
  const endLife = () => life.abort();
  signal.addEventListener('abort', endLife);
  let confirming: Timer | undefined;
  try {
    const watched = running.watch(life.signal);
    const attachment = server.serve(running, life.signal);
    const ready = untilReady(config, running, url, life.signal, logger).then(async () => {
      if (life.signal.aborted) return;
      await onReady();
      confirming = setInterval(() => {
        onStillServing().catch((error: unknown) => logger.warn('failed to confirm status', { error }));
      }, CONFIRM_SERVING_MS);
    });
    // The first of them to fail or to see the end decides; the watch knows what kind of end it was.
    return await Promise.race([watched, attachment.then(() => watched), ready.then(() => watched)]);
  } catch (error) {
    // It ended before it could be spoken to.
    if (isAttachFailure(error)) return { type: 'exited', detail: messageOf(error) };
    throw error;
  } finally {
    clearInterval(confirming);
    life.abort();
    signal.removeEventListener('abort', endLife);
  }
}

async function untilReady(
  config: RunConfig,
  running: RunningServer,
  url: string,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> {
  if (config.transport === 'stdio') {
    if (!running.wasUp) await sleep(SETTLE_MS, signal);
    return;
  }
  const isReady = await probeReadiness(url, config.transport, { signal });
  if (!isReady && !signal.aborted) logger.warn('initialize not successful, but continuing');
}
