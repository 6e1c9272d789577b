import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Logger } from '../../platform/index.ts';
import type { WorkloadName } from '../../records/index.ts';

/** What an engine has been asked for. */
type DeployStep = 'create' | 'start';

/** Stands on disk while a deployment asks changes of the engine. */
export interface DeployMark {
  set(step: DeployStep): void;
  clear(): void;
}

/**
 * Engines go on with a create or a start whose client was killed. The mark tells the one who stops or removes the workload next
 * that a container may still turn up: `<state>/toolhive/host/deploying/<base>`.
 */
export function createDeployMark(stateFolder: string, name: WorkloadName, logger: Logger): DeployMark {
  const path = markPath(stateFolder, name);
  return {
    set(step) {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(path, step, { mode: 0o600 });
      } catch (error) {
        // It serves clean-up after a kill at the wrong moment, and must not keep a server from starting.
        logger.debug('deployment is not marked on disk', { path, error });
      }
    },
    clear: () => clearDeployMark(stateFolder, name),
  };
}

export function clearDeployMark(stateFolder: string, name: WorkloadName): void {
  rmSync(markPath(stateFolder, name), { force: true });
}

/** The step that nobody has seen the end of, and how long ago it began; `undefined` when there is none. */
export function findUnfinishedDeploy(
  stateFolder: string,
  name: WorkloadName,
): { readonly step: DeployStep; readonly sinceMs: number } | undefined {
  const path = markPath(stateFolder, name);
  const mark = statSync(path, { throwIfNoEntry: false });
  if (mark === undefined) return undefined;
  const step = readFileSync(path, 'utf8') === 'start' ? 'start' : 'create';
  return { step, sinceMs: Math.max(0, Date.now() - mark.mtimeMs) };
}

function markPath(stateFolder: string, name: WorkloadName): string {
  return join(stateFolder, 'host', 'deploying', name);
}
