import { describeFault, type ErrorCode, hasCode, toThvError, withoutSecrets } from '../errors/index.ts';
import type { Environment } from './command.ts';
import type { Terminal } from './terminal.ts';

/** Remedies that only make sense on the command line, for errors that carry none (spec 01 §14-24). */
const HINTS: Partial<Record<ErrorCode, string>> = {
  ERR_WORKLOAD_NOT_FOUND: "use 'thv list --all' to see available workloads",
  ERR_SECRET_NOT_FOUND: "use 'thv secret list' to see available secrets",
  ERR_RUN_CONFIG_NOT_FOUND: "use 'thv list --all' to see available workloads",
};

interface ReportOptions {
  /** Full name of the command, as the log shows it: `thv group list`. */
  readonly command: string;
  readonly env: Environment;
  readonly terminal: Terminal;
  readonly debug: boolean;
  /** Exit code of a command that a signal cut short. */
  readonly interruptedCode: number | undefined;
}

/**
 * Prints why a command failed and returns the exit code. A command that was cut short says nothing of its own. A fault of ours is
 * logged with causes and stack; the user is told where.
 */
export async function reportError(thrown: unknown, options: ReportOptions): Promise<number> {
  const { command, env, terminal, debug, interruptedCode } = options;
  if (interruptedCode !== undefined && isAbort(thrown)) return interruptedCode;
  const error = toThvError(thrown);
  const isOurs = error.blame === 'ours';
  const remedy = isOurs ? await logFault(thrown, command, env) : HINTS[error.code];
  const message = isOurs ? withoutSecrets(error.message) : error.message;
  const addition = error.hint === undefined && remedy !== undefined ? `. Hint: ${remedy}` : '';
  terminal.err(`Error: ${message}${addition}\n`);
  if (debug && error.blame !== 'user') terminal.err(`${describeFault(error).stack}\n`);
  return interruptedCode ?? error.exitCode;
}

function isAbort(error: unknown): boolean {
  // What was told what it was doing has become one of the family.
  if (hasCode(error, 'ERR_INTERNAL')) return isAbort(error.cause);
  return error instanceof Error && error.name === 'AbortError';
}

/** What the user is told about the log. */
async function logFault(error: unknown, command: string, env: Environment): Promise<string> {
  const { recordFault } = await import('./record-fault.ts');
  const path = recordFault(error, { command, env });
  return path === undefined
    ? 'this is a fault of thv itself; --debug shows where'
    : `this is a fault of thv itself; ${path} shows where`;
}
