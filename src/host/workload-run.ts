import type { ClientSettings } from '../clients/index.ts';
import { ThvError, toThvError, withoutSecrets } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type { Endpoint, Listener } from '../proxy/index.ts';
import {
  RUNTIME_VARIABLE,
  type RunConfig,
  type RunConfigStore,
  type StatusRecorder,
  type StatusStore,
  type WorkloadName,
} from '../records/index.ts';
import { type Backend, createRuntimes, type Runtime } from '../runtimes/index.ts';
import type { Definition } from '../tool-lock/index.ts';
import type { UsageReporter } from '../usage/index.ts';
import { createAuthenticationStatus } from './authentication-status.ts';
import { openCallers, type WorkloadCallers } from './callers.ts';
import { openChainServices } from './chain-services.ts';
import { openClientSettings, serverOf } from './client-entry.ts';
import { type RunOrigin, shellOf } from './environment.ts';
import { resolveForwardHeaders } from './forward-headers.ts';
import { listTools } from './list-tools.ts';
import { createObservedStatus, type Observation, type ObservedStatus } from './observed-status.ts';
import { openPort } from './open-port.ts';
import { followOwn } from './own-run.ts';
import { followRemote } from './remote-run.ts';
import { createSecretValues, openSecrets } from './secret-values.ts';
import { openRemoteServer, openServer } from './server.ts';
import { refuseUnsupported } from './unsupported.ts';
import { urlOf } from './workload-url.ts';

/** How a run came to its end. `ended`: asked to; `gone`: the workload was removed behind our back; `failed`: for good. */
type RunEnd =
  | { readonly type: 'ended' }
  | { readonly type: 'gone' }
  | { readonly type: 'failed'; readonly error: ThvError };

/** One workload being served: its port, its proxy and the supervision of its container (spec 02 §6). */
export interface WorkloadRun {
  readonly name: WorkloadName;
  readonly finished: Promise<RunEnd>;
  /** What it knows of its workload now, recorded or not. */
  observed(): Observation;
  /** All tools of its server. Throws `ERR_MCP_REQUEST`, also as long as nothing is served yet. */
  listTools(): Promise<readonly Definition[]>;
  /** Closes port and attachment, running calls finish for at most `graceMs`; the container runs on. Idempotent. */
  end(graceMs: number): Promise<void>;
}

export interface RunDependencies {
  readonly runConfigs: RunConfigStore;
  readonly statuses: StatusStore;
  readonly recorder: StatusRecorder;
  readonly paths: Paths;
  /** Variables that choose an engine, beneath those of the run. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly usage: Pick<UsageReporter, 'findCounter'>;
  /** This workload's own log. */
  readonly logger: Logger;
  /** Where the proxy prints what is no log of its own; stdout unless given. `false`: the text is lost. */
  readonly writeOut?: (text: string) => boolean;
}

export interface RunOptions extends RunOrigin {
  /** Called each time the workload serves: first start and every restart. */
  readonly onServing?: (url: string) => void;
}

/**
 * Starts serving a stored workload; every failure ends in its status and its log, never in an exception. What is observed goes to
 * `observed` and from there to disk when that is possible; no write of a record can end a run.
 */
export function startWorkloadRun(
  name: WorkloadName,
  deps: RunDependencies,
  options: RunOptions,
): WorkloadRun {
  return new Run(name, deps, options);
}

/**
 * One run from its start to its end, its steps in their order: the document is read, the port opened, the server started and
 * followed, each time it serves it is called running, and then the run is ended, gone or failed.
 */
class Run implements WorkloadRun {
  readonly name: WorkloadName;
  readonly finished: Promise<RunEnd>;
  readonly observed: WorkloadRun['observed'];
  readonly #deps: RunDependencies;
  readonly #options: RunOptions;
  readonly #log: Logger;
  readonly #status: ObservedStatus;
  readonly #controller = new AbortController();
  /** Asks the server that stands behind the port, once that is open. */
  #listTools: (() => Promise<readonly Definition[]>) | undefined;
  /** The port, once it is open. */
  #listener: Listener | undefined;
  /** Who may call; `undefined` for everybody who can connect. */
  #callers: WorkloadCallers | undefined;
  /** The entry in clients' settings, once it is being written. */
  #entering: Promise<void> | undefined;

