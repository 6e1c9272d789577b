import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import {
  createLabelFilter,
  parseWorkloadName,
  type RunConfig,
  type StatusListing,
  type WorkloadName,
} from '../records/index.ts';
import type { Runtime, Sighting } from '../runtimes/index.ts';
import type { Context } from './context.ts';
import { reconcile } from './reconcile.ts';
import type { OperationOptions, Workload } from './types.ts';
import { type Evidence, viewOf } from './view.ts';

/** A person waits for the answer. */
const PATIENCE_MS = 15_000;

interface ListQuery {
  readonly all: boolean;
  readonly labels?: readonly string[];
  readonly group?: string | undefined;
}

/** All workloads, reconciled with what their runtimes find (spec 02 §4.6). Throws `ERR_ENGINE_UNAVAILABLE` when a container is concerned. */
export async function listWorkloads(
  context: Context,
  query: ListQuery,
  { signal }: OperationOptions = {},
): Promise<readonly Workload[]> {
  const matches = createLabelFilter(query.labels ?? []);
  const { runtimes } = context;
  const openings = runtimes.all.map((runtime) => {
    const opening = runtime.open({ signal });
    opening.catch(() => undefined); // told where it is awaited
    return { runtime, opening };
  });
  // Files and host before containers: a workload that starts in between must not look as if its container were missing.
  const asking = context.askHost();
  const { records, unreadable } = await listRecords(context);
  const host = await asking;
  const served = host.type === 'answers' ? [...host.workloads.keys()].map(parseWorkloadName) : [];
  const filed = new Set([...records.keys(), ...unreadable.keys(), ...served]);
  const configs = new Map<WorkloadName, RunConfig | undefined>();
  for (const name of filed) configs.set(name, await findConfig(context, name));
  const sightings = new Map<WorkloadName, Sighting>();
  for (const { runtime, opening } of openings) {
    const isConcerned = [...configs.values()].some((config) => runtimes.of(config) === runtime);
    const canList = await opens(runtime, opening, { isConcerned, hasWorkloads: configs.size > 0 });
    if (!canList) continue;
    for (const [name, seen] of await runtime.list({ signal, patienceMs: PATIENCE_MS }))
      sightings.set(name, seen);
  }
  const names = [...new Set([...filed, ...sightings.keys()])];
  const workloads = await Promise.all(
    names.map(async (name): Promise<Workload> => {
      const config = configs.has(name) ? configs.get(name) : await findConfig(context, name);
      const evidence: Evidence = {
        record: records.get(name),
        unreadable: unreadable.get(name),
        config,
        runtime: runtimes.of(config),
        seen: sightings.get(name),
        host,
      };
      return viewOf(name, evidence, await reconcile(context, name, evidence));
    }),
  );
  return workloads
    .filter(
      ({ status, labels, group }) =>
        (query.all || status === 'running' || status === 'auth_retrying') &&
        matches(labels) &&
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

/**
 * Whether a runtime can be asked. Where it cannot, that is an error only when it could have known of something: when a workload is, or
 * may be, of its kind, or when it was named and there are no workloads that tell otherwise.
 */
async function opens(
  runtime: Runtime,
  opening: Promise<void>,
  { isConcerned, hasWorkloads }: { readonly isConcerned: boolean; readonly hasWorkloads: boolean },
): Promise<boolean> {
  try {
    await opening;
    return true;
  } catch (error) {
    const isUseless = !isConcerned && (hasWorkloads || !runtime.isNamed);
    if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE') || !isUseless) throw error;
    return false;
  }
}

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
  const runtime = context.runtimes.of(config);
  const seen = await runtime.find(name, { signal, patienceMs: PATIENCE_MS });
  const host = await asking;
  const isServed = host.type === 'answers' && host.workloads.has(name);
  if (record === undefined && seen === undefined && !isServed) {
    throw new ThvError(
      'ERR_WORKLOAD_NOT_FOUND',
      { workload: name },
      { hint: "use 'thv list --all' to see all workloads" },
    );
  }
  const evidence = { record, unreadable: undefined, config, runtime, seen, host };
  return viewOf(name, evidence, await reconcile(context, name, evidence));
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
