import type { Logger } from '../../platform/index.ts';
import type { Credentials } from '../credentials.ts';
import {
  createHealthMonitor,
  DEFAULT_PING_TIMEOUT_MS,
  type HealthMonitorSettings,
} from '../health/monitor.ts';
import { type PingPlace, pingServer } from '../health/ping.ts';
import type { Endpoint, Health, SessionJournal } from '../types.ts';
import { createFetchUpstream } from './fetch-upstream.ts';
import { createForwarder } from './forward.ts';
import { refuseMethod } from './gate.ts';
import { createHealer } from './heal.ts';
import { createPassOn } from './pass-on.ts';
import { fetchThrough } from './raw/fetch-through.ts';
import { createRawUpstream } from './raw/raw-upstream.ts';
import type { Tunnel } from './raw/tunnel.ts';
import { createProxySessionTable } from './session-table.ts';
import { createTarget } from './target.ts';
import type { Upstream } from './upstream.ts';
import { withCredentials } from './with-credentials.ts';

export interface ReverseProxyOptions {
  /** `undefined`: not known, as for `thv proxy` (spec 04 §13). */
  readonly transport?: 'sse' | 'streamable-http' | undefined;
  readonly log: Logger;
  /**
   * `http://host:port` of the server; may come later through `setTarget`. A remote server's URL may have a path and a
   * query, which every request then gets (spec 04 §8.3).
   */
  readonly target?: string | undefined;
  /** A server that is not ours: other forwarding headers, its own path and query. */
  readonly isRemote?: boolean;
  /** Only POST is passed on, because the server keeps no sessions (`--stateless`, spec 04 §8.6). */
  readonly isStateless?: boolean;
  readonly trustProxyHeaders?: boolean;
  /** Put before the path of SSE endpoint URLs (`--endpoint-prefix`, spec 04 §8.5); '' for none. */
  readonly endpointPrefix?: string;
  /** Keeps sessions across a crash of ours; without it they end with the process. */
  readonly journal?: SessionJournal | undefined;
  /** Idle time after which a session ends; default 2 h. */
  readonly sessionTtlMs?: number | undefined;
  /** Beyond it the session idle for longest makes room; default 10,000. */
  readonly maxSessions?: number | undefined;
  /** Watches the server once it has served somebody (spec 04 §9.2); `undefined`: nobody watches. */
  readonly health?: HealthMonitorSettings | undefined;
  /** The server failed too many health checks in a row. Called once; the count restarts after the next success. */
  readonly onUnhealthy?: ((health: Health) => void) | undefined;
  /** Whether `/health` asks the server; default true (spec 04 §9.1: `TOOLHIVE_REMOTE_HEALTHCHECKS`). */
  readonly answersHealth?: boolean;
  /** Shown to the server with all that is sent to it; `undefined`: nothing but what clients send. */
  readonly credentials?: Credentials | undefined;
  /** Clients' tokens that were checked here go on to a remote server (`--forward-authorization`); default false. */
  readonly forwardsAuthorization?: boolean;
  /** A remote server began to refuse our token with 401, or takes it again (spec 04 §8.7, §19.13). */
  readonly onAuthenticated?: ((isAuthenticated: boolean) => void) | undefined;
  /** The server cannot be reached, and why; told for each request that finds it so. */
  readonly onUnreachable?: ((reason: string) => void) | undefined;
  /** The proxy on the way to a remote server (`HTTPS_PROXY` and the like); `undefined` for none. */
  readonly forwardProxy?: string | undefined;
  /** Certificates to trust instead of the usual ones, in PEM. */
  readonly certificates?: readonly string[] | undefined;
  /** How long a request waits for a server that is starting; default 5 s. */
  readonly startWaitMs?: number;
  /** How long refused connections are tried again: the server may be between two lives; default 2 s. */
  readonly refusedWaitMs?: number;
  /** Unix milliseconds; sessions are aged by it. */
  readonly now?: () => number;
  readonly fetch?: typeof fetch;
}

/** A server that speaks HTTP itself: everything passes, nothing is interpreted that need not be (spec 04 §8). */
export interface ReverseProxy extends Endpoint {
  /**
   * `undefined` while the server is being started again: requests wait for it a little. `tunnel` gives the way of each connection to a
   * server that cannot be reached directly.
   */
  setTarget(url: string | undefined, tunnel?: (signal: AbortSignal) => Promise<Tunnel>): void;
}

const DEFAULT_START_WAIT_MS = 5000;
const DEFAULT_REFUSED_WAIT_MS = 2000;
const DEFAULT_TTL_MS = 2 * 60 * 60 * 1000;
const LONGEST_SWEEP_MS = 60_000;

