import { hasCode, messageOf } from '../errors/index.ts';
import { type Logger, sleep } from '../platform/index.ts';
import { probeReadiness } from '../proxy/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RunningServer, ServerEvent } from '../runtimes/index.ts';
import type { Server } from './server.ts';

/** A server that ends this soon after it was taken over was ending already. */
const TAKE_OVER_MS = 2000;
/** How long to wait for the watch when the end was seen otherwise. */
const WATCH_LAG_MS = 300;
const CONFIRM_SERVING_MS = 10_000;

interface LifeOptions {
  readonly config: RunConfig;
  readonly noun: string;
  readonly server: Server;
  readonly url: string;
  readonly authorization: string | undefined;
  /** The server ran before this process came: another process was attached to it. */
  readonly isTakeOver: boolean;
  /** A stdio server that has lived this long is called running, whether it has answered anything or not. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** The server can be spoken to. */
  readonly onReady: () => Promise<void>;
  /** It still can; called now and then. */
  readonly onStillServing: () => Promise<void>;
  /** It is not up any more; called before anything is done about it, with the last lines it printed. */
  readonly onDown: (livedMs: number, event: ServerEvent, lastWords: string) => Promise<void>;
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
  const lastLogs = event.type === 'removed' ? '' : await running.lastWords();
  await options.onDown(livedMs, event, lastLogs);
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
    lastLogs,
  });
  return confirmed;
}

async function untilDown(
  running: RunningServer,
  { config, server, url, authorization, silenceMs, signal, logger, onReady, onStillServing }: LifeOptions,
): Promise<ServerEvent | undefined> {
  const life = new AbortController();
  const endLife = () => life.abort();
  signal.addEventListener('abort', endLife);
  let confirming: Timer | undefined;
  try {
    const watched = running.watch(life.signal);
    const attachment = server.serve(running, life.signal);
    const ready = untilReady(
      running,
      { config, server, url, authorization, silenceMs, logger },
      life.signal,
    ).then(async () => {
      if (life.signal.aborted) return;
      await onReady();
      confirming = setInterval(() => {
        onStillServing().catch((error: unknown) => logger.warn('failed to confirm status', { error }));
      }, CONFIRM_SERVING_MS);
    });
    // The watch knows best what kind of end it was. Podman does not tell it of a container that it starts again at once.
    const ended = attachment.then((seen) =>
      seen === undefined
        ? watched
        : Promise.race([watched, sleep(WATCH_LAG_MS, life.signal).then(() => seen)]),
    );
    // The first of them to fail or to see the end decides.
    return await Promise.race([watched, ended, ready.then(() => watched)]);
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
  running: RunningServer,
  {
    config,
    server,
    url,
    authorization,
    silenceMs,
    logger,
  }: Pick<LifeOptions, 'config' | 'server' | 'url' | 'authorization' | 'silenceMs' | 'logger'>,
  signal: AbortSignal,
): Promise<void> {
  if (config.transport === 'stdio') {
    const silence = silenceMs - running.livedMs;
    if (silence <= 0 || server.untilHeard === undefined) return;
    const waiting = new AbortController();
    const stop = () => waiting.abort();
    signal.addEventListener('abort', stop);
    await Promise.race([server.untilHeard(waiting.signal), sleep(silence, waiting.signal)]);
    stop();
    signal.removeEventListener('abort', stop);
    return;
  }
  const isReady = await probeReadiness(url, config.transport, { authorization, signal });
  if (!isReady && !signal.aborted) logger.warn('initialize not successful, but continuing');
}

function isAttachFailure(error: unknown): boolean {
  return hasCode(error, 'ERR_ATTACH_FAILED') || hasCode(error, 'ERR_CONTAINER_NOT_RUNNING');
}
