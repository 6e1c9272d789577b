import type { ContainerDetails, Engine } from '../../engine/index.ts';
import { hasCode, messageOf, within } from '../../errors/index.ts';
import type { WorkloadName } from '../../records/index.ts';
import type { Place } from '../runtime.ts';
import { findContainer, removeUnusedNetwork } from './containers.ts';
import { type EngineAccess, isEngineOf, openNoted } from './engine-access.ts';
import { hasParts, stopParts } from './isolation-parts.ts';
import { removeContainers } from './remove-containers.ts';
import { releaseFromSidecar } from './shared-sidecar.ts';
import { endStdio, stopPresent } from './stop-container.ts';
import { untilDeployed } from './unfinished-deploy.ts';

/** Grace period of a stdio server that is removed next. */
const REMOVAL_GRACE_SECONDS = 5;

interface LocateOptions {
  readonly isDocumented: boolean;
  readonly isServed: () => Promise<boolean>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The container in the engine that this shell means, else in the one that it was noted to be in: a workload of Podman can be stopped
 * where Docker answers. Throws `ERR_ENGINE_UNAVAILABLE` when neither can be asked. `undefined`: no engine answers, and the workload,
 * which somebody serves, may have no container at all.
 */
export async function locateContainer(
  access: EngineAccess,
  name: WorkloadName,
  { isDocumented, isServed, signal }: LocateOptions,
): Promise<Place | undefined> {
  const note = await access.notes.find(name);
  let engine: Engine;
  try {
    engine = await access.engine(signal);
  } catch (error) {
    if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
    if (note === undefined && !isDocumented && (await isServed())) {
      access.logger.warn('no container engine answers: whether the workload has a container is not known', {
        workload: name,
      });
      return undefined;
    }
    if (note === undefined) throw error;
    engine = await openNoted(access, note, signal);
  }
  const container = await findContainer(engine, name, signal);
  if (container !== undefined || note === undefined || isEngineOf(note, engine))
    return placeIn(access, engine, name, container);
  const noted = await openNoted(access, note, signal);
  const found = await findContainer(noted, name, signal);
  return placeIn(access, found === undefined ? engine : noted, name, found);
}

/** `container`: as it was before its supervisor was ended. */
function placeIn(
  access: EngineAccess,
  engine: Engine,
  name: WorkloadName,
  container: ContainerDetails | undefined,
): Place {
  const { logger } = access;
  const attempt = async (what: string, step: () => Promise<unknown>) => {
    try {
      await step();
    } catch (error) {
      logger.warn(what, { error: messageOf(error) });
    }
  };
  return {
    isThere: container !== undefined,
    isRunning: container?.State.Running === true,
    endsWithSupervisor: false,
    async stop({ graceSeconds, wasServed, signal }) {
      await untilDeployed(access, engine, name, { wanted: 'up', signal });
      const released = wasServed ? container : undefined;
      await within('failed to stop workload', () =>
        stopPresent(engine, name, { graceSeconds, released, signal }),
      );
      if (container === undefined || !hasParts(container)) return;
      const beside = container.Name.replace(/^\//, '');
      await stopParts(engine, beside, { logger, signal });
      await attempt('failed to withdraw what the workload may reach', () =>
        releaseFromSidecar(engine, beside, access),
      );
    },
    async remove({ wasServed, config, signal }) {
      if (container !== undefined && wasServed) {
        await attempt('failed to stop the server before its removal', () =>
          endStdio(engine, container, { graceSeconds: REMOVAL_GRACE_SECONDS, signal }),
        );
      }
      await removeContainers(access, engine, name, signal);
      await removeUnusedNetwork(engine, logger);
      const image = config?.image ?? '';
      if (!image.startsWith('toolhivelocal/')) return;
      await attempt('failed to remove the image', async () => {
        const { removeStaleImage } = await import('../../build/index.ts');
        await removeStaleImage(engine, image, { signal });
      });
    },
  };
}
