import type { ContainerDetails, ContainerSpec, Engine } from '../../engine/index.ts';
import { hasCode, ThvError, within } from '../../errors/index.ts';
import { findFreePort, isPortAvailable, type Logger, sleep } from '../../platform/index.ts';
import { containerNameOf, isManaged, LABEL, type RunConfig } from '../../records/index.ts';
import {
  containerSpec,
  EXTERNAL_NETWORK,
  isBridgeMode,
  type Mount,
  networkModeOf,
  networkProfile,
} from '../../sandbox/index.ts';
import { describeLimit, withoutLimits } from './container-limits.ts';
import type { DeployMark } from './deploy-mark.ts';
import { isSameContainer } from './same-container.ts';

/** A workload's container that is up. */
export interface RunningContainer {
  readonly id: string;
  /** Changes whenever the server's process is a new one: container id and start time. */
  readonly identity: string;
  /** It ran before we came: somebody was attached to it, and may have died in the middle of a line. */
  readonly wasUp: boolean;
  /** How long its process had run when we came to it. */
  readonly livedMs: number;
  /** Port on the target host that the proxy connects to; `undefined` for stdio. */
  readonly hostPort: number | undefined;
}

interface DeployOptions {
  /** Values that are given to the server and never stored. */
  readonly environment: Readonly<Record<string, string>>;
  /** Over the profile's mounts. */
  readonly overlays: readonly Mount[];
  readonly mark: DeployMark;
  readonly logger: Logger;
  /** Ends the deployment between two requests: one that changes something is always waited for, because engines finish it anyway. */
  readonly signal: AbortSignal;
}

const UP_TIMEOUT_MS = 2000;
const UP_POLL_MS = 50;
const DEPLOY_ATTEMPTS = 3;
const DEPLOY_RETRY_MS = 300;
/** How long the engine may still be making a container of this name for somebody who is gone. */
const NAME_TIMEOUT_MS = 60_000;

/** Looks a workload's container up: by base-name label, else by exact name (spec 02 §5.2). */
export async function findContainer(
  engine: Engine,
  baseName: string,
  signal?: AbortSignal,
): Promise<ContainerDetails | undefined> {
  const labels = [`${LABEL.managed}=true`, `${LABEL.baseName}=${baseName}`];
  const found = await engine.containers.list({ all: true, labels }, { signal });
  const chosen = found.find((container) => container.State === 'running') ?? found[0];
  if (chosen !== undefined) return engine.containers.find(chosen.Id, { signal });
  const named = await findByExactName(engine, baseName, signal);
  return named !== undefined && isManaged(named.Config.Labels ?? {}) ? named : undefined;
}

/** All containers of a workload, those by label and the one by name: what a removal has to find. */
export async function findContainers(
  engine: Engine,
  baseName: string,
  signal?: AbortSignal,
): Promise<readonly ContainerDetails[]> {
  const labels = [`${LABEL.managed}=true`, `${LABEL.baseName}=${baseName}`];
  const labelled = await engine.containers.list({ all: true, labels }, { signal });
  const found = await Promise.all(labelled.map(({ Id }) => engine.containers.find(Id, { signal })));
  const named = await findByExactName(engine, baseName, signal);
  const isOurs = named !== undefined && isManaged(named.Config.Labels ?? {});
  const all = [...found, ...(isOurs ? [named] : [])].filter((details) => details !== undefined);
  return [...new Map(all.map((details) => [details.Id, details])).values()];
}

