import type { Services } from '../middleware/index.ts';
import type { Logger } from '../platform/index.ts';
import { baseNameOf, type RunConfig } from '../records/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import type { UsageReporter } from '../usage/index.ts';
import type { RunEnvironment } from './environment.ts';

interface ServiceSources {
  readonly stateFolder: string;
  readonly callers: Services['callers'];
  readonly usage: Pick<UsageReporter, 'findCounter'>;
  readonly environment: RunEnvironment;
  readonly log: Logger;
  readonly writeOut?: Services['writeOut'];
  readonly openSecrets?: () => Promise<SecretsStore>;
}

/** What the middlewares of a run use, opened once for it: a new service is opened here, and no signature changes. */
export async function openChainServices(
  config: RunConfig,
  { stateFolder, callers, usage, environment, log, writeOut, openSecrets }: ServiceSources,
): Promise<Services> {
  const isCounted = config.middleware_configs.some(({ type }) => type === 'usagemetrics');
  return {
    log,
    workload: baseNameOf(config),
    env: environment,
    writeOut,
    findSecret: openSecrets && createSecretFinder(openSecrets),
    callers,
    clock: Date.now,
    proxy: {
      bindHost: config.host,
      port: config.port,
      trustProxyHeaders: config.trust_proxy_headers,
      allowedOrigins: config.allowed_origins,
    },
    readToolLock: config.tools_locked ? await lockReader(stateFolder, config) : undefined,
    countToolCall: isCounted ? await usage.findCounter(environment) : undefined,
  };
}

/** Loaded only where tools are locked. */
async function lockReader(stateFolder: string, config: RunConfig): Promise<Services['readToolLock']> {
  const { createLockReader, lockPath } = await import('../tool-lock/index.ts');
  return createLockReader(lockPath(stateFolder, baseNameOf(config)));
}

/** Opens the store with the first look-up. */
function createSecretFinder(openSecrets: () => Promise<SecretsStore>): Services['findSecret'] {
  return async (name, view) => {
    const { scopedSecrets, userSecrets } = await import('../secrets/index.ts');
    const store = await openSecrets();
    return await (view === 'user' ? userSecrets(store) : scopedSecrets(store, 'workloads')).get(name);
  };
}
