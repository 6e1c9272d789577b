import { type Logger, sleep } from '../platform/index.ts';
import { askReadiness } from '../proxy/index.ts';
import type { RunConfig } from '../records/index.ts';
import type { RemoteServer } from './server.ts';

interface RemoteRunOptions {
  readonly config: RunConfig;
  readonly server: RemoteServer;
  /** URL of our own port: the server is asked the way clients ask it. */
  readonly url: string;
  /** What lets us in there, where tokens are asked for. */
  readonly authorization: string | undefined;
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** It answers; `remark` where its answer was not the one hoped for. */
  readonly onReady: (remark: string) => Promise<void>;
  /** It still does; called now and then. */
  readonly onStillServing: () => Promise<void>;
  readonly onUnauthenticated: () => Promise<void>;
  readonly onUnhealthy: (reason: string) => Promise<void>;
}

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2000;
/** A server that has been away this long is asked less often. */
const AWAY_MS = 5 * 60_000;
const AWAY_DELAY_MS = 15_000;
/** Until then it is starting, and not called unhealthy. */
const PATIENCE_MS = 10_000;
const CONFIRM_SERVING_MS = 10_000;

/**
 * Follows a server that is not ours: there is nothing to start, and nothing to start again. The port stays open while it
 * does not answer, and it is called running as soon as it does. Resolves when `signal` aborts.
 */
export async function followRemote(options: RemoteRunOptions): Promise<void> {
  const { server, signal, logger, onReady, onStillServing, onUnhealthy } = options;
  while (!signal.aborted) {
    const remark = await untilAnswering(options);
    if (remark === undefined) return;
    if (remark !== '') logger.warn('initialize not successful, but continuing', { reason: remark });
    await onReady(remark);
    const confirming = setInterval(() => {
      onStillServing().catch((error: unknown) => logger.warn('failed to confirm status', { error }));
    }, CONFIRM_SERVING_MS);
    try {
      await server.untilSick(signal);
    } finally {
      clearInterval(confirming);
    }
    if (signal.aborted) return;
    logger.error('remote server fails its health checks');
    await onUnhealthy('Health check failed');
  }
}

/**
 * Asks until the server answers. Any status below 500 counts as an answer (spec 06 §13.1); one that is not a handshake gives
 * a warning. `undefined`: `signal` aborted.
 */
async function untilAnswering({
  config,
  server,
  url,
  authorization,
  signal,
  onUnauthenticated,
  onUnhealthy,
}: RemoteRunOptions): Promise<string | undefined> {
  const transport = config.transport === 'sse' ? 'sse' : 'streamable-http';
  const startedAt = performance.now();
  let isToldOf = '';
  for (let delayMs = FIRST_DELAY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    server.forgetFailure();
    const status = await askReadiness(url, transport, { authorization, signal });
    if (signal.aborted) return undefined;
    if (status === 401) await onUnauthenticated();
    if (status === 200 || status === 401) return '';
    if (status !== undefined && status < 500)
      return `the remote server answered the first request with ${status}`;
    const awayMs = performance.now() - startedAt;
    const reason = server.failure() ?? (status === undefined ? 'no answer in time' : `it answers ${status}`);
    if (awayMs >= PATIENCE_MS && reason !== isToldOf) {
      await onUnhealthy(`the remote server cannot be used: ${reason}`);
      isToldOf = reason;
    }
    await sleep(awayMs < AWAY_MS ? delayMs : AWAY_DELAY_MS, signal);
  }
  return undefined;
}