/** The engine also answers for the beginning of an id, hence the comparison. */
export async function findByExactName(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<ContainerDetails | undefined> {
  const details = await engine.containers.find(name, { signal });
  return details !== undefined && details.Name.replace(/^\//, '') === name ? details : undefined;
}

/** Running and not waiting for the engine's own restart. */
export function isUp(details: ContainerDetails): boolean {
  return details.State.Running && !details.State.Restarting;
}

export function identityOf(details: ContainerDetails): string {
  return `${details.Id}@${details.State.StartedAt}`;
}

/** Makes the workload's container run: reused when it has the settings wanted, else made anew (spec 03 §4.1, §9.1). */
export async function deployContainer(
  engine: Engine,
  config: RunConfig,
  options: DeployOptions,
): Promise<RunningContainer> {
  const { logger, signal } = options;
  const nameDeadline = performance.now() + NAME_TIMEOUT_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      return await deployOnce(engine, config, options);
    } catch (error) {
      // A port or a network that somebody else took or removed in between: all of it is looked at anew.
      if (!hasCode(error, 'ERR_ENGINE_REQUEST') || signal.aborted) throw error;
      // A host that was killed while it created a container leaves that to its successor, who cannot see it before it is there.
      const isNameTaken = error.facts.refusal === 'name-taken';
      const isLast = isNameTaken ? performance.now() > nameDeadline : attempt >= DEPLOY_ATTEMPTS;
      if (isLast) throw error;
      logger.debug('trying once more to start the container', { error });
      await sleep(DEPLOY_RETRY_MS * Math.min(attempt, DEPLOY_ATTEMPTS), signal);
      signal.throwIfAborted();
    }
  }
}

