import { join } from 'node:path';
import { type Engine, isLatest, openEngine, parseImageReference } from '../engine/index.ts';
import { ThvError, toThvError, within } from '../errors/index.ts';
import { DEFAULT_GROUP, ensureDefaultGroup, groupExists } from '../groups/index.ts';
import {
  deleteSessionJournal,
  findByExactName,
  findContainer,
  removeUnusedNetwork,
  startWorkloadRun,
  urlOf,
} from '../host/index.ts';
import { aborted, type Logger, tryLock } from '../platform/index.ts';
import {
  baseNameOf,
  parseNewWorkloadName,
  parseWorkloadName,
  type RunConfig,
  sanitizeWorkloadName,
  type WorkloadName,
} from '../records/index.ts';
import { resolveSource } from '../sources/index.ts';
import { buildRunConfig } from './build-run-config.ts';
import { bestEffort, type Context } from './context.ts';
import { spawnSupervisor } from './supervisor.ts';
import type { OperationOptions, Progress, RunOutcome, RunRequest, RunResult } from './types.ts';

type RunOptions = OperationOptions & { readonly progress: Progress };

/** `thv run` up to the saved workload (spec 01 §4.4): nothing is left behind when any step fails or is cancelled. */
async function prepare(context: Context, request: RunRequest, { signal, progress }: RunOptions) {
  requireGroup(context, request.group);
  const engine = await context.engine(signal);
  const source = await within(`failed to find or create the MCP server ${request.source}`, () =>
    resolveSource(request.source),
  );
  const name = await within('failed to check if workload exists', () =>
    newName(request.name ?? source.defaultName, context.logger),
  );
  const reservation = reserveName(context, name);
  try {
    await refuseTakenName(context, engine, name, signal);
    const config = await buildRunConfig(request, {
      name,
      image: source.image,
      reservedPorts: await portsOfOthers(context, name),
      logger: context.logger,
    });
    await retrieveImage(engine, source.image, { signal, progress, logger: context.logger });
    signal?.throwIfAborted();
    return { engine, name, config, reservation };
  } catch (error) {
    reservation[Symbol.dispose]();
    throw error;
  }
}

/**
 * Two that want one name at once: the first keeps it until its workload is stored, the other is told that it is taken
 * (spec 10 §11.4). A crash frees it.
 */
function reserveName(context: Context, name: WorkloadName): Disposable {
  const held = tryLock(join(context.paths.data, 'statuses', `${name}.create.lock`));
  if (held === undefined) throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  return held;
}

/** What a workload becomes with other settings: everything that can be wrong with them is found here (spec 10 §11.6). */
export async function prepareEdit(
  context: Context,
  present: RunConfig,
  request: RunRequest,
  { signal, progress }: RunOptions,
): Promise<RunConfig> {
  requireGroup(context, request.group);
  const engine = await context.engine(signal);
  const name = parseWorkloadName(baseNameOf(present));
  const source = await within(`failed to find or create the MCP server ${request.source}`, () =>
    resolveSource(request.source),
  );
  const config = await buildRunConfig(request, {
    name,
    image: source.image,
    ownPort: present.port,
    reservedPorts: await portsOfOthers(context, name),
    logger: context.logger,
  });
  await retrieveImage(engine, source.image, { signal, progress, logger: context.logger });
  return config;
}

function requireGroup(context: Context, group: string | undefined): void {
  if (group !== undefined && group !== DEFAULT_GROUP && !groupExists(context.paths.state, group))
    throw new ThvError('ERR_GROUP_NOT_FOUND', { group });
}

/** Detached: the supervisor takes over, and this returns without waiting for readiness (spec 01 §4.7). */
export async function runWorkload(
  context: Context,
  request: RunRequest,
  options: RunOptions,
): Promise<RunResult> {
  const { engine, name, config, reservation } = await prepare(context, request, options);
  using _ = reservation;
  using __ = await context.exclusively(name);
  try {
    await save(context, name, config);
    options.signal?.throwIfAborted();
    await within('failed to start detached process', () => spawnSupervisor(context, name, request.debug));
  } catch (error) {
    await discard(context, engine, name);
    throw error;
  }
  return { name, url: urlOf(config), port: config.port };
}

/** In this process until `signal` aborts or it fails for good; then the workload is deleted (spec 02 §6.4). */
export async function runWorkloadForeground(
  context: Context,
  request: RunRequest,
  options: RunOptions & { readonly onReady: (outcome: RunOutcome) => void },
): Promise<void> {
  const { engine, name, config, reservation } = await prepare(context, request, options);
  try {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    await serveHere(context, name, {
      signal: options.signal,
      onReady: (url) => options.onReady({ name, url }),
    });
  } finally {
    reservation[Symbol.dispose]();
    await discard(context, engine, name);
  }
}

