import type { Engine } from '../../engine/index.ts';
import { ThvError } from '../../errors/index.ts';
import { sleep } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';
import type { RuntimeServices } from '../runtime.ts';
import { findContainers } from './containers.ts';
import { hasParts, removeInternalNetwork, removeParts } from './isolation-parts.ts';
import { releaseFromSidecar } from './shared-sidecar.ts';
import { untilDeployed } from './unfinished-deploy.ts';

/** Time for the engine to let go of a removed container (spec 02 §7.2). */
const REMOVAL_TIMEOUT_MS = 3000;
const LOOK_EVERY_MS = 100;

/** Removes every container of the workload, what isolates it, and its network. Only after its supervisor has ended, who may have made one until then. */
export async function removeContainers(
  services: RuntimeServices,
  engine: Engine,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  await untilDeployed(services, engine, name, { wanted: 'there', signal });
  const containers = await findContainers(engine, name, signal);
  await Promise.all(containers.map(({ Id }) => removeContainer(engine, Id, name, signal)));
  const names = new Set([name, ...containers.map(({ Name }) => Name.replace(/^\//, ''))]);
  const mayBeIsolated = containers.length === 0 || containers.some(hasParts);
  for (const container of names) {
    await removeParts(engine, container, signal);
    if (mayBeIsolated) await releaseFromSidecar(engine, container, services);
    await removeInternalNetwork(engine, container, services.logger);
  }
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
