import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Engine } from '../engine/index.ts';
import { ThvError, toThvError, within } from '../errors/index.ts';
import {
  deleteProcessFolder,
  deleteProcessLeftovers,
  deleteSessionJournal,
  findContainer,
  isUp,
  removeUnusedNetwork,
} from '../host/index.ts';
import { isPortAvailable, type Logger, type Paths } from '../platform/index.ts';
import {
  isContainer,
  isProcess,
  parseWorkloadName,
  type RunConfig,
  type StatusRecord,
  type WorkloadName,
} from '../records/index.ts';
import { deleteOverlays } from '../sandbox/index.ts';
import { checkSecrets } from './check-secrets.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { deleteCreatedSecrets } from './created-secrets.ts';
import { ensureImage } from './obtain-image.ts';
import { serveHere } from './run.ts';
import { ensureProcess } from './runtime.ts';
import { stopContainer } from './stop-container.ts';
import { endSupervisor, spawnSupervisor, supervisorOf, workloadLogPath } from './supervisor.ts';
import type { OperationOptions, Outcome, Progress } from './types.ts';

export const DEFAULT_GRACE_SECONDS = 30;
/** Time for the engine to let go of a removed container (spec 02 §7.2). */
const REMOVAL_TIMEOUT_MS = 3000;

/** Several workloads at once; each result is reported, none cancels another (spec 02 §15-27). */
export async function forEachWorkload(
  rawNames: readonly string[],
  action: (name: WorkloadName) => Promise<Outcome['result'] & ('done' | 'already' | 'not-found')>,
): Promise<readonly Outcome[]> {
  const names = [...new Set(rawNames)].map(parseWorkloadName);
  return Promise.all(
    names.map(async (name): Promise<Outcome> => {
      try {
        return { name, result: await action(name) };
      } catch (error) {
        return { name, result: 'failed', error: toThvError(error) };
      }
    }),
  );
}

