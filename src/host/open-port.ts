import { composeChain, openMiddlewares, type Services } from '../middleware/index.ts';
import { type Endpoint, type Listener, openListener } from '../proxy/index.ts';
import type { RunConfig } from '../records/index.ts';
import { effectiveChain } from './effective-chain.ts';

/** Idle keep-alive of the reverse proxy (spec 04 §2.2). */
const REVERSE_PROXY_IDLE_SECONDS = 120;

interface PortOptions {
  readonly endpoint: Endpoint;
  readonly services: Services;
  /** Answers requests for RFC 9728 metadata, outside of the chain. */
  readonly metadata: ((request: Request) => Response) | undefined;
}

/** Opens the workload's port with its middleware chain before the endpoint; `resources` closes the port ahead of the chain. */
export async function openPort(
  config: RunConfig,
  { endpoint, services, metadata }: PortOptions,
  resources: AsyncDisposableStack,
): Promise<Listener> {
  const middlewares = await openMiddlewares(effectiveChain(config), services, resources);
  const listener = await openListener({
    host: config.host,
    port: config.port,
    handler: composeChain(middlewares, endpoint.handle),
    endpoint,
    metadata,
    ...(config.transport === 'stdio' ? {} : { idleTimeoutSeconds: REVERSE_PROXY_IDLE_SECONDS }),
    transportLabel: config.transport === 'stdio' && config.proxy_mode === 'sse' ? 'stdio' : config.proxy_mode,
    log: services.log,
  });
  return resources.use(listener);
}
