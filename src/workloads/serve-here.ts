import { claimWorkload, startWorkloadRun } from '../host/index.ts';
import { aborted } from '../platform/index.ts';
import { createStatusRecorder, type WorkloadName } from '../records/index.ts';
import { createUsageReporter } from '../usage/index.ts';
import { bestEffort, type Context } from './context.ts';
import { stopAfterServing } from './stop.ts';
import type { OperationOptions } from './types.ts';

/** Serves in this process, and stops the server afterwards. */
export async function serveUntilStopped(
  context: Context,
  name: WorkloadName,
  options: OperationOptions & { readonly onReady: (url: string) => void },
): Promise<void> {
  await serveHere(context, name, options);
  await stopAfterServing(context, name);
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
      env: context.env,
      usage,
      logger: context.logger,
    },
    { environment: context.environment, runtime: context.usualRuntime, onServing: onReady },
  );
  if (signal !== undefined) {
    await Promise.race([run.finished, aborted(signal)]);
    await run.end(0);
  }
  const end = await run.finished;
  if (end.type === 'failed') throw end.error;
}
