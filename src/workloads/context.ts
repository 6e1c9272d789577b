import type { ApplicationConfig, ConfigStore } from '../config/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import {
  askHost,
  createDesiredState,
  type DesiredState,
  ensureHost,
  findLivingHost,
  type HostAnswer,
  type HostConnection,
  type RunEnvironment,
  runEnvironmentFrom,
} from '../host/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import {
  createRunConfigStore,
  createStatusStore,
  type RunConfigStore,
  runtimeAskedBy,
  type StatusStore,
  type WorkloadName,
} from '../records/index.ts';
import type { Registry } from '../registry/index.ts';
import { createRuntimes, type Runtimes } from '../runtimes/index.ts';
import type { SecretsStore } from '../secrets/index.ts';
import { createTurns } from './turns.ts';

export interface ManagerOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What runs servers, as a word; default: what `TOOLHIVE_RUNTIME` says. */
  readonly runtime?: string;
  readonly paths: Paths;
  readonly logger: Logger;
  readonly version: string;
  /** In the reference's words: `linux/amd64`. */
  readonly platform: string;
  /** When this executable was built, RFC 3339: a workload host of an older one hands over. */
  readonly builtAt: string;
}

/** What every operation on workloads needs; opened once per manager, each part on first use. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The word for what runs servers, for runs that do not say it themselves; '' when nobody says it. */
  readonly usualRuntime: string;
  readonly paths: Paths;
  readonly logger: Logger;
  readonly runConfigs: RunConfigStore;
  readonly statuses: StatusStore;
  readonly desired: DesiredState;
  readonly runtimes: Runtimes;
  readonly environment: RunEnvironment;
  readonly version: string;
  readonly platform: string;
  /** Throws `ERR_SECRETS_NOT_SET_UP` and what opening the store throws. */
  secrets(signal?: AbortSignal): Promise<SecretsStore>;
  registry(): Promise<Registry>;
  config(): Promise<ConfigStore>;
  /** What the host says it serves now. */
  askHost(): Promise<HostAnswer>;
  /** Throws `ERR_HOST_UNREACHABLE` for one that lives and does not answer. */
  findHost(): Promise<HostConnection | undefined>;
  ensureHost(debug: boolean): Promise<HostConnection>;
  /** The same for another runtime. */
  withRuntime(runtime: string): Context;
  /** Waits until nobody else changes this workload, in this process or another one; released by disposal. */
  exclusively(name: WorkloadName, signal?: AbortSignal): Promise<Disposable>;
}

export function createContext(options: ManagerOptions): Context {
  const config = async () => {
    const { createConfigStore } = await import('../config/index.ts');
    return createConfigStore(options.paths);
  };
  const { env, paths, logger, version, platform, builtAt } = options;
  const usualRuntime = options.runtime ?? runtimeAskedBy(env);
  let registry: Promise<Registry> | undefined;
  let knownSettings: string | undefined;
  let asking: Promise<HostAnswer> | undefined;
  return {
    env,
    usualRuntime,
    paths,
    logger,
    version,
    platform,
    runConfigs: createRunConfigStore(paths.state),
    statuses: createStatusStore(paths.data, logger),
    desired: createDesiredState(paths.state, logger),
    runtimes: createRuntimes({ wanted: usualRuntime, env, shell: env, paths, logger }),
    environment: runEnvironmentFrom(env),
    async secrets(signal) {
      const { openSecretsStore } = await import('../secrets/index.ts');
      return openSecretsStore({ paths, env, logger, signal });
    },
    config,
    async registry() {
      registry ??= import('../registry/index.ts').then(({ createRegistry }) =>
        createRegistry({ paths, env, logger, version }),
      );
      const opened = await registry;
      // A server lives on while another program names another registry.
      const settings = registrySettings(await (await config()).read());
      if (knownSettings !== undefined && knownSettings !== settings) opened.reset();
      knownSettings = settings;
      return opened;
    },
    askHost() {
      // A server that lists for many listeners at once asks once.
      asking ??= askHost(paths).finally(() => {
        asking = undefined;
      });
      return asking;
    },
    findHost: () => findLivingHost(paths),
    ensureHost: (debug) => ensureHost({ paths, env, builtAt, debug }),
    withRuntime: (runtime) => createContext({ ...options, runtime }),
    exclusively: createTurns(paths, logger),
  };
}

function registrySettings(config: ApplicationConfig): string {
  const { registry_url, registry_api_url, local_registry_path, allow_private_registry_ip, registry_auth } =
    config;
  return JSON.stringify([
    registry_url,
    registry_api_url,
    local_registry_path,
    allow_private_registry_ip,
    registry_auth?.oauth?.issuer,
    registry_auth?.oauth?.client_id,
  ]);
}

/** Whether each workload gets a process of its own: the environment's word, else the configuration's (decision 02). */
export async function isDedicated({ env, config }: Pick<Context, 'env' | 'config'>): Promise<boolean> {
  const value = env['TOOLHIVE_WORKLOAD_HOST'] ?? '';
  if (value === '') return (await (await config()).read()).workload_host === 'dedicated';
  if (value === 'shared') return false;
  if (value === 'dedicated') return true;
  throw new ThvError('ERR_INPUT_INVALID', {
    reason: `invalid value for TOOLHIVE_WORKLOAD_HOST: ${value}. Valid values are: shared, dedicated`,
  });
}

/** Runs `step` and logs what it throws: for clean-up whose failure must not hide what went before. */
export async function bestEffort(logger: Logger, what: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    logger.warn(what, { error: messageOf(error) });
  }
}
