import { toThvError } from './thv-error.ts';
import { withoutSecrets } from './withhold.ts';

/** What the log says of a fault of ours, beside its message. */
interface Fault {
  readonly code: string;
  /** The errors behind it, from the outermost in: `TypeError: x is not a function`. */
  readonly causes: readonly string[];
  /** Stack of the error and of its causes, so that one sees where each arose. */
  readonly stack: string;
}

/** True when the program itself has to be mended: an error that nobody foresaw, or one with the blame `ours`. */
export function isFault(error: unknown): boolean {
  return toThvError(error).blame === 'ours';
}

/** Contains no secrets. */
export function describeFault(error: unknown): Fault {
  const { code } = toThvError(error);
  const [outermost, ...causes] = chainOf(error);
  const stacks = [outermost, ...causes].map((each) => stackOf(each));
  return {
    code,
    causes: causes.map((cause) => withoutSecrets(describe(cause))),
    stack: withoutSecrets(stacks.join('\ncaused by ')),
  };
}

/** An error and all errors behind it: its cause, those it collects (`AggregateError`), those of a disposal (`SuppressedError`). */
function chainOf(error: unknown, seen = new Set<unknown>()): readonly unknown[] {
  if (seen.has(error)) return [];
  seen.add(error);
  if (!(error instanceof Error)) return [error];
  const behind = [error.cause, ...collected(error)].filter((each) => each instanceof Error);
  return [error, ...behind.flatMap((each) => chainOf(each, seen))];
}

function collected(error: Error): readonly unknown[] {
  if (error instanceof AggregateError) return error.errors;
  return error instanceof SuppressedError ? [error.error, error.suppressed] : [];
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** Bun's stacks begin with the message, those of some libraries do not. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { stack = '' } = error;
  return stack.includes(error.message) ? stack : `${describe(error)}\n${stack}`;
}
