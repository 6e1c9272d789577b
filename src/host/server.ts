import { storedForwardHeaders } from '../middleware/index.ts';
import { aborted, type Logger } from '../platform/index.ts';
import {
  createHeaderCredentials,
  createReverseProxy,
  createServerStdio,
  type Endpoint,
} from '../proxy/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import type { RunningServer, ServerEvent } from '../runtimes/index.ts';
import type { RunEnvironment } from './environment.ts';
import { withInboundHosts } from './inbound-hosts.ts';
import { certificatesFor, forwardProxyFor, watchesRemotes } from './remote-settings.ts';
import { healthSettings, requestTimeoutMs, sessionTtlMs } from './run-settings.ts';
import { openSessionJournal } from './session-journal.ts';

/** What stands behind the port: the bridge of a stdio server or the reverse proxy of an HTTP server. */
export interface Server {
  readonly endpoint: Endpoint;
  /** Connects the endpoint to a running server; resolves when that ends, with what became of it where that is known. */
  serve(server: RunningServer, signal: AbortSignal): Promise<ServerEvent | undefined>;
  setDown(): void;
  /** Resolves when a stdio server has answered anything; `undefined` for HTTP servers, which are asked over their port. */
  readonly untilHeard: ((signal: AbortSignal) => Promise<void>) | undefined;
}

interface ServerDependencies {
  readonly stateFolder: string;
  readonly logger: Logger;
  readonly environment: RunEnvironment;
}

/** A remote server behind the reverse proxy. */
export interface RemoteServer {
  readonly endpoint: Endpoint;
  /** Resolves when it fails its health checks, or when `signal` aborts. */
  untilSick(signal: AbortSignal): Promise<void>;
  /** Why it could not be reached last; `undefined` when it could. */
  failure(): string | undefined;
  forgetFailure(): void;
}

interface RemoteOptions {
  /** Values resolved; they win over what a stored chain says. */
  readonly forwardHeaders: Readonly<Record<string, string>>;
  readonly onAuthenticated: (isAuthenticated: boolean) => void;
}

function commonOptions(
  name: WorkloadName,
  config: RunConfig,
  deps: ServerDependencies,
  resources: AsyncDisposableStack,
) {
  const ttlMs = sessionTtlMs(config);
  return {
    journal: resources.use(openSessionJournal(deps.stateFolder, name, deps.logger)),
    log: deps.logger,
    trustProxyHeaders: config.trust_proxy_headers,
    ...(ttlMs === undefined ? {} : { sessionTtlMs: ttlMs }),
  };
}

export function openServer(
  name: WorkloadName,
  config: RunConfig,
  deps: ServerDependencies,
  resources: AsyncDisposableStack,
): Server {
  const common = commonOptions(name, config, deps, resources);
  // A stdio server gets no headers; what is stored has to make sense all the same.
  const credentials = createHeaderCredentials(storedForwardHeaders(config.middleware_configs));
  if (config.transport === 'stdio') {
    const bridge = resources.use(
      createServerStdio({
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
      untilHeard: bridge.untilHeard,
    };
  }
  let sick = Promise.withResolvers<void>();
  const proxy = resources.use(
    createReverseProxy({
      ...common,
      transport: config.transport,
      endpointPrefix: config.endpoint_prefix,
      isStateless: config.stateless ?? false,
      credentials,
      health: healthSettings(deps.environment, deps.logger),
      onUnhealthy: () => sick.resolve(),
    }),
  );
  return {
    endpoint: withInboundHosts(proxy, config),
    async serve(server, signal) {
      sick = Promise.withResolvers<void>();
      const { hostPort = config.target_port, tunnel } = server;
      proxy.setTarget(`http://${config.target_host || '127.0.0.1'}:${hostPort}`, tunnel);
      await Promise.race([sick.promise, aborted(signal)]);
      if (signal.aborted) return undefined;
      // It runs and does not answer: stopped here, it is seen as exited and started again like after a crash.
      deps.logger.error('server fails its health checks, restarting it');
      await server.stop(UNHEALTHY_GRACE_SECONDS, signal);
      return undefined;
    },
    setDown: () => proxy.setTarget(undefined),
    untilHeard: undefined,
  };
}

const UNHEALTHY_GRACE_SECONDS = 10;

export function openRemoteServer(
  name: WorkloadName,
  config: RunConfig & { readonly remote_url: string },
  { forwardHeaders, onAuthenticated, ...deps }: ServerDependencies & RemoteOptions,
  resources: AsyncDisposableStack,
): RemoteServer {
  const { environment, logger } = deps;
  const isWatched = watchesRemotes(environment, logger);
  let sick = Promise.withResolvers<void>();
  let failure: string | undefined;
  const stored = storedForwardHeaders(config.middleware_configs);
  const endpoint = resources.use(
    createReverseProxy({
      ...commonOptions(name, config, deps, resources),
      transport: config.transport === 'sse' ? 'sse' : 'streamable-http',
      endpointPrefix: config.endpoint_prefix,
      isStateless: config.stateless ?? false,
      target: config.remote_url,
      isRemote: true,
      forwardsAuthorization: config.forward_authorization ?? false,
      forwardProxy: forwardProxyFor(config.remote_url, environment),
      certificates: certificatesFor(environment, logger),
      answersHealth: isWatched,
      ...(isWatched ? { health: healthSettings(environment, logger) } : {}),
      credentials: createHeaderCredentials({ ...stored, ...forwardHeaders }),
      onUnhealthy: () => sick.resolve(),
      onUnreachable(reason) {
        failure = reason;
      },
      onAuthenticated,
    }),
  );
  return {
    endpoint,
    async untilSick(signal) {
      sick = Promise.withResolvers<void>();
      await Promise.race([sick.promise, aborted(signal)]);
    },
    failure: () => failure,
    forgetFailure() {
      failure = undefined;
    },
  };
}
