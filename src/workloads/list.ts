import type { ContainerSummary, Engine } from '../engine/index.ts';
import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import { findContainer, readConfinement } from '../host/index.ts';
import {
  createLabelFilter,
  isContainer,
  isProcess,
  LABEL,
  parseWorkloadName,
  type RunConfig,
  type StatusRecord,
  type WorkloadName,
  type WorkloadStatus,
} from '../records/index.ts';
import type { Context } from './context.ts';
import { supervisorOf } from './supervisor.ts';
import { isChanging } from './turns.ts';
import type { OperationOptions, Workload } from './types.ts';
import { type Evidence, seenFromDetails, seenFromSummary, statusFromEngine, viewOf } from './view.ts';

interface ListQuery {
  readonly all: boolean;
  readonly labels?: readonly string[];
  readonly group?: string | undefined;
}

/** All workloads, reconciled with the engine (spec 02 §4.6). Throws `ERR_ENGINE_UNAVAILABLE` when a container is concerned. */
export async function listWorkloads(
  context: Context,
  query: ListQuery,
  { signal }: OperationOptions = {},
): Promise<readonly Workload[]> {
  const matches = createLabelFilter(query.labels ?? []);
  const opening = context.engine(signal);
  opening.catch(() => undefined); // told where it is awaited
  // Files before containers: a workload that starts in between must not look as if its container were missing.
  const records = await context.statuses.list();
  const configs = new Map<WorkloadName, RunConfig | undefined>();
  for (const name of records.keys()) configs.set(name, await findConfig(context, name));
  const engine = await engineUnlessUseless(opening, context, [...configs.values()]);
  const containers = engine === undefined ? new Map() : await containersByName(context, engine, signal);
  const names = new Set([...records.keys(), ...containers.keys()]);
  const workloads: Workload[] = [];
  for (const name of names) {
    const summary = containers.get(name);
    const evidence: Evidence = {
      record: records.get(name),
      config: configs.has(name) ? configs.get(name) : await findConfig(context, name),
      container: summary === undefined ? undefined : seenFromSummary(summary),
      confinement: confinementOf(context, name, configs.get(name), records.get(name)),
    };
    const workload = viewOf(name, evidence, await reconcile(context, name, evidence));
    const isShown = query.all || workload.status === 'running' || workload.status === 'auth_retrying';
    if (
      isShown &&
      matches(workload.labels) &&
      (query.group === undefined || workload.group === query.group)
    ) {
      workloads.push(workload);
    }
  }
  return workloads.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function confinementOf(
  { paths }: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
  record: StatusRecord | undefined,
): Evidence['confinement'] {
  const isUp = record?.status === 'running' || record?.status === 'unhealthy';
  return isUp && config !== undefined && isProcess(config) ? readConfinement(paths, name) : undefined;
}

/**
 * The engine, if it answers. Where it does not, that is only told when it could have known of something: when a workload is, or may
 * be, a container, or when an engine was asked for by name.
 */
async function engineUnlessUseless(
  opening: Promise<Engine>,
  { env }: Context,
  configs: readonly (RunConfig | undefined)[],
): Promise<Engine | undefined> {
  try {
    return await opening;
  } catch (error) {
    const needsNone = configs.every((config) => config !== undefined && !isContainer(config));
    const isNamed = NAMES_AN_ENGINE.some((variable) => (env[variable] ?? '') !== '');
    const isUseless = needsNone && (configs.length > 0 || !isNamed || env['TOOLHIVE_RUNTIME'] === 'process');
    if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE') || !isUseless) throw error;
    return undefined;
  }
}

const NAMES_AN_ENGINE = [
  'TOOLHIVE_DOCKER_SOCKET',
  'TOOLHIVE_PODMAN_SOCKET',
  'TOOLHIVE_COLIMA_SOCKET',
  'DOCKER_HOST',
  'TOOLHIVE_RUNTIME',
];

/** One workload by name, with the same answer as the list (spec 02 §15-6). Throws `ERR_WORKLOAD_NOT_FOUND`. */
export async function getWorkload(
  context: Context,
  rawName: string,
  { signal }: OperationOptions = {},
): Promise<Workload> {
  const name = parseWorkloadName(rawName);
  const record = await context.statuses.find(name);
  const config = await findConfig(context, name);
  const needsEngine = config === undefined || isContainer(config);
  const details = needsEngine ? await findContainer(await context.engine(signal), name, signal) : undefined;
  if (record === undefined && details === undefined) {
    throw new ThvError(
      'ERR_WORKLOAD_NOT_FOUND',
      { workload: name },
      { hint: "use 'thv list --all' to see all workloads" },
    );
  }
  const evidence = {
    record,
    config,
    container: details === undefined ? undefined : seenFromDetails(details),
    confinement: confinementOf(context, name, config, record),
  };
  return viewOf(name, evidence, await reconcile(context, name, evidence));
}

/**
 * The status that is true now. A file that calls a workload running while its container or its supervisor is gone, or stopping
 * when it has stopped, is corrected under the lock, and only if it still says so (spec 02 §4.4, §15-24).
 */
async function reconcile(
  context: Context,
  name: WorkloadName,
  { record, config, container }: Evidence,
): Promise<{ status: WorkloadStatus; context: string | undefined }> {
  if (record === undefined) return { status: statusFromEngine(container?.state ?? ''), context: undefined };
  const asFiled = { status: record.status, context: record.status_context };
  if (record.status === 'stopping' && hasStopped(context, name, record, config, container)) {
    await context.statuses.setIf(name, (now) => now.updated_at === record.updated_at, 'stopped');
    return { status: 'stopped', context: undefined };
  }
  const problem = problemOf(name, record, config, container);
  if (problem === undefined) return asFiled;
  await context.statuses.setIf(name, (now) => now.updated_at === record.updated_at, 'unhealthy', problem);
  return { status: 'unhealthy', context: problem };
}

/** What a stop has left behind that was interrupted before its end. */
function hasStopped(
  { paths }: Context,
  name: WorkloadName,
  record: StatusRecord,
  config: RunConfig | undefined,
  container: Evidence['container'],
): boolean {
  if (supervisorOf(name, record).kind !== 'none') return false;
  const isLocal = config === undefined || isContainer(config);
  const isDown = !isLocal || (container !== undefined && statusFromEngine(container.state) === 'stopped');
  return isDown && !isChanging(paths, name);
}

function problemOf(
  name: WorkloadName,
  record: StatusRecord,
  config: RunConfig | undefined,
  container: Evidence['container'],
): string | undefined {
  // A process lives and dies with the one who looks after it, and so does the proxy of a remote server.
  const isLocal = config === undefined || isContainer(config);
  if (isLocal && container === undefined && (record.status === 'running' || record.status === 'stopped')) {
    return `workload ${name} not found in runtime, marking as unhealthy`;
  }
  if (record.status !== 'running') return undefined;
  if (isLocal && container?.state !== 'running') {
    return `workload status mismatch: file indicates running, but runtime shows ${statusFromEngine(container?.state ?? '')}`;
  }
  if (supervisorOf(name, record).kind !== 'none') return undefined;
  return `proxy process not running: workload shows running but proxy process for ${name} is not active`;
}

async function containersByName(
  context: Context,
  engine: Engine,
  signal?: AbortSignal,
): Promise<ReadonlyMap<WorkloadName, ContainerSummary>> {
  const found = await engine.containers.list({ all: true, labels: [`${LABEL.managed}=true`] }, { signal });
  const byName = new Map<WorkloadName, ContainerSummary>();
  for (const container of found) {
    if (container.Labels[LABEL.auxiliaryWorkload] === 'true') continue;
    const raw = container.Labels[LABEL.baseName] || (container.Names[0] ?? '').replace(/^\//, '');
    try {
      const name = parseWorkloadName(raw);
      if (!byName.has(name) || container.State === 'running') byName.set(name, container);
    } catch {
      context.logger.warn('skipping container with an unusable workload name', { container: raw });
    }
  }
  return byName;
}

/** A document that cannot be read costs the details, not the list. */
async function findConfig(context: Context, name: WorkloadName): Promise<RunConfig | undefined> {
  try {
    return await context.runConfigs.find(name);
  } catch (error) {
    context.logger.warn('skipping unreadable run config', { workload: name, error: toThvError(error) });
    return undefined;
  }
}