/** The engine that a workload concerns; `undefined` for one that is no container, and ends with its supervisor. */
export async function engineOf(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<Engine | undefined> {
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: the engine may know more
  return config === undefined || isContainer(config) ? await context.engine(signal) : undefined;
}

export async function stopWorkload(
  context: Context,
  name: WorkloadName,
  { graceSeconds, signal }: OperationOptions & { readonly graceSeconds: number },
): Promise<'done' | 'already' | 'not-found'> {
  const engine = await engineOf(context, name, signal);
  const record = await findRecord(context, name);
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  if (record === undefined && container === undefined && !(await isStored(context, name))) return 'not-found';
  const isSupervised = supervisorOf(name, record).kind !== 'none';
  if (
    record?.status === 'stopped' &&
    !isSupervised &&
    (container === undefined || !container.State.Running)
  ) {
    return 'already';
  }
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: only what we know we wrote
  await context.statuses.set(name, 'stopping');
  try {
    await endSupervisor(context, name, record, engine === undefined ? graceSeconds : undefined);
    // A foreground run deletes its workload when it ends (spec 02 §6.4).
    if ((await findRecord(context, name)) === undefined) return 'done';
    if (engine !== undefined && container !== undefined) {
      await within('failed to stop workload', () =>
        stopContainer(engine, container, { graceSeconds, signal }),
      );
    }
  } catch (error) {
    if (signal?.aborted) {
      // The engine goes on with what it was told, so `stopping` stays true; a list sees when it is over.
      await leaveClients(context, name, config);
      throw interruptedStop(name, error);
    }
    await context.statuses.set(name, 'error', toThvError(error).message);
    throw error;
  }
  await leaveClients(context, name, config);
  await context.statuses.set(name, 'stopped');
  return 'done';
}

function interruptedStop(workload: WorkloadName, cause: unknown): ThvError {
  return new ThvError(
    'ERR_CANCELLED',
    { reason: 'interrupted while it was ending' },
    { cause, hint: `'thv stop ${workload}' waits for it again` },
  );
}

export async function removeWorkload(
  context: Context,
  name: WorkloadName,
  { keepLogs, signal }: OperationOptions & { readonly keepLogs: boolean },
): Promise<'done' | 'not-found'> {
  const { logger, paths } = context;
  const engine = await engineOf(context, name, signal);
  const record = await findRecord(context, name);
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: deleted all the same
  const isKnown = record !== undefined || container !== undefined || (await isStored(context, name));
  await context.statuses.setIf(name, () => true, 'removing');
  await endSupervisor(context, name, record);
  if (engine !== undefined && container !== undefined) {
    await engine.containers.remove(container.Id, { force: true, signal });
    const deadline = performance.now() + REMOVAL_TIMEOUT_MS;
    while ((await engine.containers.find(container.Id, { signal })) !== undefined) {
      if (performance.now() > deadline) {
        throw new ThvError('ERR_TIMEOUT', {
          reason: `timed out waiting for container ${name} to be removed`,
        });
      }
      await Bun.sleep(100);
    }
  }
  if (engine !== undefined) await removeUnusedNetwork(engine, logger);
  const image = config?.image ?? '';
  if (engine !== undefined && image.startsWith('toolhivelocal/')) {
    await bestEffort(logger, 'failed to remove the image', async () => {
      const { removeStaleImage } = await import('../build/index.ts');
      await removeStaleImage(engine, image, { signal });
    });
  }
  await deleteProcessLeftovers(paths, { signal });
  // What a server made may refuse to go: the workload is removed all the same, and its user told what is left.
  const left = await Promise.allSettled([
    deleteProcessFolder(paths, name, { signal }),
    deleteOverlays(paths.state, name),
  ]);
  await bestEffort(logger, 'failed to delete session records', async () =>
    deleteSessionJournal(paths.state, name),
  );
  const profile = config?.permission_profile_name_or_path ?? '';
  if (isTemporaryProfile(profile, paths)) {
    await bestEffort(logger, 'failed to delete the temporary permission profile', () =>
      rm(profile, { force: true }),
    );
  }
  if (!keepLogs) {
    await bestEffort(logger, 'failed to delete log file', async () => {
      const path = workloadLogPath(context, name);
      for (const file of [path, `${path}.1`, `${path}.2`]) await rm(file, { force: true });
    });
  }
  await leaveClients(context, name, config);
  await bestEffort(logger, 'failed to delete run configuration', () => context.runConfigs.delete(name));
  if (config !== undefined) {
    await bestEffort(logger, 'failed to delete the secrets of the workload', () =>
      deleteCreatedSecrets(context, config, { signal }),
    );
  }
  await context.statuses.delete(name);
  for (const result of left) if (result.status === 'rejected') throw result.reason;
  return isKnown ? 'done' : 'not-found';
}

/** One that the reference has written for this workload alone (spec 02 §3.2), and no file of the user's. */
function isTemporaryProfile(path: string, { temporary }: Paths): boolean {
  return dirname(path) === temporary && /^toolhive-.*-permissions-.*\.json$/.test(basename(path));
}

/** A document, readable or not, is a workload even where nothing else is left of it. */
async function isStored({ runConfigs }: Context, name: WorkloadName): Promise<boolean> {
  return (await runConfigs.names()).includes(name);
}

/** An unreadable status file must not keep its workload from being started, stopped or removed. */
async function findRecord(context: Context, name: WorkloadName): Promise<StatusRecord | undefined> {
  try {
    return await context.statuses.find(name);
  } catch (error) {
    context.logger.warn('status file cannot be read', { workload: name, error: toThvError(error) });
    return undefined;
  }
}

/** Makes a stored workload ready to be served again and gives its document; `undefined` when it is being served already (spec 02 §7.3). */
async function makeStartable(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<RunConfig | undefined> {
  const config = await within(`failed to load state for ${name}`, () => context.runConfigs.get(name));
  const record = await findRecord(context, name);
  const supervisor = supervisorOf(name, record);
  const isOwn = supervisor.kind === 'dedicated' && supervisor.processId === process.pid;
  const engine = isContainer(config) ? await context.engine(signal) : undefined;
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  if (
    supervisor.kind !== 'none' &&
    !isOwn &&
    record?.status === 'running' &&
    (!isContainer(config) || (container !== undefined && isUp(container)))
  ) {
    return undefined;
  }
  if (!isOwn) await endSupervisor(context, name, record);
  if (!(await isPortAvailable(config.port))) {
    throw new ThvError(
      'ERR_PORT_UNAVAILABLE',
      { port: config.port },
      {
        hint: `another program uses the port of workload '${name}': end it, or run the workload anew with another --proxy-port`,
      },
    );
  }
  if (engine !== undefined && container === undefined) {
    await ensureImage(context, engine, config, { signal, progress: loggedProgress(context.logger) });
  }
  if (isProcess(config)) {
    await ensureProcess(context, config, { signal, progress: loggedProgress(context.logger) });
  }
  await context.statuses.set(name, 'starting');
  return config;
}

/** A start shows no progress of its own: what takes long is told to the log. */
function loggedProgress(logger: Logger): Progress {
  return {
    line: (text) => logger.info(text),
    update: () => undefined,
    output: (text) => logger.debug(text),
    revealOutput: () => undefined,
  };
}

export async function startWorkload(
  context: Context,
  rawName: string,
  { signal }: OperationOptions = {},
): Promise<'done' | 'already'> {
  const name = parseWorkloadName(rawName);
  return await within(`failed to restart workload ${name}`, async () => {
    const config = await makeStartable(context, name, signal);
    if (config === undefined) return 'already';
    try {
      await checkSecrets(context, config, { signal });
      await spawnSupervisor(context, name, config.debug ?? false);
    } catch (error) {
      await context.statuses.set(name, 'error', toThvError(error).message);
      throw error;
    }
    return 'done';
  });
}

/** Serves a stored workload in this process until `signal` aborts; then its container is stopped (spec 02 §6.3). */
export async function startWorkloadForeground(
  context: Context,
  rawName: string,
  { signal, onReady }: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  const name = parseWorkloadName(rawName);
  await within(`failed to restart workload ${name}`, async () => {
    if ((await makeStartable(context, name, signal)) === undefined) return;
    await serveUntilStopped(context, name, { signal, onReady });
  });
}

/** Serves in this process, and stops the container afterwards. */
export async function serveUntilStopped(
  context: Context,
  name: WorkloadName,
  options: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  await serveHere(context, name, options);
  await stopAfterServing(context, name);
}

/** What the status of a workload may be while it is served. */
const SERVED: ReadonlySet<string> = new Set(['running', 'starting', 'unauthenticated', 'unhealthy']);

/** A stop or a removal that ended us does the rest itself; otherwise the container is ours to stop. */
async function stopAfterServing(context: Context, name: WorkloadName): Promise<void> {
  const isOurs = await context.statuses.setIf(name, ({ status }) => SERVED.has(status), 'stopping');
  if (!isOurs) return;
  const engine = await engineOf(context, name);
  const container = engine === undefined ? undefined : await findContainer(engine, name);
  if (engine !== undefined && container !== undefined)
    await stopContainer(engine, container, { graceSeconds: DEFAULT_GRACE_SECONDS });
  await leaveClients(context, name, await context.runConfigs.find(name).catch(() => undefined));
  await context.statuses.setIf(name, ({ status }) => status === 'stopping', 'stopped');
}