export function createReverseProxy(options: ReverseProxyOptions): ReverseProxy {
  const { transport, log, isRemote = false, isStateless = false, credentials, now = Date.now } = options;
  const ttlMs = options.sessionTtlMs ?? DEFAULT_TTL_MS;
  const target = createTarget(options.target === undefined ? undefined : new URL(options.target));
  let tunnel: ((signal: AbortSignal) => Promise<Tunnel>) | undefined;
  const raw = createRawUpstream(() => tunnel);
  const byFetch = createFetchUpstream({
    fetch: options.fetch,
    proxy: options.forwardProxy,
    certificates: options.certificates,
  });
  const isDirect = options.forwardProxy === undefined && options.fetch === undefined;
  const bare: Upstream = (request) =>
    request.origin.protocol === 'http:' && isDirect ? raw.send(request) : byFetch(request);
  const upstream = credentials === undefined ? bare : withCredentials(bare, credentials);
  const sessions = createProxySessionTable({
    journal: options.journal,
    ttlMs,
    now,
    maxSessions: options.maxSessions,
  });
  const monitor = createHealthMonitor({
    ...options.health,
    ping,
    log,
    onUnhealthy: (health) => options.onUnhealthy?.(health),
  });
  const tellAuthenticated = createChangeTeller(options.onAuthenticated);
  const forward = createForwarder({
    transport,
    isRemote,
    forwardsAuthorization: options.forwardsAuthorization ?? false,
    hasOwnPath: isRemote && hasPath(options.target ?? ''),
    onUnreachable: (reason) => options.onUnreachable?.(reason),
    upstream,
    sessions,
    healer: createHealer({ upstream, sessions, target, log }),
    target,
    log,
    now,
    startWaitMs: options.startWaitMs ?? DEFAULT_START_WAIT_MS,
    refusedWaitMs: options.refusedWaitMs ?? DEFAULT_REFUSED_WAIT_MS,
    passOn: createPassOn({
      transport,
      trustProxyHeaders: options.trustProxyHeaders ?? false,
      endpointPrefix: options.endpointPrefix ?? '',
      sessions,
      target,
      holdCall,
      onReady() {
        if (options.health !== undefined) monitor.ready();
      },
      onStatus(status) {
        if (isRemote) tellAuthenticated(status);
      },
    }),
  });
  const sweeping = setInterval(() => sessions.sweep(), Math.min(ttlMs / 2, LONGEST_SWEEP_MS));
  sweeping.unref();
  let running = 0;
  let idleWaiters: (() => void)[] = [];

  async function ping(timeoutMs: number): Promise<Health> {
    const { url } = target;
    const places = url === undefined ? [] : pingPlaces(url);
    const { fetch, forwardProxy: proxy } = options;
    const request = tunnel === undefined ? fetch : fetchThrough(raw.send);
    return pingServer({ places, credentials, timeoutMs, proxy, ...(request && { fetch: request }) });
  }

  /** A server may fail on `/` and serve MCP all the same (spec 04 §19.13). */
  function pingPlaces(url: URL): PingPlace[] {
    const mcpPath = transport === 'sse' ? '/sse' : '/mcp';
    const method = isStateless ? 'POST' : 'GET';
    if (isRemote) return [{ url, method }];
    return [
      { url: new URL(url.origin), method },
      { url: new URL(mcpPath, url.origin), method: transport === 'sse' ? 'GET' : 'POST' },
    ];
  }

  function finished(): void {
    running -= 1;
    if (running > 0) return;
    for (const resolve of idleWaiters) resolve();
    idleWaiters = [];
  }

  function holdCall(): () => void {
    running += 1;
    let held = true;
    return () => {
      if (held) finished();
      held = false;
    };
  }

  return {
    setTarget(url, through) {
      tunnel = through;
      const next = url === undefined ? undefined : new URL(url);
      if (next?.href !== target.url?.href) monitor.reset();
      target.set(next);
    },
    gate: (request) => refuseMethod(request, isStateless),
    async handle(incoming, context) {
      running += 1;
      try {
        return await forward(incoming, context);
      } finally {
        finished();
      }
    },
    async health() {
      return options.answersHealth === false
        ? undefined
        : ping(options.health?.pingTimeoutMs ?? DEFAULT_PING_TIMEOUT_MS);
    },
    idle: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => idleWaiters.push(resolve))),
    async [Symbol.asyncDispose]() {
      clearInterval(sweeping);
      monitor[Symbol.dispose]();
      target.close();
      raw[Symbol.dispose]();
    },
  };
}

/** Whether a URL names a path, be it `/`: a parsed one always has that (spec 06 §12). */
function hasPath(url: string): boolean {
  return /^[^/?#]+:\/\/[^/?#]*\//.test(url);
}

/** Tells when answers turn from taken to refused or back, not every time. */
function createChangeTeller(tell: ((isAuthenticated: boolean) => void) | undefined) {
  let isAuthenticated = true;
  return (status: number): void => {
    const next = status === 401 ? false : status < 300 ? true : isAuthenticated;
    if (next === isAuthenticated) return;
    isAuthenticated = next;
    tell?.(isAuthenticated);
  };
}
