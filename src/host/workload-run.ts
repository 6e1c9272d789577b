import type { ClientSettings } from '../clients/index.ts';
import type { Engine } from '../engine/index.ts';
import { hasCode, isShortage, messageOf, ThvError, toThvError } from '../errors/index.ts';
import { type Logger, type Paths, sleep } from '../platform/index.ts';
import type { Endpoint, Listener } from '../proxy/index.ts';
import {
  containerNameOf,
  isProcess,
  isRemote,
  type RunConfig,
  type RunConfigStore,
  type StatusRecorder,
  type StatusStore,
  type WorkloadName,
} from '../records/index.ts';
import type { UsageReporter } from '../usage/index.ts';
import { createAuthenticationStatus } from './authentication-status.ts';
import type { Backend, RunningServer, ServerEvent } from './backend.ts';
import { openClientSettings, serverOf } from './client-entry.ts';
import { createContainerBackend } from './container-backend.ts';
import type { RunEnvironment } from './environment.ts';
import { resolveForwardHeaders } from './forward-headers.ts';
import { conceal, sayLastWords } from './last-words.ts';
import { createObservedStatus, type Observation } from './observed-status.ts';
import { openPort } from './open-port.ts';
import { followRemote } from './remote-run.ts';
import { createSecretValues, openSecrets, type SecretValues } from './secret-values.ts';
import { openRemoteServer, openServer, type Server } from './server.ts';
import { serveLife } from './server-life.ts';
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
  /** Closes port and attachment, running calls finish for at most `graceMs`; the container runs on. Idempotent. */
  end(graceMs: number): Promise<void>;
}

export interface RunDependencies {
  readonly runConfigs: RunConfigStore;
  readonly statuses: StatusStore;
  readonly recorder: StatusRecorder;
  readonly paths: Paths;
  readonly openEngine: (environment: RunEnvironment, signal: AbortSignal) => Promise<Engine>;
  readonly usage: Pick<UsageReporter, 'findCounter'>;
  /** This workload's own log. */
  readonly logger: Logger;
}

export interface RunOptions {
  readonly environment: RunEnvironment;
  /** Called each time the workload serves: first start and every restart. */
  readonly onServing?: (url: string) => void;
}

const MAX_ATTEMPTS = 10;
const FIRST_DELAY_MS = 5000;
const LAST_DELAY_MS = 60_000;
const STABLE_MS = 30_000;
const ENGINE_RETRY_MS = 1000;
const LAST_SHORTAGE_DELAY_MS = 15_000;

/**
 * Starts serving a stored workload; every failure ends in its status and its log, never in an exception. What is observed goes to
 * `observed` and from there to disk when that is possible; no write of a record can end a run.
 */
