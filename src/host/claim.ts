import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { acquireLock, beginOfProcess, isLocked } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';

/**
 * Who serves a workload in a process of its own: `<state>/toolhive/host/serving/<base>.lock` is held as long as that process lives,
 * and `<base>.json` beside it says which one it is. Status files tell too, but those are shared with other program versions, may
 * be lost, and name a process id that another process may have by now.
 */

const ClaimSchema = v.object({ processId: v.number(), beganAt: v.string() });

/** Waits for a predecessor that is just ending. */
const LOCK_TIMEOUT_MS = 10_000;

/** Claims the workload for this process. Throws `ERR_LOCK_TIMEOUT` when another one serves it. */
export async function claimWorkload(stateFolder: string, name: WorkloadName): Promise<Disposable> {
  const lock = await acquireLock(lockPath(stateFolder, name), {
    timeoutMs: LOCK_TIMEOUT_MS,
    purpose: `workload ${name} is served by another process`,
  });
  const path = claimPath(stateFolder, name);
  const claim = { processId: process.pid, beganAt: beginOfProcess(process.pid) ?? '' };
  writeFileSync(path, JSON.stringify(claim), { mode: 0o600 });
  return {
    [Symbol.dispose]() {
      rmSync(path, { force: true });
      lock.release();
    },
  };
}

/** The process that has claimed the workload and lives. */
export function findClaimant(stateFolder: string, name: WorkloadName): number | undefined {
  if (!isLocked(lockPath(stateFolder, name))) return undefined;
  return readClaimant(claimPath(stateFolder, name));
}

/** Deletes the claim of a process that was killed. */
export function deleteClaim(stateFolder: string, name: WorkloadName): void {
  if (!isLocked(lockPath(stateFolder, name))) rmSync(claimPath(stateFolder, name), { force: true });
}

/** The workload that a process has claimed. */
export function findClaimOf(stateFolder: string, processId: number): string | undefined {
  try {
    return readdirSync(folderOf(stateFolder))
      .filter((file) => file.endsWith('.json'))
      .find((file) => readClaimant(join(folderOf(stateFolder), file)) === processId)
      ?.slice(0, -'.json'.length);
  } catch {
    return undefined; // no folder, no claims
  }
}

/** `undefined` when the process is gone, even if another has its number now, and when the claim cannot be read. */
function readClaimant(path: string): number | undefined {
  try {
    const { processId, beganAt } = v.parse(ClaimSchema, JSON.parse(readFileSync(path, 'utf8')));
    return (beginOfProcess(processId) ?? '') === beganAt ? processId : undefined;
  } catch {
    return undefined;
  }
}

function folderOf(stateFolder: string): string {
  return join(stateFolder, 'host', 'serving');
}

function lockPath(stateFolder: string, name: WorkloadName): string {
  return join(folderOf(stateFolder), `${name}.lock`);
}

function claimPath(stateFolder: string, name: WorkloadName): string {
  return join(folderOf(stateFolder), `${name}.json`);
}
