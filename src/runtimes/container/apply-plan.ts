import type { ContainerDetails, Engine } from '../../engine/index.ts';
import { hasCode, within } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { containerSpec, type DeploymentPlan, type PlannedContainer } from '../../sandbox/index.ts';
import { withoutLimits } from './container-limits.ts';
import { findByExactName, isUp } from './containers.ts';
import type { DeployMark } from './deploy-mark.ts';
import { removeNetwork } from './isolation-parts.ts';
import { isSameContainer } from './same-container.ts';
import { requireSealed } from './seal.ts';

interface ApplyOptions {
  readonly mark: DeployMark;
  readonly logger: Logger;
  /** Ends the deployment between two requests: one that changes something is always waited for, because engines finish it anyway. */
  readonly signal: AbortSignal;
}

/** What the engine knows the networks of a plan by. */
type NetworkIds = ReadonlyMap<string, string>;

/**
 * Makes an engine have what a plan says: its networks, then its containers in their order, each reused where it has the settings
 * wanted and recreated where it has not (spec 03 §4.1, §9.1). `server` is the server's container as it is now. Gives that container's id.
 */
export async function applyPlan(
  engine: Engine,
  plan: DeploymentPlan,
  server: ContainerDetails | undefined,
  options: ApplyOptions,
): Promise<string> {
  const { signal } = options;
  const networkIds = await within('failed to create external networks', () => ensureNetworks(engine, plan));
  signal.throwIfAborted();
  const made: string[] = [];
  let serverId = '';
  try {
    for (const planned of plan.containers) {
      const isServer = planned.role === 'server';
      const existing = isServer ? server : await findByExactName(engine, planned.name, signal);
      if (isServer) requireSealed(plan);
      const make = () => reuseOrCreate(engine, planned, existing, networkIds, options);
      const id = isServer ? await make() : await within(stepOf(planned), make);
      if (id !== existing?.Id) made.push(id);
      if (isServer) serverId = id;
    }
  } catch (error) {
    // A deployment that was only cancelled goes on with the next start, or is removed with its workload.
    if (!signal.aborted) await undo(engine, plan, { made, isNew: server === undefined, ...options });
    throw error;
  }
  return serverId;
}

function stepOf({ name }: PlannedContainer): string {
  const suffix = name.slice(name.lastIndexOf('-') + 1);
  return suffix === 'dns' ? 'failed to create dns container' : `failed to set up ${suffix} proxy`;
}

/** Removes what a deployment made, the last first, and a new workload's own network. */
async function undo(
  engine: Engine,
  { networks }: DeploymentPlan,
  {
    made,
    isNew,
    logger,
  }: { readonly made: readonly string[]; readonly isNew: boolean; readonly logger: Logger },
): Promise<void> {
  const attempt = (what: string, step: Promise<unknown>) =>
    step.catch((error: unknown) =>
      logger.warn(`failed to remove a ${what} of a deployment that failed`, { error }),
    );
  for (const id of made.toReversed()) {
    await attempt('container', engine.containers.remove(id, { force: true }));
  }
  for (const { name, sealedSubnet } of isNew ? networks : []) {
    if (sealedSubnet !== undefined) await attempt('network', removeNetwork(engine, name));
  }
}

/** On Docker a network goes by its id, because older ones may have several of a name, and then none can be joined by it. */
async function ensureNetworks(engine: Engine, { networks }: DeploymentPlan): Promise<NetworkIds> {
  const ids = new Map<string, string>();
  for (const { name, ...spec } of networks) {
    const id = await engine.networks.ensure(name, spec);
    if (engine.kind === 'docker') ids.set(name, id);
  }
  return ids;
}

async function reuseOrCreate(
  engine: Engine,
  planned: PlannedContainer,
  existing: ContainerDetails | undefined,
  networkIds: NetworkIds,
  options: ApplyOptions,
): Promise<string> {
  const { logger, signal } = options;
  const { name } = planned;
  if (existing !== undefined) {
    if (isSameContainer(existing, planned, networkIds)) {
      if (!isUp(existing))
        await startOrRemove(engine, existing.Id, 'failed to start existing container', options);
      return existing.Id;
    }
    logger.debug('replacing container whose settings differ', { container: name });
    await within('failed to remove container', () => engine.containers.remove(existing.Id, { force: true }));
    signal.throwIfAborted();
  }
  const spec = containerSpec(planned, networkIds);
  try {
    return await createAndStart(engine, planned, spec, options);
  } catch (error) {
    const cannotLimit = hasCode(error, 'ERR_ENGINE_REQUEST') && error.facts.refusal === 'cannot-limit';
    if (!cannotLimit || signal.aborted) throw error;
    logger.warn('the engine cannot limit what a container uses: the container runs without limits', {
      container: name,
      error,
    });
    return await createAndStart(engine, planned, withoutLimits(spec), options);
  }
}

async function createAndStart(
  engine: Engine,
  { name, image, networks }: PlannedContainer,
  spec: ReturnType<typeof containerSpec>,
  options: ApplyOptions,
): Promise<string> {
  const { logger, signal } = options;
  const imageId = typeof image === 'string' ? undefined : image.digest;
  const { id, warnings } = await within('failed to create container', () =>
    marked(options.mark, 'create', () => engine.containers.create(name, spec, { imageId })),
  );
  for (const warning of warnings) logger.warn('container engine warning', { container: name, warning });
  await joinRest(engine, id, networks.slice(1));
  // The container stays: a removal of the workload removes it, and the next start uses it.
  signal.throwIfAborted();
  await startOrRemove(engine, id, 'failed to start container', options);
  return id;
}

/** One that is in some of its networks only is of no use, and would look like one that is in all. */
async function joinRest(engine: Engine, id: string, networks: PlannedContainer['networks']): Promise<void> {
  try {
    for (const { network, address } of networks)
      await engine.networks.connect(network, id, { aliases: [], address });
  } catch (error) {
    await engine.containers.remove(id, { force: true });
    throw error;
  }
}

/** Removes a container that does not start, because it would block the next start under its name. */
async function startOrRemove(
  engine: Engine,
  id: string,
  what: string,
  { logger, mark }: ApplyOptions,
): Promise<void> {
  try {
    await within(what, () => marked(mark, 'start', () => engine.containers.start(id)));
  } catch (error) {
    await engine.containers.remove(id, { force: true }).catch((failure: unknown) => {
      logger.warn('failed to remove container that did not start', { container: id, error: failure });
    });
    throw error;
  }
}

/** The mark stays where it is not known what became of a request. */
async function marked<T>(mark: DeployMark, step: 'create' | 'start', request: () => Promise<T>): Promise<T> {
  mark.set(step);
  try {
    const result = await request();
    mark.clear();
    return result;
  } catch (error) {
    if (hasCode(error, 'ERR_TIMEOUT') || hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) mark.set(step);
    else mark.clear();
    throw error;
  }
}
