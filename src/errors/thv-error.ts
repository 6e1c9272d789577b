import { type Blame, CATALOG, type ErrorCode, type ErrorFacts } from './catalog.ts';
import { STEPS, type Step } from './steps.ts';

/** What a caller was doing, in plain words or as a step with a code. */
type Doing = string | { readonly step: Step };

interface ErrorOptions {
  /** What the person should do about it; printed after the message as `. Hint: …`. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** What callers were doing, outermost first; each becomes a `text: ` prefix of the message. */
  readonly context?: readonly Doing[];
  /** Process exit code, 1 unless given (spec 01 §1.4). */
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
  readonly context: readonly Doing[];
  /** The message without the hint: remedies are written for people at a terminal. */
  readonly sentence: string;
  /** HTTP status this error becomes on the API. */
  readonly status: number;
  readonly blame: Blame;
  readonly exitCode: number;

  constructor(code: Code, facts: ErrorFacts<Code>, options: ErrorOptions = {}) {
    const describe = CATALOG[code].message as (facts: ErrorFacts<Code>) => string;
    const { hint, cause, context = [], exitCode = 1 } = options;
    const sentence = sentenceOf(context, describe(facts));
    super(hint === undefined ? sentence : `${sentence}. Hint: ${hint}`, { cause });
    this.name = 'ThvError';
    this.code = code;
    this.facts = facts;
    this.hint = hint;
    this.context = context;
    this.sentence = sentence;
    this.status = CATALOG[code].status;
    this.blame = CATALOG[code].blame;
    this.exitCode = exitCode;
  }

  /** The same error as seen from a caller that was doing `what`. */
  within(what: Doing): ThvError<Code> {
    return this.#seenFrom([what, ...this.context]);
  }

  /** The same error as `step` saw it, without the words of the step and its callers; `undefined` when it came from elsewhere. */
  inside(step: Step): ThvError<Code> | undefined {
    const at = this.context.findIndex((doing) => typeof doing === 'object' && doing.step === step);
    return at === -1 ? undefined : this.#seenFrom(this.context.slice(at + 1));
  }

  /** `sentence`, with other words than the catalog's for what is wrong. */
  sentenceWith(description: string): string {
    return sentenceOf(this.context, description);
  }

  #seenFrom(context: readonly Doing[]): ThvError<Code> {
    const { code, facts, hint, cause, exitCode } = this;
    return new ThvError(code, facts, { hint, cause, context, exitCode });
  }
}

function sentenceOf(context: readonly Doing[], description: string): string {
  const words = context.map((doing) => (typeof doing === 'string' ? doing : STEPS[doing.step]));
  // Words that end their line introduce what follows on the next.
  return [...words, description].join(': ').replaceAll('\n: ', '\n');
}

/** True for an error of the family carrying `code`; narrows `facts`. */
export function hasCode<Code extends ErrorCode>(error: unknown, code: Code): error is ThvError<Code> {
  return error instanceof ThvError && error.code === code;
}

/** Refusals that no program can foresee (errno(3)): rights, full or read-only disks, too many open files. */
const REFUSALS: ReadonlySet<unknown> = new Set(
  'EACCES EPERM EROFS ENOSPC EDQUOT EMFILE ENFILE ENOMEM EIO EISDIR ENOTDIR ELOOP ENAMETOOLONG'.split(' '),
);

/** Temporary shortages of the machine: they pass without any change to a workload. */
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
  return await rethrow(what, action);
}

/** Like `within`, for a step that callers tell apart: `error.inside(step)` finds it. */
export async function during<T>(step: Step, action: () => T | Promise<T>): Promise<T> {
  return await rethrow({ step }, action);
}

async function rethrow<T>(what: Doing, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw toThvError(error).within(what);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
