import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createLogger, openRotatingFile, resolvePaths } from '../platform/index.ts';
import { buildInfo } from './build-info.ts';
import type { Environment } from './command.ts';

// Imported when there is something to record.

const MAX_BYTES = 1024 * 1024;

/** Appends a fault of ours to `<state>/toolhive/thv.log`. Returns the path; `undefined` where that cannot be written. */
export function recordFault(
  error: unknown,
  { command, env }: { readonly command: string; readonly env: Environment },
): string | undefined {
  try {
    const path = join(resolvePaths(env).state, 'thv.log');
    using file = openRotatingFile(path, { maxBytes: MAX_BYTES, files: 2 });
    const logger = createLogger({ write: file.append });
    // Never the arguments: they hold what users pass to their servers.
    logger.error('fault of thv', { command, version: buildInfo().version, processId: process.pid, error });
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined; // no home folder
  }
}
