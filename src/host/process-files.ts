import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../platform/index.ts';
import type { WorkloadName } from '../records/index.ts';

/** What a workload that is a process keeps: its work folder, and what it printed. */
export function processFolder(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(paths.data, 'processes', name);
}

/** What its server printed, stdout of stdio servers excepted, which is the protocol. Older parts end in `.1` and `.2`. */
export function outputPath(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(processFolder(paths, name), 'output.log');
}

/**
 * Says how long the server gets to end when its run is ended next. On disk, for who serves it may be a process of its own, which a
 * signal alone reaches.
 */
export function grantStopTime(paths: Pick<Paths, 'data'>, name: WorkloadName, seconds: number): void {
  mkdirSync(processFolder(paths, name), { recursive: true, mode: 0o700 });
  writeFileSync(stopTimePath(paths, name), String(seconds), { mode: 0o600 });
}

/** Seconds that were granted since the last call; `undefined` when none were. */
export function takeStopTime(paths: Pick<Paths, 'data'>, name: WorkloadName): number | undefined {
  const path = stopTimePath(paths, name);
  try {
    const text = readFileSync(path, 'utf8');
    rmSync(path, { force: true });
    return /^\d+$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined; // nobody said anything
  }
}

function stopTimePath(paths: Pick<Paths, 'data'>, name: WorkloadName): string {
  return join(processFolder(paths, name), 'stop-seconds');
}

/** With everything the server wrote to its work folder. */
export function deleteProcessFolder(paths: Pick<Paths, 'data'>, name: WorkloadName): void {
  rmSync(processFolder(paths, name), { recursive: true, force: true });
}
