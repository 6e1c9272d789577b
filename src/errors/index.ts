import { CATALOG, type ErrorCode, type ErrorFacts } from './catalog.ts';

export type { ErrorCode, ErrorFacts } from './catalog.ts';

interface ErrorOptions {
  /** What the person should do about it; printed after the message as `. Hint: …`. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** What a caller was doing, outermost first; each becomes a `text: ` prefix of the message. */
  readonly context?: readonly string[];
  /** Process exit code, 1 unless said otherwise (spec 01 §1.4). */
  readonly exitCode?: number;
}

/**
 * The one error family of the program. `code` is stable and narrows `facts`; the message is made from the facts in
 * `catalog.ts`, so no caller tells errors apart by their text.
 */
export class ThvError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code;
  readonly facts: ErrorFacts<Code>;
  readonly hint: string | undefined;
  readonly context: readonly string[];
  /** HTTP status this error becomes on the API. */
  readonly status: number;
  readonly exitCode: number;

  constructor(code: Code, facts: ErrorFacts<Code>, options: ErrorOptions = {}) {
    const describe = CATALOG[code].message as (facts: ErrorFacts<Code>) => string;
    // A context that ends its line introduces what follows on the next.
    const sentence = [...(options.context ?? []), describe(facts)].join(': ').replaceAll('\n: ', '\n');
    super(options.hint === undefined ? sentence : `${sentence}. Hint: ${options.hint}`, {
      cause: options.cause,
    });
    this.name = 'ThvError';
    this.code = code;
    this.facts = facts;
    this.hint = options.hint;
    this.context = options.context ?? [];
    this.status = CATALOG[code].status;
    this.exitCode = options.exitCode ?? 1;
  }

  /** The same error as seen from a caller that was doing `what`. */
  within(what: string): ThvError<Code> {
    return new ThvError(this.code, this.facts, {
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      cause: this.cause,
      context: [what, ...this.context],
      exitCode: this.exitCode,
    });
  }
}

/** True for an error of the family carrying `code`; narrows `facts`. */
export function hasCode<Code extends ErrorCode>(error: unknown, code: Code): error is ThvError<Code> {
  return error instanceof ThvError && error.code === code;
}

/** Refusals that no program can foresee (errno(3)): rights, full or read-only disks, too many open files. */
const REFUSALS: ReadonlySet<unknown> = new Set(
  'EACCES EPERM EROFS ENOSPC EDQUOT EMFILE ENFILE ENOMEM EIO EISDIR ENOTDIR ELOOP ENAMETOOLONG'.split(' '),
);

/** Of those, what a machine runs short of, and has again later: nobody has to change anything about a workload for it. */
const SHORTAGES: ReadonlySet<unknown> = new Set(
  'ENOSPC EDQUOT EROFS EIO EMFILE ENFILE ENOMEM EFBIG EAGAIN'.split(' '),
);

/** Whether the machine ran short of something (room on a disk, open files, memory) and the same may succeed later. */
export function isShortage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && SHORTAGES.has(cause.code)) return true;
  return false;
}

/** Any thrown value as a member of the family: foreign errors are our fault, unless the operating system refused something. */
export function toThvError(error: unknown): ThvError {
  if (error instanceof ThvError) return error;
  const isRefusal =
    error instanceof Error && 'syscall' in error && 'code' in error && REFUSALS.has(error.code);
  const code = isRefusal ? 'ERR_SYSTEM' : 'ERR_INTERNAL';
  return new ThvError(code, { reason: messageOf(error) }, { cause: error });
}

/** Rethrows what `action` throws as seen from a caller that was doing `what`. */
export async function within<T>(what: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toThvError(error).within(what);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