  constructor(name: WorkloadName, deps: RunDependencies, options: RunOptions) {
    this.name = name;
    this.#deps = deps;
    this.#options = options;
    this.#log = deps.logger.with({ workload: name });
    this.#status = createObservedStatus(name, deps);
    this.observed = this.#status.present;
    this.finished = this.#supervise()
      .catch((error: unknown) => (this.#signal.aborted ? ENDED : this.#fail(toThvError(error))))
      // The caller of `end()` removes the client entries next, so wait for our own write to finish first.
      .finally(() => this.#entering)
      .finally(this.#status.end);
  }

  async end(graceMs: number): Promise<void> {
    await this.#listener?.stop({ graceMs });
    this.#controller.abort();
    await this.finished;
  }

  listTools(): Promise<readonly Definition[]> {
    if (this.#listTools !== undefined) return this.#listTools();
    throw new ThvError('ERR_MCP_REQUEST', { reason: `workload ${this.name} is not being served yet` });
  }

  get #signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What opening secrets and clients' settings takes. */
  get #access() {
    const { environment } = this.#options;
    return { paths: this.#deps.paths, environment, logger: this.#log, signal: this.#signal };
  }

  async #supervise(): Promise<RunEnd> {
    // Not waited for: the port does not depend on it.
    void this.#status.begin();
    const config = await this.#deps.runConfigs.get(this.name);
    const runtime = this.#runtimeOf(config);
    refuseUnsupported(config);
    await using resources = new AsyncDisposableStack();
    const served = await runtime.serve(this.name, config, { logger: this.#log, signal: this.#signal });
    return served.type === 'upstream'
      ? await this.#superviseRemote({ ...config, remote_url: served.url }, resources)
      : await this.#superviseOwn(config, served.backend, resources);
  }

  #runtimeOf(config: RunConfig): Runtime {
    const { env, paths } = this.#deps;
    const { environment, runtime } = this.#options;
    return createRuntimes({
      wanted: runtime,
      env: { ...env, ...environment },
      shell: shellOf(environment),
      paths,
      logger: this.#log,
    }).of(config);
  }

  /** Opens the port; gives its URL. */
  async #listen(config: RunConfig, endpoint: Endpoint, resources: AsyncDisposableStack): Promise<string> {
    const { environment } = this.#options;
    this.#callers = await openCallers(
      config,
      {
        stateFolder: this.#deps.paths.state,
        workload: this.name,
        environment,
        logger: this.#log,
        openSecrets: () => openSecrets(this.#access),
      },
      resources,
    );
    const services = await openChainServices(config, {
      stateFolder: this.#deps.paths.state,
      callers: this.#callers,
      usage: this.#deps.usage,
      environment,
      log: this.#log,
      writeOut: this.#deps.writeOut,
      openSecrets: () => openSecrets(this.#access),
    });
    this.#listener = await openPort(
      config,
      { endpoint, services, metadata: this.#callers?.metadata },
      resources,
    );
    this.#listTools = () => listTools(config, endpoint.handle);
    const url = urlOf(config);
    this.#log.info('listening', { url });
    return url;
  }

  async #superviseRemote(
    config: RunConfig & { readonly remote_url: string },
    resources: AsyncDisposableStack,
  ): Promise<RunEnd> {
    const { paths, logger } = this.#deps;
    const observed = this.#status;
    const signal = this.#signal;
    const forwardHeaders = await resolveForwardHeaders(config, () => openSecrets(this.#access), { signal });
    const authentication = createAuthenticationStatus(observed, forwardHeaders);
    const server = openRemoteServer(
      this.name,
      config,
      {
        stateFolder: paths.state,
        environment: this.#options.environment,
        logger,
        forwardHeaders,
        onAuthenticated: authentication.tell,
      },
      resources,
    );
    const url = await this.#listen(config, server.endpoint, resources);
    await followRemote({
      config,
      server,
      url,
      authorization: this.#callers?.ownAuthorization,
      signal,
      logger: this.#log,
      onReady: (remark) => this.#becomeRunning(config, url, remark),
      onStillServing: observed.confirm,
      onUnauthenticated: () => authentication.tell(false),
      onUnhealthy: (reason) => observed.set('unhealthy', reason),
    });
    await authentication.settled();
    return ENDED;
  }

  async #superviseOwn(config: RunConfig, backend: Backend, resources: AsyncDisposableStack): Promise<RunEnd> {
    const deps = this.#deps;
    const { environment } = this.#options;
    const server = openServer(
      this.name,
      config,
      { ...deps, stateFolder: deps.paths.state, environment },
      resources,
    );
    const url = await this.#listen(config, server.endpoint, resources);
    try {
      const end = await followOwn({
        config,
        backend,
        server,
        url,
        authorization: this.#callers?.ownAuthorization,
        secretValues: createSecretValues(config, this.#access),
        observed: this.#status,
        signal: this.#signal,
        logger: this.#log,
        onReady: (remark) => this.#becomeRunning(config, url, remark),
      });
      return end === 'removed' ? await this.#vanish(config) : ENDED;
    } finally {
      await backend.release();
    }
  }

  async #becomeRunning(config: RunConfig, url: string, remark: string): Promise<void> {
    // Once per run: the URL outlives every restart (decision 03).
    this.#entering ??= this.#enterClients(config);
    await this.#entering;
    await this.#status.serving(remark);
    this.#log.info('workload is running', { url });
    this.#options.onServing?.(url);
  }

  #enterClients(config: RunConfig): Promise<void> {
    return this.#changeClients(config, async (clients) => {
      // It may have changed its group while it was starting.
      const { group } = (await this.#deps.runConfigs.find(this.name)) ?? config;
      await clients.addWorkload(serverOf(config), group || undefined);
    });
  }

  async #changeClients(config: RunConfig, change: (clients: ClientSettings) => Promise<void>): Promise<void> {
    if (this.#signal.aborted) return;
    try {
      // Claude Desktop starts this program, which reads its own environment.
      const environment = { ...this.#options.environment, [RUNTIME_VARIABLE]: this.#options.runtime };
      await change(await openClientSettings({ ...this.#access, environment }));
    } catch (error) {
      this.#log.warn('failed to change the settings of clients', { group: config.group, error });
    }
  }

  async #vanish(config: RunConfig): Promise<RunEnd> {
    this.#log.warn('container was removed, workload is no longer served');
    await this.#changeClients(config, (clients) =>
      clients.removeWorkload(serverOf(config), config.group || undefined),
    );
    await this.#status.set('unhealthy', `workload ${this.name} not found in runtime, marking as unhealthy`);
    return { type: 'gone' };
  }

  async #fail(error: ThvError): Promise<RunEnd> {
    this.#log.error('workload failed', { error });
    const { message, blame } = error;
    const where = `this is a fault of thv itself; 'thv logs ${this.name} --proxy' shows where`;
    await this.#status.set(
      'error',
      blame === 'ours' ? `${withoutSecrets(message)}. Hint: ${where}` : message,
    );
    return { type: 'failed', error };
  }
}

const ENDED: RunEnd = { type: 'ended' };
