import type { Engine } from '../engine/index.ts';
import { hasCode, messageOf, ThvError, toThvError } from '../errors/index.ts';
import { buildMiddlewares, composeChain } from '../middleware/index.ts';
import { type Logger, sleep } from '../platform/index.ts';
import { type Endpoint, type Listener, openListener, probeReadiness } from '../proxy/index.ts';
import {
  containerNameOf,
  type RunConfig,
  type RunConfigStore,
  type StatusStore,
  type WorkloadName,
} from '../records/index.ts';
import { type ContainerEvent, confirmExit, watchContainer } from './container-watch.ts';
import { deployContainer, findByExactName, identityOf, isUp, type RunningContainer } from './containers.ts';
import type { RunEnvironment } from './environment.ts';
import { lastWords } from './last-words.ts';
import { openServer, type Server } from './server.ts';
import { isAttachFailure } from './stdio-link.ts';
import { urlOf } from './workload-url.ts';

/** How a run came to its end. `ended`: asked to; `gone`: the workload was removed behind our back; `failed`: for good. */
export type RunEnd =
  | { readonly type: 'ended' }
  | { readonly type: 'gone' }
  | { readonly type: 'failed'; readonly error: ThvError };

/** One workload being served: its port, its proxy and the supervision of its container (spec 02 §6). */
export interface WorkloadRun {
  readonly name: WorkloadName;
  readonly finished: Promise<RunEnd>;
  /** Closes port and attachment, running calls finish for at most `graceMs`; the container runs on. Idempotent. */
  end(graceMs: number): Promise<void>;
}

export interface RunDependencies {
  readonly runConfigs: RunConfigStore;
  readonly statuses: StatusStore;
  /** `<state>/toolhive` */
  readonly stateFolder: string;
  readonly openEngine: (environment: RunEnvironment, signal: AbortSignal) => Promise<Engine>;
  /** This workload's own log. */
  readonly logger: Logger;
}

export interface RunOptions {
  readonly environment: RunEnvironment;
  /** The workload was being served until the process that served it died. */
  readonly afterCrash: boolean;
  /** Called each time the workload serves: first start and every restart. */
  readonly onServing?: (url: string) => void;
}

const MAX_ATTEMPTS = 10;
const FIRST_DELAY_MS = 5000;
const LAST_DELAY_MS = 60_000;
const STABLE_MS = 30_000;
const ENGINE_RETRY_MS = 1000;
/** A server that cannot start usually ends within this time; until then it is not called running. */
const SETTLE_MS = 500;
const WATCH_STATUS_MS = 10_000;
const STOP_GRACE_SECONDS = 10;
/** Idle keep-alive of the reverse proxy (spec 04 §2.2). */
const REVERSE_PROXY_IDLE_SECONDS = 120;

