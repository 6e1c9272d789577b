import { type Engine, openEngine } from '../engine/index.ts';
import { within } from '../errors/index.ts';
import { ensureDefaultGroup } from '../groups/index.ts';
import {
  claimWorkload,
  clearProcessFolder,
  deleteProcessFolder,
  deleteSessionJournal,
  removeUnusedNetwork,
  startWorkloadRun,
  urlOf,
} from '../host/index.ts';
import { aborted } from '../platform/index.ts';
import { createStatusRecorder, type RunConfig, type WorkloadName } from '../records/index.ts';
import { deleteOverlays } from '../sandbox/index.ts';
import { createUsageReporter } from '../usage/index.ts';
import { leaveClients } from './client-entries.ts';
import { bestEffort, type Context } from './context.ts';
import { prepareRun } from './prepare-run.ts';
import { removeContainers } from './remove-containers.ts';
import type { RunRequest } from './run-request.ts';
import { endSupervisor, spawnSupervisor } from './supervisor.ts';
import type { ImportRequest, OperationOptions, RunInteraction, RunOutcome, RunResult } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** Detached: the supervisor takes over, and this returns without waiting for readiness (spec 01 §4.7). */
export async function runWorkload(
  outer: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<RunResult> {
  const { context, engine, name, config, reservation } = await prepareRun(outer, request, options);
  using _ = reservation;
  using __ = await context.exclusively(name, options.signal);
  try {
    await save(context, name, config);
    options.signal?.throwIfAborted();
    await within('failed to start detached process', () =>
      spawnSupervisor(context, name, config.debug ?? false),
    );
  } catch (error) {
    await discard(context, engine, name);
    throw error;
  }
  return { name, url: urlOf(config), port: config.port };
}

/**
 * In this process until `signal` aborts or it fails for good. Then the workload is deleted, unless it came from a file
 * (spec 02 §6.4): that one is stopped.
 */
export async function runWorkloadForeground(
  outer: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions & { readonly onReady: (outcome: RunOutcome) => void },
): Promise<void> {
  const { context, engine, name, config, reservation } = await prepareRun(outer, request, options);
  using _ = reservation;
  const serving = {
    signal: options.signal,
    onReady: (url: string) => options.onReady({ name, url }),
  };
  if ('configFile' in request) {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    const { serveUntilStopped } = await import('./lifecycle.ts');
    await serveUntilStopped(context, name, serving);
    return;
  }
  try {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    await serveHere(context, name, serving);
  } finally {
    await discard(context, engine, name);
  }
}

/** Serves a stored workload in this process. Throws what made it fail for good. */
export async function serveHere(
  context: Context,
  name: WorkloadName,
  { signal, onReady }: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  using _ = await claimWorkload(context.paths.state, name);
  await using usage = createUsageReporter(context);
  await bestEffort(context.logger, 'failed to forget an earlier stop', () => context.desired.remove(name));
  await using recorder = createStatusRecorder(context.statuses, context.logger);
  const run = startWorkloadRun(
    name,
    {
      runConfigs: context.runConfigs,
      statuses: context.statuses,
      recorder,
      paths: context.paths,
      openEngine: (env, engineSignal) =>
        openEngine({ env: { ...context.env, ...env }, signal: engineSignal }),
      usage,
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

async function save(context: Context, name: WorkloadName, config: RunConfig): Promise<void> {
  await ensureDefaultGroup(context.paths.state);
  await clearProcessFolder(context.paths, name, context.logger);
  await within('failed to save run configuration', () => context.runConfigs.save(name, config));
  await context.statuses.set(name, 'starting');
}

/** Removes everything a run made: container, network, document, status. Each step is taken whatever became of the others. */
async function discard(context: Context, engine: Engine | undefined, name: WorkloadName): Promise<void> {
  const { logger, paths } = context;
  const attempt = (what: string, step: () => unknown) => bestEffort(logger, what, async () => step());
  // A host may have taken it, though its answer was lost.
  await attempt('failed to end what serves the workload', async () =>
    endSupervisor(context, name, await context.statuses.find(name).catch(() => undefined)),
  );
  await attempt('failed to forget that the workload is meant to run', () => context.desired.remove(name));
  if (engine !== undefined) {
    await attempt('failed to remove container', () => removeContainers(context, engine, name));
    await removeUnusedNetwork(engine, logger);
  }
  await attempt('failed to delete the folder of the process', () => deleteProcessFolder(paths, name));
  await attempt('failed to delete session records', () => deleteSessionJournal(paths.state, name));
  await attempt('failed to delete what lies over hidden paths', () => deleteOverlays(paths.state, name));
  await attempt('failed to delete the note of its engine', () => context.engineNotes.delete(name));
  await leaveClients(context, name, await context.runConfigs.find(name).catch(() => undefined));
  await attempt('failed to delete run configuration', () => context.runConfigs.delete(name));
  await attempt('failed to delete status', () => context.statuses.delete(name));
}
