import { aborted, type Logger } from '../platform/index.ts';
import { createReverseProxy, createStdioBridge, type Endpoint } from '../proxy/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { RunningServer } from './backend.ts';
import type { RunEnvironment } from './environment.ts';
import { healthSettings, requestTimeoutMs, sessionTtlMs } from './run-settings.ts';
import { openSessionJournal } from './session-journal.ts';

/** What stands behind the port: the bridge of a stdio server or the reverse proxy of an HTTP server. */
export interface Server {
  readonly endpoint: Endpoint;
  /** Connects the endpoint to a running server; resolves when that ends. */
  serve(server: RunningServer, signal: AbortSignal): Promise<void>;
  setDown(): void;
}

interface ServerDependencies {
  readonly stateFolder: string;
  readonly logger: Logger;
  readonly environment: RunEnvironment;
}

export function openServer(
  name: WorkloadName,
  config: RunConfig,
  deps: ServerDependencies,
  resources: AsyncDisposableStack,
): Server {
  const journal = resources.use(openSessionJournal(deps.stateFolder, name));
  const ttlMs = sessionTtlMs(config);
  const common = {
    journal,
    log: deps.logger,
    trustProxyHeaders: config.trust_proxy_headers,
    ...(ttlMs === undefined ? {} : { sessionTtlMs: ttlMs }),
  };
  if (config.transport === 'stdio') {
    const bridge = resources.use(
      createStdioBridge({
        ...common,
        proxyMode: config.proxy_mode,
        requestTimeoutMs: requestTimeoutMs(deps.environment, deps.logger),
        strictProtocolValidation: config.strict_protocol_validation ?? false,
      }),
    );
    return {
      endpoint: bridge,
      serve: (server, signal) => server.keepAttached(bridge, signal),
      setDown: () => undefined,
    };
  }
  let sick = Promise.withResolvers<void>();
  const proxy = resources.use(
    createReverseProxy({
      ...common,
      transport: config.transport,
      endpointPrefix: config.endpoint_prefix,
      isStateless: config.stateless ?? false,
      health: healthSettings(deps.environment, deps.logger),
      onUnhealthy: () => sick.resolve(),
    }),
  );
  return {
    endpoint: proxy,
    async serve(server, signal) {
      sick = Promise.withResolvers<void>();
      proxy.setTarget(`http://${config.target_host || '127.0.0.1'}:${server.hostPort}`);
      await Promise.race([sick.promise, aborted(signal)]);
      if (signal.aborted) return;
      // It runs and does not answer: stopped here, it is seen as exited and started again like after a crash.
      deps.logger.error('server fails its health checks, restarting it');
      await server.stop(UNHEALTHY_GRACE_SECONDS, signal);
    },
    setDown: () => proxy.setTarget(undefined),
  };
}

const UNHEALTHY_GRACE_SECONDS = 10;
