import type { ContainerSummary, Engine } from '../engine/index.ts';
import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import { findContainer, readConfinement } from '../host/index.ts';
import { startDeadline } from '../platform/index.ts';
import {
  isContainer,
  isProcess,
  LABEL,
  parseWorkloadName,
  type RunConfig,
  type StatusListing,
  type StatusRecord,
  type WorkloadName,
} from '../records/index.ts';
import type { Context } from './context.ts';
import { reconcile } from './reconcile.ts';
import type { OperationOptions, Workload } from './types.ts';
import { type Evidence, seenFromDetails, seenFromSummary, viewOf } from './view.ts';

const ENGINE_PATIENCE_MS = 15_000;

interface ListQuery {
  readonly all: boolean;
  readonly labels?: readonly (readonly [key: string, value: string])[];
  readonly group?: string | undefined;
}

/** All workloads, reconciled with the engine (spec 02 §4.6). Throws `ERR_ENGINE_UNAVAILABLE` when a container is concerned. */
export async function listWorkloads(
  context: Context,
  query: ListQuery,
  { signal }: OperationOptions = {},
): Promise<readonly Workload[]> {
  const wanted = query.labels ?? [];
  const opening = context.engine(signal);
  opening.catch(() => undefined); // told where it is awaited
  // Files and host before containers: a workload that starts in between must not look as if its container were missing.
  const asking = context.askHost();
  const { records, unreadable } = await listRecords(context);
  const host = await asking;
  const served = host.type === 'answers' ? [...host.workloads.keys()].map(parseWorkloadName) : [];
  const filed = new Set([...records.keys(), ...unreadable.keys(), ...served]);
  const configs = new Map<WorkloadName, RunConfig | undefined>();
  for (const name of filed) configs.set(name, await findConfig(context, name));
  const engine = await engineUnlessUseless(opening, context, [...configs.values()]);
  const containers = engine === undefined ? new Map() : await containersByName(context, engine, signal);
  const names = [...new Set([...filed, ...containers.keys()])];
  const workloads = await Promise.all(
    names.map(async (name): Promise<Workload> => {
      const summary = containers.get(name);
      const evidence: Evidence = {
        record: records.get(name),
        unreadable: unreadable.get(name),
        config: configs.has(name) ? configs.get(name) : await findConfig(context, name),
        container: summary === undefined ? undefined : seenFromSummary(summary),
        confinement: confinementOf(context, name, configs.get(name), records.get(name)),
        host,
      };
      return viewOf(name, evidence, await reconcile(context, name, evidence, engine));
    }),
  );
  return workloads
    .filter(
      ({ status, labels, group }) =>
        (query.all || status === 'running' || status === 'auth_retrying') &&
        wanted.every(([key, value]) => labels[key] === value) &&
        (query.group === undefined || group === query.group),
    )
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Where the folder itself cannot be read, each stored workload has a status that cannot. */
async function listRecords({ statuses, runConfigs, logger }: Context): Promise<StatusListing> {
  try {
    return await statuses.list();
  } catch (error) {
    const problem = toThvError(error);
    logger.warn('status files cannot be read', { error: problem });
    const names = (await runConfigs.names()).map((name) => parseWorkloadName(name));
    return { records: new Map(), unreadable: new Map(names.map((name) => [name, problem])) };
  }
}

function confinementOf(
  { paths }: Context,
  name: WorkloadName,
  config: RunConfig | undefined,
  record: StatusRecord | undefined,
): Evidence['confinement'] {
  if (config === undefined || !isProcess(config)) return undefined;
  const known = readConfinement(paths, name);
  const isUp = record?.status === 'running' || record?.status === 'unhealthy';
  // Nothing holds what does not run; what ran it is of interest most of all when it has died.
  return isUp || known === undefined ? known : { ...known, limits: {}, weaknesses: [] };
}

/**
 * The engine, if it answers. Where it does not, that is only told when it could have known of something: when a workload is, or may
 * be, a container, or when an engine was asked for by name.
 */
async function engineUnlessUseless(
  opening: Promise<Engine>,
  { env, usualRuntime }: Context,
  configs: readonly (RunConfig | undefined)[],
): Promise<Engine | undefined> {
  try {
    return await opening;
  } catch (error) {
    const needsNone = configs.every((config) => config !== undefined && !isContainer(config));
    const isNamed = NAMES_AN_ENGINE.some((variable) => (env[variable] ?? '') !== '');
    const isUseless = needsNone && (configs.length > 0 || !isNamed || usualRuntime === 'process');
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

/** One workload by name, with the same answer as the list (spec 02 §15-6). Throws `ERR_WORKLOAD_NOT_FOUND`, `ERR_STATUS_FILE_INVALID`. */
export async function getWorkload(
  context: Context,
  rawName: string,
  { signal }: OperationOptions = {},
): Promise<Workload> {
  const name = parseWorkloadName(rawName);
  const asking = context.askHost();
  const record = await context.statuses.find(name);
  const config = await findConfig(context, name);
  const needsEngine = config === undefined || isContainer(config);
  const engine = needsEngine ? await context.engine(signal) : undefined;
  const details =
    engine === undefined
      ? undefined
      : await patiently(engine, signal, (limited) => findContainer(engine, name, limited));
  const host = await asking;
  const isServed = host.type === 'answers' && host.workloads.has(name);
  if (record === undefined && details === undefined && !isServed) {
    throw new ThvError(
      'ERR_WORKLOAD_NOT_FOUND',
      { workload: name },
      { hint: "use 'thv list --all' to see all workloads" },
    );
  }
  const container = details === undefined ? undefined : seenFromDetails(details);
  const confinement = confinementOf(context, name, config, record);
  const evidence = { record, unreadable: undefined, config, container, confinement, host };
  return viewOf(name, evidence, await reconcile(context, name, evidence, engine));
}

/** A question to an engine for which a person waits. Throws `ERR_ENGINE_UNAVAILABLE` for one that accepts it and goes silent. */
async function patiently<Answer>(
  { kind, address }: Engine,
  signal: AbortSignal | undefined,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  using deadline = startDeadline({ signal, timeoutMs: ENGINE_PATIENCE_MS });
  try {
    return await ask(deadline.signal);
  } catch (error) {
    if (!deadline.expired) throw error;
    const reason = `${kind} at ${address} did not answer within ${ENGINE_PATIENCE_MS / 1000} seconds`;
    throw new ThvError('ERR_ENGINE_UNAVAILABLE', { reason }, { cause: error });
  }
}

async function containersByName(
  context: Context,
  engine: Engine,
  signal?: AbortSignal,
): Promise<ReadonlyMap<WorkloadName, ContainerSummary>> {
  const labels = [`${LABEL.managed}=true`];
  const found = await patiently(engine, signal, (limited) =>
    engine.containers.list({ all: true, labels }, { signal: limited }),
  );
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