async function deployOnce(
  engine: Engine,
  config: RunConfig,
  options: DeployOptions,
): Promise<RunningContainer> {
  const { signal } = options;
  const name = containerNameOf(config);
  const existing = await within('failed to inspect container', () => findByExactName(engine, name, signal));
  if (existing !== undefined && !isManaged(existing.Config.Labels ?? {})) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a container named '${name}' exists that thv does not manage` },
      { hint: 'choose another name with --name, or remove that container' },
    );
  }
  const mode = networkModeOf(config.permission_profile ?? networkProfile());
  const network = isBridgeMode(mode)
    ? await within('failed to create external networks', () => ensureExternalNetwork(engine))
    : EXTERNAL_NETWORK;
  signal.throwIfAborted();
  const hostPort = await choosePrimaryPort(config, mode, existing);
  const spec = containerSpec(config, {
    network,
    hostPort: mode === 'host' ? undefined : hostPort,
    environment: options.environment,
    overlays: options.overlays,
    logger: options.logger,
  });
  const id = await reuseOrCreate(engine, name, existing, { spec, config }, options);
  const details = await untilUp(engine, id, name, signal);
  const wasUp = existing !== undefined && isUp(existing) && existing.Id === id;
  return {
    id,
    identity: identityOf(details),
    wasUp,
    livedMs: wasUp ? Math.max(0, Date.now() - Date.parse(details.State.StartedAt)) : 0,
    hostPort,
  };
}

/**
 * The container once it is up. One that the engine waits to restart is none to attach to: the stream would open and stay
 * silent. Throws `ERR_CONTAINER_NOT_RUNNING` for one that ends at once.
 */
async function untilUp(
  engine: Engine,
  id: string,
  name: string,
  signal: AbortSignal,
): Promise<ContainerDetails> {
  const deadline = performance.now() + UP_TIMEOUT_MS;
  for (;;) {
    const details = await engine.containers.find(id, { signal });
    if (details === undefined) throw new ThvError('ERR_CONTAINER_NOT_FOUND', { container: name });
    if (isUp(details)) return details;
    if (!details.State.Restarting || performance.now() > deadline || signal.aborted) {
      throw new ThvError('ERR_CONTAINER_NOT_RUNNING', { container: name, reason: describeExit(details) });
    }
    await sleep(UP_POLL_MS, signal);
  }
}

/** What to call the network by: on Docker its id, for older ones may have several of the name, and then none can be joined by it. */
async function ensureExternalNetwork(engine: Engine): Promise<string> {
  const labels = { [LABEL.managed]: 'true', [LABEL.name]: EXTERNAL_NETWORK };
  const id = await engine.networks.ensure(EXTERNAL_NETWORK, { internal: false, labels });
  return engine.kind === 'docker' ? id : EXTERNAL_NETWORK;
}

/** The mark stays where it is not known what became of a request. */
async function marked<T>(mark: DeployMark, step: 'create' | 'start', request: () => Promise<T>): Promise<T> {
  mark.set(step);
  try {
    const result = await request();
    mark.clear();
    return result;
  } catch (error) {
    if (hasCode(error, 'ERR_TIMEOUT') || hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) mark.set(step);
    else mark.clear();
    throw error;
  }
}

async function reuseOrCreate(
  engine: Engine,
  name: string,
  existing: ContainerDetails | undefined,
  { spec, config }: { readonly spec: ContainerSpec; readonly config: RunConfig },
  options: DeployOptions,
): Promise<string> {
  const { logger, signal } = options;
  if (existing !== undefined) {
    if (isSameContainer(existing, spec, config.resource_limits)) {
      if (!isUp(existing))
        await startOrRemove(engine, existing.Id, 'failed to start existing container', options);
      return existing.Id;
    }
    logger.debug('replacing container whose settings differ', { container: name });
    await within('failed to remove container', () => engine.containers.remove(existing.Id, { force: true }));
    signal.throwIfAborted();
  }
  try {
    return await create(engine, name, spec, options);
  } catch (error) {
    const cannotLimit = hasCode(error, 'ERR_ENGINE_REQUEST') && error.facts.refusal === 'cannot-limit';
    if (!cannotLimit || signal.aborted) throw error;
    logger.warn('the engine cannot limit what a container uses: the container runs without limits', {
      container: name,
      error,
    });
    return await create(engine, name, withoutLimits(spec), options);
  }
}

async function create(
  engine: Engine,
  name: string,
  spec: ContainerSpec,
  options: DeployOptions,
): Promise<string> {
  const { logger, signal } = options;
  const { id, warnings } = await within('failed to create container', () =>
    marked(options.mark, 'create', () => engine.containers.create(name, spec)),
  );
  for (const warning of warnings) logger.warn('container engine warning', { container: name, warning });
  // It stays as it is: who removes the workload removes it, and the next start takes it.
  signal.throwIfAborted();
  await startOrRemove(engine, id, 'failed to start container', options);
  return id;
}

/** Left behind, a container that does not start would be in the way of the next start under its name. */
async function startOrRemove(
  engine: Engine,
  id: string,
  what: string,
  { logger, mark }: DeployOptions,
): Promise<void> {
  try {
    await within(what, () => marked(mark, 'start', () => engine.containers.start(id)));
  } catch (error) {
    await engine.containers.remove(id, { force: true }).catch((failure: unknown) => {
      logger.warn('failed to remove container that did not start', { container: id, error: failure });
    });
    throw error;
  }
}

/**
 * The host port of an HTTP server: the one its container has, else the target port if it is free on the host, else any
 * free one, so that two servers with equal target ports both start (spec 03 §6.3).
 */
async function choosePrimaryPort(
  config: RunConfig,
  mode: string,
  existing: ContainerDetails | undefined,
): Promise<number | undefined> {
  if (config.transport === 'stdio') return undefined;
  if (mode === 'host') return config.target_port;
  const bound = Number(existing?.HostConfig.PortBindings?.[`${config.target_port}/tcp`]?.at(-1)?.HostPort);
  if (existing !== undefined && bound > 0 && (isUp(existing) || (await isPortAvailable(bound)))) return bound;
  return (await isPortAvailable(config.target_port)) ? config.target_port : findFreePort();
}

/** Removes the shared network when no managed container is left (spec 03 §9.4). Failures are warnings. */
export async function removeUnusedNetwork(engine: Engine, logger: Logger): Promise<void> {
  try {
    const left = await engine.containers.list({ all: true, labels: [`${LABEL.managed}=true`] });
    if (left.length === 0) await engine.networks.remove(EXTERNAL_NETWORK);
  } catch (error) {
    logger.warn('failed to remove unused network', { network: EXTERNAL_NETWORK, error });
  }
}

export function describeExit(details: ContainerDetails): string {
  const limit = describeLimit(details, details.State.ExitCode);
  const exit = `status ${details.State.Status}, exit code ${details.State.ExitCode}`;
  return limit === undefined ? exit : `${exit}, ${limit}`;
}
