import { realpathSync } from 'node:fs';
import { type Engine, openEngine } from '../../engine/index.ts';
import { within } from '../../errors/index.ts';
import { createEngineNotes, type EngineNote, type EngineNotes } from '../../records/index.ts';
import type { RuntimeServices } from '../runtime.ts';
import { networkProxyOf } from './network-proxy.ts';

/** The engine that this environment means, opened on first use and kept while it can be opened. */
export interface EngineAccess extends RuntimeServices {
  readonly notes: EngineNotes;
  /** Throws `ERR_ENGINE_UNAVAILABLE`. */
  engine(signal?: AbortSignal): Promise<Engine>;
}

export function createEngineAccess(services: RuntimeServices): EngineAccess {
  let engine: Promise<Engine> | undefined;
  return {
    ...services,
    notes: createEngineNotes(services.paths.state),
    async engine(signal) {
      engine ??= openNamed(services, signal);
      try {
        return await engine;
      } catch (error) {
        engine = undefined;
        throw error;
      }
    },
  };
}

/** The engine that a workload was noted to be in. */
export function openNoted(
  { env }: RuntimeServices,
  note: EngineNote,
  signal: AbortSignal | undefined,
): Promise<Engine> {
  const named = {
    TOOLHIVE_DOCKER_SOCKET: undefined,
    TOOLHIVE_PODMAN_SOCKET: undefined,
    TOOLHIVE_COLIMA_SOCKET: undefined,
    [`TOOLHIVE_${note.kind.toUpperCase()}_SOCKET`]: note.address,
  };
  return openNamed({ wanted: note.kind, env: { ...env, ...named } }, signal);
}

function openNamed(
  { env, wanted }: Pick<RuntimeServices, 'env' | 'wanted'>,
  signal: AbortSignal | undefined,
): Promise<Engine> {
  return within('failed to create container runtime', () => {
    networkProxyOf(env); // as early as the reference says it
    return openEngine({ env, wanted, signal });
  });
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

const NAMES_AN_ENGINE = [
  'TOOLHIVE_DOCKER_SOCKET',
  'TOOLHIVE_PODMAN_SOCKET',
  'TOOLHIVE_COLIMA_SOCKET',
  'DOCKER_HOST',
];

export function namesAnEngine({ env, wanted }: RuntimeServices): boolean {
  if (wanted === 'process') return false;
  return wanted !== '' || NAMES_AN_ENGINE.some((variable) => (env[variable] ?? '') !== '');
}
