import {
  createLogger,
  createReportingLogger,
  type Logger,
  type Paths,
  removeStaleLocks,
  resolvePaths,
} from '../platform/index.ts';
import type { Environment } from './command.ts';
import { logSettings } from './log-settings.ts';
import type { Terminal } from './terminal.ts';
import { createTerminalReport } from './terminal-log.ts';

// Imported when a command first asks for one of these: help and `version` need none.

interface LogOptions {
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly debug: boolean;
}

export function findPaths(env: Environment): Paths {
  return resolvePaths(env);
}

export function openLog({ env, terminal, debug }: LogOptions): Logger {
  const { level, format } = logSettings(env, { debug, stderrIsTty: terminal.stderrIsTty });
  return format === 'text'
    ? createReportingLogger({ level, report: createTerminalReport(terminal) })
    : createLogger({ level, write: (line) => terminal.err(line) });
}

/** Lock files that a crash left behind (spec 01 §2.1, step 3). */
export function removeLeftLocks({ config, data }: Paths): void {
  removeStaleLocks([config, data, `${data}/statuses`]);
}