/** Serves a stored workload in this process. Throws what made it fail for good. */
export async function serveHere(
  context: Context,
  name: WorkloadName,
  { signal, onReady }: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  const run = startWorkloadRun(
    name,
    {
      runConfigs: context.runConfigs,
      statuses: context.statuses,
      stateFolder: context.paths.state,
      openEngine: (env, engineSignal) =>
        openEngine({ env: { ...context.env, ...env }, signal: engineSignal }),
      logger: context.logger,
    },
    { environment: context.environment, onServing: onReady },
  );
  if (signal !== undefined) {
    await Promise.race([run.finished, aborted(signal)]);
    await run.end(0);
  }
  const end = await run.finished;
  if (end.type === 'failed') throw end.error;
}

/** Slashes are repaired, everything else that a name must not hold is refused (spec 01 §4.5). */
function newName(raw: string, logger: Logger): WorkloadName {
  parseNewWorkloadName(raw.replaceAll('/', '-'));
  const name = parseNewWorkloadName(sanitizeWorkloadName(raw));
  if (name !== raw) {
    logger.warn('The provided name contained invalid characters and was sanitized', {
      given: raw,
      workload: name,
    });
  }
  return name;
}

async function save(context: Context, name: WorkloadName, config: RunConfig): Promise<void> {
  await ensureDefaultGroup(context.paths.state);
  await within('failed to save run configuration', () => context.runConfigs.save(name, config));
  await context.statuses.set(name, 'starting');
}

/** Removes everything a run made: container, network, document, status. */
async function discard(context: Context, engine: Engine, name: WorkloadName): Promise<void> {
  const { logger } = context;
  await context.desired.remove(name);
  await bestEffort(logger, 'failed to remove container', async () => {
    const container = await findContainer(engine, name);
    if (container !== undefined) await engine.containers.remove(container.Id, { force: true });
  });
  await removeUnusedNetwork(engine, logger);
  deleteSessionJournal(context.paths.state, name);
  await bestEffort(logger, 'failed to delete run configuration', () => context.runConfigs.delete(name));
  await bestEffort(logger, 'failed to delete status', () => context.statuses.delete(name));
}

/** Any workload of that name blocks it, except one that failed (spec 02 §6.1). */
async function refuseTakenName(
  context: Context,
  engine: Engine,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  const record = await context.statuses.find(name);
  if (record?.status === 'error') return;
  if (record !== undefined || (await findContainer(engine, name, signal)) !== undefined) {
    throw new ThvError('ERR_WORKLOAD_EXISTS', { workload: name });
  }
  if ((await findByExactName(engine, name, signal)) !== undefined) {
    throw new ThvError(
      'ERR_INPUT_INVALID',
      { reason: `a container named '${name}' exists that thv does not manage` },
      { hint: 'choose another name with --name, or remove that container' },
    );
  }
}

/** Ports that other stored workloads come back to. */
async function portsOfOthers(context: Context, name: WorkloadName): Promise<ReadonlySet<number>> {
  const ports = new Set<number>();
  for (const other of await context.runConfigs.names()) {
    if (other === name) continue;
    try {
      const config = await context.runConfigs.find(other as WorkloadName);
      if (config !== undefined) ports.add(config.port);
    } catch {
      // an unreadable document reserves no port
    }
  }
  return ports;
}

interface RetrieveOptions extends RunOptions {
  readonly logger: Logger;
  /** Whose choice the image is; default `user`. */
  readonly owner?: 'user' | 'program';
}

/** Pull rule of spec 03 §12.1: `latest` is pulled when it can be, anything else only when it is missing. */
export async function retrieveImage(
  engine: Engine,
  image: string,
  { signal, progress, logger, owner = 'user' }: RetrieveOptions,
): Promise<void> {
  await within('failed to retrieve or pull image', async () => {
    const isLocal = (await engine.images.find(image, { signal })) !== undefined;
    if (isLocal && !isLatest(parseImageReference(image))) return;
    logger.info('pulling image', { image });
    try {
      await engine.images.pull(image, {
        signal,
        owner,
        onProgress: ({ status, layer, currentBytes, totalBytes }) => {
          const share =
            currentBytes === undefined || !totalBytes
              ? ''
              : ` ${Math.floor((100 * currentBytes) / totalBytes)}%`;
          progress.update(`Pulling ${image}: ${layer === undefined ? '' : `${layer} `}${status}${share}`);
        },
      });
      progress.update('');
      progress.line(`Successfully pulled ${image}`);
    } catch (error) {
      progress.update('');
      if (signal?.aborted)
        throw new ThvError('ERR_CANCELLED', { reason: 'image pull was canceled' }, { cause: error });
      if (!isLocal) throw error;
      logger.warn('failed to pull image, using the local copy', { image, error: toThvError(error) });
    }
  });
}
