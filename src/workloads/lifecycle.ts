import { rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Engine } from '../engine/index.ts';
import { hasCode, messageOf, ThvError, toThvError, within } from '../errors/index.ts';
import {
  deleteClaim,
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
  type WorkloadStatus,
} from '../records/index.ts';
import { deleteOverlays } from '../sandbox/index.ts';
import { createActRecord } from './act-record.ts';
import { checkSecrets } from './check-secrets.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { deleteCreatedSecrets } from './created-secrets.ts';
import { locateContainer } from './locate-container.ts';
import { resolveAnew } from './obtain-image.ts';
import { removeContainers } from './remove-containers.ts';
import { serveHere } from './run.ts';
import { ensureProcess } from './runtime.ts';
import { endStdio, stopPresent } from './stop-container.ts';
import {
  endSupervisor,
  findDedicated,
  type Supervisor,
  spawnSupervisor,
  supervisorOf,
  workloadLogPath,
} from './supervisor.ts';
import type { OperationOptions, Outcome, Progress } from './types.ts';
import { untilDeployed } from './unfinished-deploy.ts';

const DEFAULT_GRACE_SECONDS = 30;
/** For a stdio server that is removed next. */
const REMOVAL_GRACE_SECONDS = 5;

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
  const [host, { engine, container }] = await Promise.all([
    context.askHost(),
    locateContainer(context, name, signal),
  ]);
  const record = await findRecord(context, name);
  if (record === undefined && container === undefined && !(await isStored(context, name))) {
    // All that is known of it may be lost, and somebody serves it still.
    const grace = { processGraceSeconds: graceSeconds, signal };
    return (await endSupervisor(context, name, record, grace)) ? 'done' : 'not-found';
  }
  const isSupervised =
    supervisorOf(name, record, host).kind !== 'none' || findDedicated(context, name, record) !== undefined;
  if (
    record?.status === 'stopped' &&
    !isSupervised &&
    (container === undefined || !container.State.Running)
  ) {
    return 'already';
  }
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: only what we know we wrote
  const act = createActRecord(context, name);
  await act.step('stopping');
  try {
    const wasServed = await endSupervisor(context, name, record, {
      processGraceSeconds: engine === undefined ? graceSeconds : undefined,
      signal,
    });
    const released = wasServed ? container : undefined;
    // A foreground run deletes its workload when it ends (spec 02 §6.4).
    if (await isGone(context, name)) return 'done';
    if (engine !== undefined) {
      await untilDeployed(context, engine, name, { wanted: 'up', signal });
      await within('failed to stop workload', () =>
        stopPresent(engine, name, { graceSeconds, released, signal }),
      );
    }
  } catch (error) {
    if (signal?.aborted) {
      // The engine goes on with what it was told, so `stopping` stays true; a list sees when it is over.
      await leaveClients(context, name, config);
      throw interruptedStop(name, error);
    }
    await act.step('error', toThvError(error).message);
    throw error;
  }
  await leaveClients(context, name, config);
  await act.outcome('stopped', 'stopped');
  return 'done';
}

/** Stops what is started again at once: whether the stop was recorded does not matter then. */
export async function stopBeforeStart(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await stopWorkload(context, name, { graceSeconds: DEFAULT_GRACE_SECONDS, signal });
  } catch (error) {
    if (!hasCode(error, 'ERR_NOT_RECORDED')) throw error;
  }
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
  const { logger, paths, statuses, runConfigs } = context;
  const { engine, container } = await locateContainer(context, name, signal);
  const record = await findRecord(context, name);
  const config = await runConfigs.find(name).catch(() => undefined); // unreadable: deleted all the same
  const isKnown = record !== undefined || container !== undefined || (await isStored(context, name));
  await bestEffort(logger, 'failed to record that the workload is being removed', () =>
    statuses.setIf(name, () => true, 'removing'),
  );
  const wasServed = await endSupervisor(context, name, record, { signal });
  if (engine !== undefined && container !== undefined && wasServed) {
    await bestEffort(logger, 'failed to stop the server before its removal', () =>
      endStdio(engine, container, { graceSeconds: REMOVAL_GRACE_SECONDS, signal }),
    );
  }
  if (engine !== undefined) await removeContainers(context, engine, name, signal);
  if (engine !== undefined) await removeUnusedNetwork(engine, logger);
  const image = config?.image ?? '';
  if (engine !== undefined && image.startsWith('toolhivelocal/')) {
    await bestEffort(logger, 'failed to remove the image', async () => {
      const { removeStaleImage } = await import('../build/index.ts');
      await removeStaleImage(engine, image, { signal });
    });
  }
  await deleteProcessLeftovers(paths, { signal });
  await leaveClients(context, name, config);
  const left = await deleteFiles(context, name, config, { keepLogs, signal });
  // After its document, which would count as one of their users.
  if (config !== undefined) {
    await bestEffort(logger, 'failed to delete the secrets of the workload', () =>
      deleteCreatedSecrets(context, config, { signal }),
    );
  }
  if (left.length > 0) throw new ThvError('ERR_LEFT_BEHIND', { workload: name, left });
  return isKnown || wasServed ? 'done' : 'not-found';
}

