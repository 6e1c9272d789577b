import type { ContainerDetails, Engine } from '../../engine/index.ts';
import type { Logger } from '../../platform/index.ts';
import { isManaged, LABEL, roleOf } from '../../records/index.ts';
import { EXTERNAL_NETWORK } from '../../sandbox/index.ts';
import { describeLimit } from './container-limits.ts';

/** Looks the container of a workload's server up: by base-name label, else by exact name (spec 02 §5.2). */
export async function findContainer(
  engine: Engine,
  baseName: string,
  signal?: AbortSignal,
): Promise<ContainerDetails | undefined> {
  const labels = [`${LABEL.managed}=true`, `${LABEL.baseName}=${baseName}`];
  const labelled = await engine.containers.list({ all: true, labels }, { signal });
  const found = labelled.filter(({ Labels }) => roleOf(Labels) === 'server');
  const chosen = found.find((container) => container.State === 'running') ?? found[0];
  if (chosen !== undefined) return engine.containers.find(chosen.Id, { signal });
  const named = await findByExactName(engine, baseName, signal);
  return named !== undefined && isManaged(named.Config.Labels ?? {}) ? named : undefined;
}

/** All containers of a workload, those by label and the one by name: what a removal has to find. */
export async function findContainers(
  engine: Engine,
  baseName: string,
  signal?: AbortSignal,
): Promise<readonly ContainerDetails[]> {
  const labels = [`${LABEL.managed}=true`, `${LABEL.baseName}=${baseName}`];
  const labelled = await engine.containers.list({ all: true, labels }, { signal });
  const found = await Promise.all(labelled.map(({ Id }) => engine.containers.find(Id, { signal })));
  const named = await findByExactName(engine, baseName, signal);
  const isOurs = named !== undefined && isManaged(named.Config.Labels ?? {});
  const all = [...found, ...(isOurs ? [named] : [])].filter((details) => details !== undefined);
  return [...new Map(all.map((details) => [details.Id, details])).values()];
}

/** The engine also answers for the beginning of an id, hence the comparison. */
export async function findByExactName(
  engine: Engine,
  name: string,
  signal?: AbortSignal,
): Promise<ContainerDetails | undefined> {
  const details = await engine.containers.find(name, { signal });
  return details !== undefined && details.Name.replace(/^\//, '') === name ? details : undefined;
}

/** Running and not waiting for the engine's own restart. */
export function isUp(details: ContainerDetails): boolean {
  return details.State.Running && !details.State.Restarting;
}

export function identityOf(details: ContainerDetails): string {
  return `${details.Id}@${details.State.StartedAt}`;
}

/** Removes the shared network when no managed container is left (spec 03 §9.4). Failures are warnings. */
export async function removeUnusedNetwork(engine: Engine, logger: Logger): Promise<void> {
  try {
    const left = await engine.containers.list({ all: true, labels: [`${LABEL.managed}=true`] });
    if (left.length === 0) await engine.networks.remove(EXTERNAL_NETWORK);
  } catch (error) {
    logger.warn('failed to remove unused network', { network: EXTERNAL_NETWORK, error });
  }
}

export function describeExit(details: ContainerDetails): string {
  const limit = describeLimit(details, details.State.ExitCode);
  const exit = `status ${details.State.Status}, exit code ${details.State.ExitCode}`;
  return limit === undefined ? exit : `${exit}, ${limit}`;
}