/** Starts serving a stored workload; every failure ends in its status file and its log, never in an exception. */
export function startWorkloadRun(
  name: WorkloadName,
  deps: RunDependencies,
  options: RunOptions,
): WorkloadRun {
  const controller = new AbortController();
  const { signal } = controller;
  let listener: Listener | undefined;

  async function supervise(): Promise<RunEnd> {
    await deps.statuses.set(name, 'starting');
    await deps.statuses.setProcessId(name, process.pid);
    const config = await deps.runConfigs.get(name);
    await using resources = new AsyncDisposableStack();
    const server = openServer(name, config, { ...deps, environment: options.environment }, resources);
    listener = resources.use(await openPort(config, server.endpoint, deps.logger));
    const url = urlOf(config);
    deps.logger.info('listening', { workload: name, url });
    return await restartLoop(config, server, url);
  }

  async function restartLoop(config: RunConfig, server: Server, url: string): Promise<RunEnd> {
    let attempt = 1;
    let delayMs = FIRST_DELAY_MS;
    let afterCrash = options.afterCrash;
    for (;;) {
      const startedAt = performance.now();
      const event = await serveOnce(config, server, url, afterCrash && attempt === 1);
      afterCrash = false;
      server.setDown();
      if (signal.aborted) return { type: 'ended' };
      if (event.type === 'removed' || (await deps.statuses.find(name)) === undefined) return await vanished();
      const wasStable = performance.now() - startedAt >= STABLE_MS;
      const context = wasStable
        ? 'Container exited after stable run, restarting'
        : 'Container exited, restarting';
      await setWhileOurs('starting', context);
      if (wasStable) {
        attempt = 1;
        delayMs = FIRST_DELAY_MS;
        continue;
      }
      if (++attempt > MAX_ATTEMPTS) {
        await stopContainer(config);
        throw new ThvError('ERR_CONTAINER_EXITED', {
          container: containerNameOf(config),
          reason: `container restart failed after ${MAX_ATTEMPTS} attempts`,
        });
      }
      await untilUpAgain(config, delayMs);
      delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
    }
  }

  /** From deploying the container to the moment it is not up any more; waits for an engine that does not answer. */
  async function serveOnce(
    config: RunConfig,
    server: Server,
    url: string,
    afterCrash: boolean,
  ): Promise<ContainerEvent> {
    for (;;) {
      try {
        const engine = await deps.openEngine(options.environment, signal);
        const container = await deployContainer(engine, config, { logger: deps.logger, signal });
        const event = await serveContainer(engine, container, config, server, url, afterCrash);
        if (!signal.aborted) await logExit(engine, container.id, config, event);
        return event;
      } catch (error) {
        if (signal.aborted) return { type: 'exited', detail: 'ended' };
        if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
        deps.logger.warn('container engine does not answer, trying again', { workload: name, error });
        await setWhileOurs('starting', 'waiting for the container engine');
        await sleep(ENGINE_RETRY_MS, signal);
      }
    }
  }

  async function logExit(
    engine: Engine,
    id: string,
    config: RunConfig,
    event: ContainerEvent,
  ): Promise<void> {
    deps.logger.warn('container exited unexpectedly', {
      workload: name,
      event: event.type,
      ...('detail' in event ? { detail: event.detail } : {}),
      lastLogs: await lastWords(engine, id, config.transport),
    });
  }

  async function serveContainer(
    engine: Engine,
    container: RunningContainer,
    config: RunConfig,
    server: Server,
    url: string,
    afterCrash: boolean,
  ): Promise<ContainerEvent> {
    const life = new AbortController();
    const endLife = () => life.abort();
    signal.addEventListener('abort', endLife);
    const statusWatch = setInterval(() => void correctStatus(), WATCH_STATUS_MS);
    let serving = false;
    const correctStatus = async () => {
      if (!serving) return;
      // A list that looked in a bad moment has called us unhealthy; we are not.
      await deps.statuses
        .setIf(name, (record) => record.status === 'unhealthy', 'running')
        .catch((error: unknown) => {
          deps.logger.warn('failed to correct status', { workload: name, error });
        });
    };
    try {
      const watched = watchContainer(engine, container.id, container.identity, life.signal);
      const attachment = server.serve(engine, container, { afterCrash, signal: life.signal });
      const ready = becomeReady(config, container, url, life.signal);
      ready.then(
        () => {
          serving = !life.signal.aborted;
        },
        () => undefined,
      );
      // The first of them to fail or to see the end decides; all of them are over when this returns.
      const event = await Promise.race([watched, attachment.then(() => watched), ready.then(() => watched)]);
      if (event === undefined) return { type: 'exited', detail: 'ended' };
      return await confirmExit(engine, event, container.id, signal);
    } catch (error) {
      // It ended before it could be spoken to.
      if (!isAttachFailure(error)) throw error;
      return await confirmExit(engine, { type: 'exited', detail: messageOf(error) }, container.id, signal);
    } finally {
      serving = false;
      clearInterval(statusWatch);
      life.abort();
      signal.removeEventListener('abort', endLife);
    }
  }

  async function becomeReady(
    config: RunConfig,
    container: RunningContainer,
    url: string,
    life: AbortSignal,
  ): Promise<void> {
    if (config.transport === 'stdio') {
      await sleep(Math.max(0, SETTLE_MS - (Date.now() - container.startedAt.getTime())), life);
    } else {
      const isReady = await probeReadiness(url, config.transport, { signal: life });
      if (!isReady && !life.aborted)
        deps.logger.warn('initialize not successful, but continuing', { workload: name });
    }
    if (life.aborted) return;
    await deps.statuses.setIf(
      name,
      (record) => record.status !== 'unauthenticated' && isOurs(record.status),
      'running',
    );
    await deps.statuses.setProcessId(name, process.pid);
    deps.logger.info('workload is running', { workload: name, url });
    options.onServing?.(url);
  }

  /** The engine would go on restarting what we have given up. */
  async function stopContainer(config: RunConfig): Promise<void> {
    try {
      const engine = await deps.openEngine(options.environment, signal);
      await engine.containers.stop(containerNameOf(config), { graceSeconds: STOP_GRACE_SECONDS, signal });
    } catch (error) {
      deps.logger.warn('failed to stop container', { workload: name, error });
    }
  }

  /** The engine restarts crashed containers too; when it was faster, there is nothing to wait for. */
  async function untilUpAgain(config: RunConfig, delayMs: number): Promise<void> {
    const deadline = performance.now() + delayMs;
    let seen = '';
    while (performance.now() < deadline && !signal.aborted) {
      await sleep(500, signal);
      try {
        const engine = await deps.openEngine(options.environment, signal);
        const details = await findByExactName(engine, containerNameOf(config), signal);
        const identity = details !== undefined && isUp(details) ? identityOf(details) : '';
        if (identity !== '' && identity === seen) return;
        seen = identity;
      } catch {
        // an engine that does not answer: the deadline decides
      }
    }
  }

  async function vanished(): Promise<RunEnd> {
    deps.logger.warn('container was removed, workload is no longer served', { workload: name });
    await deps.statuses.setIf(
      name,
      (record) => isOurs(record.status),
      'unhealthy',
      `workload ${name} not found in runtime, marking as unhealthy`,
    );
    return { type: 'gone' };
  }

  async function setWhileOurs(status: 'starting' | 'running', context: string): Promise<void> {
    await deps.statuses.setIf(name, (record) => isOurs(record.status), status, context);
  }

  async function fail(error: ThvError): Promise<RunEnd> {
    deps.logger.error('workload failed', { workload: name, error });
    await deps.statuses.setIf(name, (record) => isOurs(record.status), 'error', error.message);
    return { type: 'failed', error };
  }

  const finished = supervise()
    .catch((error: unknown) => (signal.aborted ? { type: 'ended' as const } : fail(toThvError(error))))
    .catch((error: unknown): RunEnd => {
      deps.logger.error('failed to record the end of a workload', { workload: name, error });
      return { type: 'failed', error: toThvError(error) };
    })
    .finally(() => deps.statuses.resetProcessId(name, process.pid).catch(() => undefined)); // the file may be gone

  return {
    name,
    finished,
    async end(graceMs) {
      await listener?.stop({ graceMs });
      controller.abort();
      await finished;
    },
  };
}

/** Opens the workload's port with its middleware chain before the endpoint. */
function openPort(config: RunConfig, endpoint: Endpoint, log: Logger): Promise<Listener> {
  const middlewares = buildMiddlewares(config.middleware_configs, {
    log,
    bindHost: config.host,
    port: config.port,
    trustProxyHeaders: config.trust_proxy_headers,
    allowedOrigins: config.allowed_origins,
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

/** States in which the supervisor may write; in the others a stop or a removal is under way and has the last word. */
function isOurs(status: string): boolean {
  return status === 'starting' || status === 'running' || status === 'unhealthy' || status === 'error';
}