export function startWorkloadRun(
  name: WorkloadName,
  deps: RunDependencies,
  options: RunOptions,
): WorkloadRun {
  const controller = new AbortController();
  const { signal } = controller;
  const log = deps.logger.with({ workload: name });
  const observed = createObservedStatus(name, deps);
  let listener: Listener | undefined;
  let entering: Promise<void> | undefined;
  /** What the server printed before its last end, as the end of a sentence. */
  let said = '';

  async function supervise(): Promise<RunEnd> {
    // Not waited for: the port does not depend on it.
    void observed.begin();
    const config = await deps.runConfigs.get(name);
    refuseUnsupported(config);
    await using resources = new AsyncDisposableStack();
    return isRemote(config)
      ? await superviseRemote(config, resources)
      : await superviseOwn(config, resources);
  }

  async function listen(
    config: RunConfig,
    chain: { readonly endpoint: Endpoint; readonly forwardHeaders?: Readonly<Record<string, string>> },
    resources: AsyncDisposableStack,
  ) {
    const isCounted = config.middleware_configs.some(({ type }) => type === 'usagemetrics');
    const countToolCall = isCounted ? await deps.usage.findCounter(options.environment) : undefined;
    listener = resources.use(await openPort(config, { ...chain, countToolCall, log }));
    const url = urlOf(config);
    log.info('listening', { url });
    return url;
  }

  async function superviseRemote(
    config: RunConfig & { readonly remote_url: string },
    resources: AsyncDisposableStack,
  ): Promise<RunEnd> {
    const { paths } = deps;
    const { environment } = options;
    const forwardHeaders = await resolveForwardHeaders(
      config,
      () => openSecrets({ paths, environment, logger: log, signal }),
      { signal },
    );
    const authentication = createAuthenticationStatus(observed, forwardHeaders);
    const server = openRemoteServer(
      name,
      config,
      {
        stateFolder: paths.state,
        environment,
        logger: deps.logger,
        forwardHeaders,
        onAuthenticated: authentication.tell,
      },
      resources,
    );
    const url = await listen(config, { endpoint: server.endpoint, forwardHeaders }, resources);
    await followRemote({
      config,
      server,
      url,
      signal,
      logger: log,
      onReady: (remark) => becomeRunning(config, url, remark),
      onStillServing: observed.confirm,
      onUnauthenticated: () => authentication.tell(false),
      onUnhealthy: (reason) => observed.set('unhealthy', reason),
    });
    await authentication.settled();
    return { type: 'ended' };
  }

  async function superviseOwn(config: RunConfig, resources: AsyncDisposableStack): Promise<RunEnd> {
    const server = openServer(
      name,
      config,
      { ...deps, stateFolder: deps.paths.state, environment: options.environment },
      resources,
    );
    const url = await listen(config, { endpoint: server.endpoint }, resources);
    const secretValues = createSecretValues(config, {
      paths: deps.paths,
      environment: options.environment,
      logger: log,
      signal,
    });
    const backend = await openBackend(config);
    try {
      return await restartLoop(config, backend, server, url, secretValues);
    } finally {
      await backend.release();
    }
  }

  async function openBackend(config: RunConfig): Promise<Backend> {
    if (isProcess(config)) {
      // Loaded by those alone that need it: a host of containers is the smaller for it.
      const { createProcessBackend } = await import('./process-backend.ts');
      return createProcessBackend(name, config, {
        paths: deps.paths,
        environment: options.environment,
        logger: log,
        signal,
      });
    }
    return createContainerBackend(name, config, {
      paths: deps.paths,
      openEngine: (engineSignal) => deps.openEngine(options.environment, engineSignal),
      logger: log,
      signal,
    });
  }

  async function restartLoop(
    config: RunConfig,
    backend: Backend,
    server: Server,
    url: string,
    secretValues: SecretValues,
  ): Promise<RunEnd> {
    let attempt = 1;
    let delayMs = FIRST_DELAY_MS;
    /** Why the last life ended, where the user can do something about it. */
    let remark = '';
    for (let life = 1; ; life++) {
      let wasStable = false;
      let isTakeOver = false;
      const event = await serveOnce(backend, secretValues, (running) => {
        isTakeOver = life === 1 && running.wasUp;
        return serveLife(running, {
          config,
          noun: backend.noun,
          server,
          url,
          isTakeOver,
          signal,
          logger: log,
          onReady: () => becomeRunning(config, url, remark),
          onStillServing: observed.confirm,
          async onDown(livedMs, ended, lastWords) {
            const limit = ended.type === 'removed' ? undefined : ended.limit;
            wasStable = livedMs >= STABLE_MS;
            const after = wasStable ? ' after stable run' : '';
            remark = limit === undefined ? '' : `restarted: the server was ended, ${limit}`;
            const wayOut = ended.type === 'exited' ? ended.wayOut : undefined;
            const [cause] = [limit, wayOut].filter((each) => each !== undefined);
            said = `${cause === undefined ? '' : ` (${cause})`}${sayLastWords(lastWords)}`;
            await observed.set('starting', `${backend.noun} exited${after}, restarting${said}`);
          },
        });
      });
      server.setDown();
      if (event === undefined) return { type: 'ended' };
      if (event.type === 'removed' || (await observed.isRemoved())) return await vanished(config);
      if (wasStable || isTakeOver) {
        attempt = 1;
        delayMs = FIRST_DELAY_MS;
        continue;
      }
      if (++attempt > MAX_ATTEMPTS) {
        await backend.giveUp();
        throw new ThvError('ERR_CONTAINER_EXITED', {
          container: containerNameOf(config),
          reason: `${backend.noun.toLowerCase()} restart failed after ${MAX_ATTEMPTS} attempts${said}`,
        });
      }
      await backend.untilUpAgain(delayMs);
      delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
    }
  }

  /** Makes the server run and hands it to `serve`; waits for an engine that does not answer. `undefined`: ended. */
  async function serveOnce(
    backend: Backend,
    secretValues: SecretValues,
    serve: (running: RunningServer) => Promise<ServerEvent | undefined>,
  ): Promise<ServerEvent | undefined> {
    let shortageDelayMs = ENGINE_RETRY_MS;
    while (!signal.aborted) {
      try {
        const environment = await secretValues();
        const running = await backend.deploy(environment);
        const lastWords = async () => conceal(await running.lastWords(), Object.values(environment));
        // A deployment that waited for its engine ends later than the run.
        return signal.aborted ? undefined : await serve({ ...running, lastWords });
      } catch (error) {
        if (signal.aborted) return undefined;
        if (hasCode(error, 'ERR_CONTAINER_NOT_RUNNING'))
          return await endedAtOnce(backend, error.facts.reason, Object.values(await secretValues()));
        if (hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) {
          log.warn('container engine does not answer, trying again', { error });
          await observed.set('starting', 'waiting for the container engine');
          await sleep(ENGINE_RETRY_MS, signal);
        } else if (isShortage(error) || isEngineShortOfRoom(error)) {
          log.warn('this machine has run short, trying again', { error: messageOf(error) });
          await observed.set('starting', `waiting for this machine to have room again: ${messageOf(error)}`);
          await sleep(shortageDelayMs, signal);
          shortageDelayMs = Math.min(shortageDelayMs * 2, LAST_SHORTAGE_DELAY_MS);
        } else throw error;
      }
    }
    return undefined;
  }

  /** It ended before it could be served. */
  async function endedAtOnce(
    backend: Backend,
    detail: string,
    secrets: readonly string[],
  ): Promise<ServerEvent> {
    const lastLogs = conceal(await backend.lastWords(), secrets);
    said = sayLastWords(lastLogs);
    await observed.set('starting', `${backend.noun} exited, restarting${said}`);
    log.warn(`${backend.noun.toLowerCase()} exited unexpectedly`, { event: 'exited', detail, lastLogs });
    return { type: 'exited', detail };
  }

  async function becomeRunning(config: RunConfig, url: string, remark = ''): Promise<void> {
    // Once per run: the URL outlives every restart (decision 03).
    entering ??= changeClients(config, async (clients) => {
      // It may have changed its group while it was starting.
      const { group } = (await deps.runConfigs.find(name)) ?? config;
      await clients.addWorkload(serverOf(config), group || undefined);
    });
    await entering;
    await observed.serving(remark);
    log.info('workload is running', { url });
    options.onServing?.(url);
  }

  async function changeClients(
    config: RunConfig,
    change: (clients: ClientSettings) => Promise<void>,
  ): Promise<void> {
    if (signal.aborted) return;
    try {
      const { paths } = deps;
      await change(await openClientSettings({ paths, environment: options.environment, logger: log }));
    } catch (error) {
      log.warn('failed to change the settings of clients', { group: config.group, error });
    }
  }

  async function vanished(config: RunConfig): Promise<RunEnd> {
    log.warn('container was removed, workload is no longer served');
    await changeClients(config, (clients) =>
      clients.removeWorkload(serverOf(config), config.group || undefined),
    );
    await observed.set('unhealthy', `workload ${name} not found in runtime, marking as unhealthy`);
    return { type: 'gone' };
  }

  async function fail(error: ThvError): Promise<RunEnd> {
    log.error('workload failed', { error });
    await observed.set('error', error.message);
    return { type: 'failed', error };
  }

  const finished = supervise()
    .catch((error: unknown) => (signal.aborted ? { type: 'ended' as const } : fail(toThvError(error))))
    // The caller of `end()` removes the client entries next, so wait for our own write to finish first.
    .finally(() => entering)
    .finally(observed.end);

  return {
    name,
    finished,
    observed: observed.present,
    async end(graceMs) {
      await listener?.stop({ graceMs });
      controller.abort();
      await finished;
    },
  };
}

/** An engine tells by nothing but its words that its own disk is full. */
function isEngineShortOfRoom(error: unknown): boolean {
  return (
    hasCode(error, 'ERR_ENGINE_REQUEST') && /no space left on device|quota exceeded/i.test(error.message)
  );
}