/** All files of a workload, the status file last; one that cannot be deleted keeps none of the others. Gives what is left, and why. */
async function deleteFiles(
  context: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
  { keepLogs, signal }: { readonly keepLogs: boolean; readonly signal: AbortSignal | undefined },
): Promise<readonly string[]> {
  const { paths, runConfigs, desired, engineNotes } = context;
  const left: string[] = [];
  const attempt = async (what: string, step: () => unknown) => {
    try {
      await step();
    } catch (error) {
      left.push(`${what} (${messageOf(error)})`);
    }
  };
  await attempt('the folder of the process', () => deleteProcessFolder(paths, name, { signal }));
  await attempt('what lies over hidden paths', () => deleteOverlays(paths.state, name));
  await attempt('session records', () => deleteSessionJournal(paths.state, name));
  const profile = config?.permission_profile_name_or_path ?? '';
  if (isTemporaryProfile(profile, paths))
    await attempt('the temporary permission profile', () => rm(profile, { force: true }));
  const log = workloadLogPath(context, name);
  for (const file of keepLogs ? [] : [log, `${log}.1`, `${log}.2`])
    await attempt('a log file', () => rm(file, { force: true }));
  await attempt('the claim of its supervisor', () => deleteClaim(paths.state, name));
  await attempt('the note of its engine', () => engineNotes.delete(name));
  await attempt('the note that it was told to end', () => desired.remove(name));
  await attempt('its run configuration', () => runConfigs.delete(name));
  const status = await createActRecord(context, name).removal();
  if (status !== undefined) left.push(`its status file (${status})`);
  return left;
}

/** One that the reference has written for this workload alone (spec 02 §3.2), and no file of the user's. */
function isTemporaryProfile(path: string, { temporary }: Paths): boolean {
  return dirname(path) === temporary && /^toolhive-.*-permissions-.*\.json$/.test(basename(path));
}

/** A document, readable or not, is a workload even where nothing else is left of it. */
async function isStored({ runConfigs }: Context, name: WorkloadName): Promise<boolean> {
  return (await runConfigs.names()).includes(name);
}

/** Neither document nor status file is there any more. */
async function isGone(context: Context, name: WorkloadName): Promise<boolean> {
  try {
    return (await context.statuses.find(name)) === undefined && !(await isStored(context, name));
  } catch {
    return false; // what cannot be read is there
  }
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
  const asking = context.askHost();
  const record = await findRecord(context, name);
  const engine = isContainer(config) ? await context.engine(signal) : undefined;
  const container = engine === undefined ? undefined : await findContainer(engine, name, signal);
  const host = await asking;
  const supervisor = supervisorOf(name, record, host);
  const isOwn = supervisor.kind === 'dedicated' && supervisor.processId === process.pid;
  if (
    supervisor.kind !== 'none' &&
    !isOwn &&
    statusOf(supervisor, record) === 'running' &&
    (!isContainer(config) || (container !== undefined && isUp(container)))
  ) {
    return undefined;
  }
  if (!isOwn) await endSupervisor(context, name, record, { signal });
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
    await resolveAnew(context, engine, name, config, { signal, progress: loggedProgress(context.logger) });
  }
  if (isProcess(config)) {
    await ensureProcess(context, config, { signal, progress: loggedProgress(context.logger) });
  }
  await createActRecord(context, name).step('starting');
  return config;
}

/** The host's word about what it serves, else the file's. */
function statusOf(supervisor: Supervisor, record: StatusRecord | undefined): WorkloadStatus | undefined {
  const observed = supervisor.kind === 'host' ? supervisor.observed : undefined;
  return observed?.status ?? record?.status;
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
      await createActRecord(context, name).step('error', toThvError(error).message);
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

/**
 * A stop or a removal that ended us does the rest itself; otherwise the container is ours to stop. The status stays as it is: one
 * that was ended by a signal and by no stop is unhealthy to whoever looks next (spec 02 §6.3-11).
 */
async function stopAfterServing(context: Context, name: WorkloadName): Promise<void> {
  // A file that cannot be read says nothing, and nobody serves the container any more.
  const record = await context.statuses.find(name).catch(() => undefined);
  const isGoneOrEnding = record === undefined ? await isGone(context, name) : !SERVED.has(record.status);
  if (isGoneOrEnding) return;
  const { engine } = await locateContainer(context, name);
  if (engine !== undefined) await stopPresent(engine, name, { graceSeconds: DEFAULT_GRACE_SECONDS });
  await leaveClients(context, name, await context.runConfigs.find(name).catch(() => undefined));
}
