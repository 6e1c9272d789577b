import type { ContainerDetails, Engine } from '../../../engine/index.ts';
import { ThvError } from '../../../errors/index.ts';
import type { Logger, Paths } from '../../../platform/index.ts';
import { CONTROL_PORT } from '../../../sidecar/index.ts';
import { isUp } from '../containers.ts';
import { type ControlClient, createControlClient, untilReady } from './control-client.ts';
import { findIdentity, readIdentity } from './identity.ts';
import { planSidecar, STATE_LABEL, startSidecar } from './sidecar-container.ts';
import { obtainSidecarImage } from './sidecar-image.ts';
import { networkOf, workloadNetworksOf } from './sidecar-networks.ts';
import type { SidecarOptions } from './types.ts';

/** A sidecar that answers. */
export interface LiveSidecar {
  /** Name of its container. */
  readonly container: string;
  readonly control: ControlClient;
  /** The network of the workload that it was found by; '' when it was made or found by its version. */
  readonly network: string;
}

/** The sidecar of this version, up and answering; the caller holds the lock. */
export async function establishSidecar(engine: Engine, options: SidecarOptions): Promise<LiveSidecar> {
  const { paths, logger } = options;
  const { token, digest, prefix } = await readIdentity(paths);
  const { image, version } = await obtainSidecarImage(engine, options);
  const container = `${prefix}-${version}`;
  const planned = planSidecar({ name: container, image, tokenDigest: digest, stateFolder: paths.state });
  await startSidecar(engine, planned, await engine.containers.find(container), logger);
  const control = createControlClient(publishedPortOf(await engine.containers.find(container)), token);
  await untilReady(control);
  return { container, control, network: '' };
}

/** The sidecar that a workload was admitted to by another process; `undefined` when it is not. */
export async function attachToSidecar(
  engine: Engine,
  workload: string,
  paths: Paths,
): Promise<LiveSidecar | undefined> {
  const identity = await findIdentity(paths);
  if (identity === undefined) return undefined;
  for (const details of await sidecarsOf(engine, paths)) {
    const network = networkOf(details, workload);
    if (network === undefined || !isUp(details)) continue;
    const control = createControlClient(publishedPortOf(details), identity.token);
    return { container: nameOf(details), control, network };
  }
  return undefined;
}

/** Takes a network from sidecars of other versions, and removes those that are left without any. */
export async function takeOver(
  engine: Engine,
  { container }: LiveSidecar,
  network: string,
  paths: Paths,
): Promise<void> {
  for (const other of await sidecarsOf(engine, paths)) {
    if (nameOf(other) === container || !workloadNetworksOf(other).includes(network)) continue;
    await engine.networks.disconnect(network, other.Id);
    await removeIfUnused(engine, other.Id);
  }
}

/** Withdraws a workload from whichever sidecar of the folder serves it. */
export async function leaveSidecars(
  engine: Engine,
  workload: string,
  paths: Paths,
  logger: Logger,
): Promise<void> {
  const identity = await findIdentity(paths);
  for (const details of await sidecarsOf(engine, paths)) {
    const network = networkOf(details, workload);
    if (network !== undefined) {
      if (isUp(details) && identity !== undefined) {
        const control = createControlClient(publishedPortOf(details), identity.token);
        await control.withdraw(workload).catch((error: unknown) => {
          logger.debug('rules of a workload not withdrawn, it only leaves the network', { workload, error });
        });
      }
      await engine.networks.disconnect(network, details.Id);
    }
    await removeIfUnused(engine, details.Id);
  }
}

/** Ends a sidecar that does not answer, so that the engine or we start it again. */
export async function silence(engine: Engine, { container }: LiveSidecar): Promise<void> {
  const details = await engine.containers.find(container);
  if (details === undefined || !isUp(details)) return;
  const control = createControlClient(publishedPortOf(details), '');
  if (await control.isListening()) return; // the engine was faster
  await engine.containers.kill(container).catch(() => undefined); // it ended meanwhile
}

async function removeIfUnused(engine: Engine, id: string): Promise<void> {
  if (workloadNetworksOf(await engine.containers.find(id)).length > 0) return;
  await engine.containers.remove(id, { force: true });
}

async function sidecarsOf(engine: Engine, { state }: Paths): Promise<readonly ContainerDetails[]> {
  const listed = await engine.containers.list({ all: true, labels: [`${STATE_LABEL}=${state}`] });
  const details = await Promise.all(listed.map(({ Id }) => engine.containers.find(Id)));
  return details.filter((each) => each !== undefined);
}

function nameOf({ Name }: ContainerDetails): string {
  return Name.replace(/^\//, '');
}

/** Throws `ERR_SYSTEM` for a container that is not up. */
function publishedPortOf(details: ContainerDetails | undefined): number {
  const port = Number(details?.NetworkSettings.Ports[`${CONTROL_PORT}/tcp`]?.[0]?.HostPort);
  if (port > 0) return port;
  throw new ThvError('ERR_SYSTEM', { reason: 'the egress sidecar ended right after its start' });
}
