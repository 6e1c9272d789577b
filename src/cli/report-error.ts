import { type ErrorCode, hasCode, toThvError } from '../errors/index.ts';
import type { Terminal } from './terminal.ts';

/** Remedies that only make sense on the command line, for errors that carry none (spec 01 §14-24). */
const HINTS: Partial<Record<ErrorCode, string>> = {
  ERR_WORKLOAD_NOT_FOUND: "use 'thv list --all' to see available workloads",
  ERR_SECRET_NOT_FOUND: "use 'thv secret list' to see available secrets",
  ERR_INTERNAL: 'this is a fault of thv itself; --debug shows where',
  ERR_RUN_CONFIG_NOT_FOUND: "use 'thv list --all' to see available workloads",
};

/** Prints why a command failed and returns the exit code. A command that was cut short says nothing of its own. */
export function reportError(
  thrown: unknown,
  terminal: Terminal,
  { debug, interruptedCode }: { readonly debug: boolean; readonly interruptedCode: number | undefined },
): number {
  if (interruptedCode !== undefined && isAbort(thrown)) return interruptedCode;
  const error = toThvError(thrown);
  const remedy = error.hint === undefined ? HINTS[error.code] : undefined;
  terminal.err(`Error: ${error.message}${remedy === undefined ? '' : `. Hint: ${remedy}`}\n`);
  // What the user got wrong needs no stack.
  if (debug && error.status >= 500) terminal.err(`${stackOf(error)}\n`);
  return interruptedCode ?? error.exitCode;
}

function isAbort(error: unknown): boolean {
  // What was told what it was doing has become one of the family.
  if (hasCode(error, 'ERR_INTERNAL')) return isAbort(error.cause);
  return error instanceof Error && error.name === 'AbortError';
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : '';
  return `${error.stack ?? error.message}${cause}`;
}
