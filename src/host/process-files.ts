import { rmSync } from 'node:fs';
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

/** With everything the server wrote to its work folder. */
export function deleteProcessFolder(paths: Pick<Paths, 'data'>, name: WorkloadName): void {
  rmSync(processFolder(paths, name), { recursive: true, force: true });
}
