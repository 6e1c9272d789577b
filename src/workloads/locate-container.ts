import { existsSync, realpathSync } from 'node:fs';
import type { ContainerDetails, Engine } from '../engine/index.ts';
import { hasCode } from '../errors/index.ts';
import { findContainer, processFolder } from '../host/index.ts';
import { type EngineNote, isContainer, type WorkloadName } from '../records/index.ts';
import type { Context } from './context.ts';
import { findDedicated } from './supervisor.ts';

/** Where a workload's container is. */
interface Located {
  /** `undefined` for a workload that is no container, and ends with its supervisor. */
  readonly engine: Engine | undefined;
  readonly container: ContainerDetails | undefined;
}

/**
 * The container in the engine that this shell means, else in the one that it was noted to be in: a workload of Podman can be stopped
 * where Docker answers. Throws `ERR_ENGINE_UNAVAILABLE` when neither can be asked.
 */
export async function locateContainer(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<Located> {
  const config = await context.runConfigs.find(name).catch(() => undefined); // unreadable: the engine may know more
  // A process whose document is lost has left its folder.
  const isNoContainer =
    config === undefined ? existsSync(processFolder(context.paths, name)) : !isContainer(config);
  if (isNoContainer) return NOWHERE;
  const note = await context.engineNotes.find(name);
  let engine: Engine;
  try {
    engine = await context.engine(signal);
  } catch (error) {
    if (!hasCode(error, 'ERR_ENGINE_UNAVAILABLE')) throw error;
    if (note === undefined && config === undefined && (await isServed(context, name))) {
      context.logger.warn('no container engine answers: whether the workload has a container is not known', {
        workload: name,
      });
      return NOWHERE;
    }
    if (note === undefined) throw error;
    engine = await openNoted(context, note, signal);
  }
  const container = await findContainer(engine, name, signal);
  if (container !== undefined || note === undefined || isEngineOf(note, engine)) return { engine, container };
  const noted = await openNoted(context, note, signal);
  const found = await findContainer(noted, name, signal);
  return found === undefined ? { engine, container } : { engine: noted, container: found };
}

const NOWHERE: Located = { engine: undefined, container: undefined };

/** What serves a workload can be ended, whatever else is lost of it. */
async function isServed(context: Context, name: WorkloadName): Promise<boolean> {
  const record = await context.statuses.find(name).catch(() => undefined); // unreadable: the claim knows more
  return (await context.desired.has(name)) || findDedicated(context, name, record) !== undefined;
}

function openNoted({ env, reopen }: Context, note: EngineNote, signal?: AbortSignal): Promise<Engine> {
  const named = {
    TOOLHIVE_RUNTIME: note.kind,
    TOOLHIVE_DOCKER_SOCKET: undefined,
    TOOLHIVE_PODMAN_SOCKET: undefined,
    TOOLHIVE_COLIMA_SOCKET: undefined,
    [`TOOLHIVE_${note.kind.toUpperCase()}_SOCKET`]: note.address,
  };
  return reopen({ ...env, ...named }).engine(signal);
}

/** Whether this engine is the one noted, by whatever path its socket was reached. */
export function isEngineOf(note: EngineNote, engine: Engine): boolean {
  return note.address === engine.address || realPath(note.address) === realPath(engine.address);
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // gone, or no path at all
  }
}
