import type { Engine } from '../engine/index.ts';
import { aborted, type Logger, parseDuration } from '../platform/index.ts';
import { createReverseProxy, createStdioBridge, type Endpoint } from '../proxy/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { RunningContainer } from './containers.ts';
import type { RunEnvironment } from './environment.ts';
import { openSessionJournal } from './session-journal.ts';
import { keepAttached } from './stdio-link.ts';

/** What stands behind the port: the bridge of a stdio server or the reverse proxy of an HTTP server. */
export interface Server {
  readonly endpoint: Endpoint;
  /** Connects the endpoint to a container; resolves when that ends. */
  serve(engine: Engine, container: RunningContainer, signal: AbortSignal): Promise<void>;
  setDown(): void;
}

export function openServer(
  name: WorkloadName,
  config: RunConfig,
  deps: { readonly stateFolder: string; readonly logger: Logger; readonly environment: RunEnvironment },
  resources: AsyncDisposableStack,
): Server {
  if (config.transport === 'stdio') {
    const journal = resources.use(openSessionJournal(deps.stateFolder, name));
    const bridge = resources.use(
      createStdioBridge({
        journal,
        log: deps.logger,
        proxyMode: config.proxy_mode,
        requestTimeoutMs: requestTimeoutMs(deps.environment, deps.logger),
        trustProxyHeaders: config.trust_proxy_headers,
      }),
    );
    return {
      endpoint: bridge,
      serve: (engine, container, signal) => keepAttached(engine, container, bridge, signal),
      setDown: () => undefined,
    };
  }
  const proxy = resources.use(
    createReverseProxy({
      transport: config.transport,
      endpointPrefix: config.endpoint_prefix,
      trustProxyHeaders: config.trust_proxy_headers,
      log: deps.logger,
    }),
  );
  return {
    endpoint: proxy,
    async serve(_engine, container, signal) {
      proxy.setTarget(`http://${config.target_host || '127.0.0.1'}:${container.hostPort}`);
      await aborted(signal);
    },
    setDown: () => proxy.setTarget(undefined),
  };
}

const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;

/** `TOOLHIVE_PROXY_REQUEST_TIMEOUT` (spec 04 §6.6); what is not a positive duration is warned about and ignored. */
function requestTimeoutMs(environment: RunEnvironment, logger: Logger): number {
  const text = environment['TOOLHIVE_PROXY_REQUEST_TIMEOUT'];
  if (text === undefined || text === '') return DEFAULT_REQUEST_TIMEOUT_MS;
  const parsed = parseDuration(text);
  if ('ms' in parsed && parsed.ms > 0) return parsed.ms;
  logger.warn('ignoring invalid TOOLHIVE_PROXY_REQUEST_TIMEOUT', { value: text });
  return DEFAULT_REQUEST_TIMEOUT_MS;
}
