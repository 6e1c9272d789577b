import type { Engine } from '../engine/index.ts';
import { ThvError } from '../errors/index.ts';
import { findContainers } from '../host/index.ts';
import { sleep } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';
import type { Context } from './context.ts';
import { untilDeployed } from './unfinished-deploy.ts';

/** Time for the engine to let go of a removed container (spec 02 §7.2). */
const REMOVAL_TIMEOUT_MS = 3000;
const LOOK_EVERY_MS = 100;

/** Every container of the workload; whether there was one. Only after its supervisor has ended, who may have made one until then. */
export async function removeContainers(
  context: Context,
  engine: Engine,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<boolean> {
  await untilDeployed(context, engine, name, { wanted: 'there', signal });
  const containers = await findContainers(engine, name, signal);
  await Promise.all(containers.map(({ Id }) => removeContainer(engine, Id, name, signal)));
  return containers.length > 0;
}

async function removeContainer(
  engine: Engine,
  id: string,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  await engine.containers.remove(id, { force: true, signal });
  const deadline = performance.now() + REMOVAL_TIMEOUT_MS;
  while ((await engine.containers.find(id, { signal })) !== undefined) {
    if (performance.now() > deadline) {
      throw new ThvError('ERR_TIMEOUT', {
        reason: `timed out waiting for container ${name} to be removed`,
      });
    }
    await sleep(LOOK_EVERY_MS, signal);
  }
}
