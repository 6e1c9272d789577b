import { CATALOG, type ErrorCode, type ErrorFacts } from './catalog.ts';
import { STEPS, type Step } from './steps.ts';
import { ThvError, toThvError } from './thv-error.ts';

/** An error on its way from one program of ours to another, as JSON: all that its sentence and its exit code are made from. */
export interface CarriedError {
  readonly code: string;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly hint?: string | undefined;
  /** As in `ThvError`: plain words, or the name of a step. */
  readonly context: readonly (string | { readonly step: string })[];
  readonly exitCode: number;
  /** What the operating system said, `ENOSPC` for instance, where that is behind it. */
  readonly systemCode?: string | undefined;
  /** The message where it arose: a program of another version may make another one from these facts. */
  readonly message: string;
}

export function carry(error: unknown): CarriedError {
  const { code, facts, hint, context, exitCode, message } = toThvError(error);
  return { code, facts: { ...facts }, hint, context, exitCode, systemCode: systemCodeOf(error), message };
}

/** The error as it arose, causes and stack aside; `undefined` for one that this version does not know, or would word otherwise. */
export function revive(carried: CarriedError): ThvError | undefined {
  const { code, facts, hint, exitCode, systemCode, message } = carried;
  const context = carried.context.map((doing) => (typeof doing === 'string' ? doing : knownStep(doing.step)));
  if (!isCode(code) || context.some((doing) => doing === undefined)) return undefined;
  const cause =
    systemCode === undefined ? undefined : Object.assign(new Error(message), { code: systemCode });
  try {
    const error = new ThvError(code, facts as ErrorFacts<ErrorCode>, {
      hint,
      exitCode,
      cause,
      context: context.filter((doing) => doing !== undefined),
    });
    return error.message === message ? error : undefined;
  } catch {
    return undefined; // facts of another version
  }
}

function systemCodeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof ThvError) && 'code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

function knownStep(step: string): { readonly step: Step } | undefined {
  return Object.hasOwn(STEPS, step) ? { step: step as Step } : undefined;
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(CATALOG, code);
}
