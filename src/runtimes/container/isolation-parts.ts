import type { ContainerDetails, ContainerSummary, Engine } from '../../engine/index.ts';
import { messageOf, within } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { LABEL, roleOf } from '../../records/index.ts';
import { internalNetwork } from '../../sandbox/index.ts';

/** What stands beside an isolated server in the reference's topology, in the order in which it ends (spec 03 §9.3, §9.4). */
const SUFFIXES = ['egress', 'ingress', 'dns'] as const;
/** They keep nothing, and the server behind them has ended; Squid alone would wait half a minute for clients. */
const STOP_GRACE_SECONDS = 1;

interface Part {
  readonly suffix: (typeof SUFFIXES)[number];
  readonly container: ContainerSummary;
}

/** By name and label: a workload of the user's may be called `<container>-egress` as well. */
async function findParts(engine: Engine, container: string, signal?: AbortSignal): Promise<readonly Part[]> {
  const listed = await engine.containers.list(
    { all: true, labels: [`${LABEL.auxiliaryWorkload}=true`] },
    { signal },
  );
  return SUFFIXES.flatMap((suffix) => {
    const name = `/${container}-${suffix}`;
    const found = listed.find(
      ({ Names, Labels }) =>
        roleOf(Labels) === 'egress' && Names.some((each) => each === name || `/${each}` === name),
    );
    return found === undefined ? [] : [{ suffix, container: found }];
  });
}

/** Whether a container may have others beside it; one without the label was made before there was one (spec 03 §2.2). */
export function hasParts({ Config }: ContainerDetails): boolean {
  return Config.Labels?.[LABEL.networkIsolation] !== 'false';
}

/** Stops what stands beside a server; what cannot be stopped is logged. */
export async function stopParts(
  engine: Engine,
  container: string,
  { logger, signal }: { readonly logger: Logger; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const stop = async ({ suffix, container: { Id } }: Part) => {
    try {
      await engine.containers.stop(Id, { graceSeconds: STOP_GRACE_SECONDS, signal });
    } catch (error) {
      logger.warn(`failed to stop ${suffix} container`, { container, error: messageOf(error) });
    }
  };
  await Promise.all((await findParts(engine, container, signal)).map(stop));
}

/** Removes the containers that stand beside a server. */
export async function removeParts(engine: Engine, container: string, signal?: AbortSignal): Promise<void> {
  for (const { suffix, container: part } of await findParts(engine, container, signal)) {
    await within(`failed to remove ${suffix} container`, () =>
      engine.containers.remove(part.Id, { force: true, signal }),
    );
  }
}

/** Removes the network of a server that is gone; when that fails it is a warning. */
export async function removeInternalNetwork(
  engine: Engine,
  container: string,
  logger: Logger,
): Promise<void> {
  const network = internalNetwork(container);
  try {
    await removeNetwork(engine, network);
  } catch (error) {
    logger.warn('failed to remove the network of an isolated workload', { network, error: messageOf(error) });
  }
}

/** With whatever is in it; `false` when there was none. */
export async function removeNetwork(engine: Engine, name: string): Promise<boolean> {
  const present = (await engine.networks.list({ name })).filter(({ Name }) => Name === name);
  if (present.length === 0) return false;
  for (const { Id, NetworkSettings } of await engine.containers.list({ all: true })) {
    if (NetworkSettings?.Networks?.[name] !== undefined) await engine.networks.disconnect(name, Id);
  }
  await engine.networks.remove(name);
  return true;
}
