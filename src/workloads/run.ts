import { within } from '../errors/index.ts';
import { ensureDefaultGroup } from '../groups/index.ts';
import { urlOf } from '../host/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { clearOverlays } from '../sandbox/index.ts';
import { keepClientSecrets } from './client-secret.ts';
import type { Context } from './context.ts';
import { prepareRun } from './prepare-run.ts';
import { discardWorkload } from './remove.ts';
import type { RunRequest } from './run-request.ts';
import { serveHere, serveUntilStopped } from './serve-here.ts';
import { handToSupervisor } from './supervisor.ts';
import type { ImportRequest, OperationOptions, RunInteraction, RunOutcome, RunResult } from './types.ts';

type RunOptions = OperationOptions & RunInteraction;

/** Detached: the supervisor takes over, and this returns without waiting for readiness (spec 01 §4.7). */
export async function runWorkload(
  outer: Context,
  request: RunRequest | ImportRequest,
  options: RunOptions,
): Promise<RunResult> {
  const { context, name, config, reservation } = await prepareRun(outer, request, options);
  using _ = reservation;
  using __ = await context.exclusively(name, options.signal);
  try {
    await save(context, name, config);
    options.signal?.throwIfAborted();
    await within('failed to start detached process', () =>
      handToSupervisor(context, name, config.debug ?? false),
    );
  } catch (error) {
    await discardWorkload(context, name, config);
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
  const { context, name, config, reservation } = await prepareRun(outer, request, options);
  using _ = reservation;
  const serving = {
    signal: options.signal,
    onReady: (url: string) => options.onReady({ name, url }),
  };
  if ('configFile' in request) {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    await serveUntilStopped(context, name, serving);
    return;
  }
  try {
    await save(context, name, config);
    reservation[Symbol.dispose]();
    await serveHere(context, name, serving);
  } finally {
    await discardWorkload(context, name, config);
  }
}

async function save(context: Context, name: WorkloadName, config: RunConfig): Promise<void> {
  await ensureDefaultGroup(context.paths.state);
  for (const runtime of context.runtimes.all) await runtime.makeRoom(name);
  await clearOverlays(context.paths.state, name);
  const kept = await keepClientSecrets(context, name, config);
  await within('failed to save run configuration', () => context.runConfigs.save(name, kept));
  await context.statuses.set(name, 'starting');
}
