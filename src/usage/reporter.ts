import { messageOf } from '../errors/index.ts';
import { createHttpClient } from '../net/index.ts';
import { createBackground, type Logger, type Paths } from '../platform/index.ts';
import { readUpdateFile, userAgent } from '../updates/index.ts';
import { findUsageEndpoint } from './find-endpoint.ts';

const INTERVAL_MS = 15 * 60_000;
const TIMEOUT_MS = 5000;

interface ReporterOptions {
  readonly paths: Pick<Paths, 'config' | 'data'>;
  readonly logger: Logger;
  /** The running version, `v1.2.3` or `build-…`. */
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly now?: () => Date;
}

/** Counts the tool calls of one process and tells the number, nothing else, to the endpoint that the user named. */
export interface UsageReporter extends AsyncDisposable {
  /** The function to call for each tool call; `undefined` where calls are not counted, which is the default. Never throws. */
  findCounter(env: Readonly<Record<string, string | undefined>>): Promise<(() => void) | undefined>;
}

/**
 * Nothing happens, no timer either, before a counter was handed out. From then on the day's count is sent at every interval
 * and once more by disposal, which takes two timeouts at most (spec 09 §9.2, 07 §14).
 */
export function createUsageReporter(options: ReporterOptions): UsageReporter {
  const { paths, logger, now = () => new Date() } = options;
  const { intervalMs = INTERVAL_MS, timeoutMs = TIMEOUT_MS } = options;
  const processId = crypto.randomUUID();
  /** By UTC day; days that are over stay until they have been told. */
  const counts = new Map<string, number>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let isSending = false;
  let isClosing = false;
  const background = createBackground(logger);
  // The user named the endpoint, wherever it is.
  const client = createHttpClient({
    allowPrivateAddresses: true,
    plainHttp: 'always',
    proxies: process.env,
    userAgent: userAgent('local', options),
  });

  function count(): void {
    const today = dayOf(now());
    counts.set(today, (counts.get(today) ?? 0) + 1);
  }

  function tick(): void {
    if (isSending) return;
    isSending = true;
    background.run('usage metrics', () =>
      send().finally(() => {
        isSending = false;
      }),
    );
  }

  async function send(): Promise<void> {
    // Asked each time: the user may have said no since. What the environment says was settled when the workload started.
    const url = await findUsageEndpoint({ paths, env: {}, logger });
    if (url === undefined) return counts.clear();
    const { instance_id: installation } = await readUpdateFile(paths);
    if (installation === '') return;
    const today = dayOf(now());
    if (!counts.has(today)) counts.set(today, 0);
    for (const [day, calls] of counts) {
      const isOver = day !== today;
      const timestamp = isOver ? `${day}T23:59:00Z` : `${now().toISOString().slice(0, 19)}Z`;
      const isWorthTelling = !isOver || calls > 0;
      if (isWorthTelling && !(await post(url, installation, { count: calls, timestamp }))) return;
      if (isOver) counts.delete(day);
    }
  }

  async function post(
    url: string,
    installation: string,
    body: { readonly count: number; readonly timestamp: string },
  ): Promise<boolean> {
    try {
      const { status } = await client.send(url, {
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'X-Instance-ID': processId,
          'X-Anonymous-Id': installation,
        },
        body: JSON.stringify(body),
        maxBytes: 0,
        timeoutMs,
        redirects: 0, // the user named this endpoint and no other
      });
      const isTaken = status >= 200 && status < 300;
      if (!isTaken) logger.debug('usage metrics were refused', { status });
      return isTaken;
    } catch (error) {
      logger.debug('usage metrics were not sent', { error: messageOf(error) });
      return false;
    }
  }

  return {
    async findCounter(env) {
      if ((await findUsageEndpoint({ paths, env, logger })) === undefined || isClosing) return undefined;
      timer ??= setInterval(tick, intervalMs).unref();
      return count;
    },
    async [Symbol.asyncDispose]() {
      if (isClosing) return;
      isClosing = true;
      if (timer === undefined) return;
      clearInterval(timer);
      await background.drain(timeoutMs);
      await send();
    },
  };
}

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}
