/** Whether a server behind a reverse proxy can be talked to yet (spec 04 §10). */
export interface ReadinessOptions {
  readonly signal: AbortSignal;
  /** Sent where authentication is in front. A policy behind it may refuse all the same, which shows that everything is up. */
  readonly authorization?: string | undefined;
  /** Longest time for all attempts; default 5 min. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof fetch;
}

const ATTEMPT_MS = 10_000;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 2000;
const DEFAULT_TIMEOUT_MS = 5 * 60 * 1000;

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  method: 'initialize',
  id: 'toolhive-init-check',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'toolhive', version: '1.0' },
  },
});

/**
 * Asks the client URL until it answers. `true`: ready. `false`: time is up, or `signal` aborted; the caller decides
 * whether to go on. The session that the probe may have opened is closed again (spec 04 §19.7).
 */
export async function probeReadiness(
  url: string,
  transport: 'sse' | 'streamable-http',
  options: ReadinessOptions,
): Promise<boolean> {
  const { signal, authorization, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const request = options.fetch ?? fetch;
  const giveUpAt = performance.now() + timeoutMs;
  for (let delayMs = FIRST_DELAY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    const status = await askReadiness(url, transport, { authorization, signal, fetch: request });
    if (status === 200 || (authorization !== undefined && status === 403)) return true;
    if (performance.now() + delayMs > giveUpAt) return false;
    await sleep(delayMs, signal);
  }
  return false;
}

/** One attempt: the status of the answer; `undefined` when there was none in time, or `signal` aborted. */
export function askReadiness(
  url: string,
  transport: 'sse' | 'streamable-http',
  {
    authorization,
    signal,
    fetch: request = fetch,
  }: Pick<ReadinessOptions, 'authorization' | 'signal' | 'fetch'>,
): Promise<number | undefined> {
  const attempt = transport === 'sse' ? askStream : initialize;
  const credentials: Headers = authorization === undefined ? {} : { Authorization: authorization };
  return withDeadline(signal, (within) => attempt(url, { credentials, request, signal: within }));
}

type Headers = Readonly<Record<string, string>>;

interface Attempt {
  readonly credentials: Headers;
  readonly request: typeof fetch;
  readonly signal: AbortSignal;
}

async function askStream(url: string, { credentials, request, signal }: Attempt): Promise<number> {
  const headers = { ...credentials, Accept: 'text/event-stream' };
  const response = await request(url, { headers, signal, proxy: false });
  await response.body?.cancel();
  return response.status;
}

async function initialize(url: string, attempt: Attempt): Promise<number> {
  const { credentials, request, signal } = attempt;
  const headers = {
    ...credentials,
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
  };
  const response = await request(url, { method: 'POST', headers, body: INITIALIZE, signal, proxy: false });
  const session = response.headers.get('mcp-session-id');
  await response.body?.cancel();
  if (session !== null) await endSession(url, session, attempt);
  return response.status;
}

async function endSession(
  url: string,
  session: string,
  { credentials, request, signal }: Attempt,
): Promise<void> {
  try {
    const headers = { ...credentials, 'Mcp-Session-Id': session };
    const response = await request(url, { method: 'DELETE', headers, signal, proxy: false });
    await response.body?.cancel();
  } catch {
    // The server is ready all the same; the session ends with its time to live.
  }
}

/** `undefined`: nobody answered in time. The signal of an attempt ends with it, and leaves nothing on the caller's. */
async function withDeadline(
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<number>,
): Promise<number | undefined> {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ATTEMPT_MS);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await attempt(controller.signal);
  } catch {
    // Not up yet: the next attempt, or the verdict of the caller, says more than this error.
    return undefined;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = () => resolve();
  const timer = setTimeout(wake, ms);
  signal.addEventListener('abort', wake, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', wake);
}
