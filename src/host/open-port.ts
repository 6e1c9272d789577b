import { buildMiddlewares, composeChain } from '../middleware/index.ts';
import type { Logger } from '../platform/index.ts';
import { type Endpoint, type Listener, openListener } from '../proxy/index.ts';
import type { RunConfig } from '../records/index.ts';

/** Idle keep-alive of the reverse proxy (spec 04 §2.2). */
const REVERSE_PROXY_IDLE_SECONDS = 120;

interface PortOptions {
  readonly endpoint: Endpoint;
  /** Of a remote server, values resolved. */
  readonly forwardHeaders?: Readonly<Record<string, string>> | undefined;
  /** Counts tool calls; absent where nobody does. */
  readonly countToolCall?: (() => void) | undefined;
  readonly log: Logger;
}

/** Opens the workload's port with its middleware chain before the endpoint. */
export function openPort(config: RunConfig, options: PortOptions): Promise<Listener> {
  const { endpoint, forwardHeaders, countToolCall, log } = options;
  const middlewares = buildMiddlewares(config.middleware_configs, {
    log,
    bindHost: config.host,
    port: config.port,
    trustProxyHeaders: config.trust_proxy_headers,
    allowedOrigins: config.allowed_origins,
    forwardHeaders,
    countToolCall,
  });
  return openListener({
    host: config.host,
    port: config.port,
    handler: composeChain(middlewares, endpoint.handle),
    endpoint,
    ...(config.transport === 'stdio' ? {} : { idleTimeoutSeconds: REVERSE_PROXY_IDLE_SECONDS }),
    transportLabel: config.transport === 'stdio' && config.proxy_mode === 'sse' ? 'stdio' : config.proxy_mode,
    log,
  });
}
