import type { Engine } from '../../engine/index.ts';
import { sleep } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';
import type { RuntimeServices } from '../runtime.ts';
import { findContainer, isUp } from './containers.ts';
import { clearDeployMark, findUnfinishedDeploy } from './deploy-mark.ts';

/** How long an engine may take to finish what a killed supervisor had asked of it. */
const PATIENCE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/**
 * A supervisor that was killed in the middle of a deployment leaves an engine that goes on with it. Waits until the container is
 * `there`, or, where it had been told to start it, `up`; at most a minute from then. Returns at once when there was no deployment.
 * Callers have ended the supervisor before.
 */
export async function untilDeployed(
  { paths, logger }: RuntimeServices,
  engine: Engine,
  name: WorkloadName,
  { wanted, signal }: { readonly wanted: 'there' | 'up'; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  let isTold = false;
  for (;;) {
    const unfinished = findUnfinishedDeploy(paths.state, name);
    if (unfinished === undefined) return;
    const container = await findContainer(engine, name, signal);
    const isEnough = wanted === 'there' || unfinished.step === 'create';
    if (container !== undefined && (isEnough || isUp(container))) break;
    if (unfinished.sinceMs > PATIENCE_MS) {
      logger.warn(
        'the container engine has not finished what it was asked for; remove what it may still make',
        {
          workload: name,
          step: unfinished.step,
        },
      );
      break;
    }
    if (!isTold) logger.info('waiting for the container engine to finish', { workload: name, ...unfinished });
    isTold = true;
    await sleep(LOOK_EVERY_MS, signal);
    signal?.throwIfAborted();
  }
  clearDeployMark(paths.state, name);
}
