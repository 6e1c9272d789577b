import type { FlagValue } from './flag.ts';

/** How many positional arguments a command takes (spec 01 §1.2). */
export type PositionalRule =
  | { readonly exactly: number }
  | { readonly atLeast: number }
  | { readonly atMost: number }
  | { readonly between: readonly [number, number] }
  | 'none'
  | 'any'
  /** Rules of one command's own; the problem as printed, `undefined` when all is well. */
  | ((words: readonly string[], given: ReadonlyMap<string, FlagValue>) => string | undefined);

/** What is wrong with the number of words; `undefined` when nothing is. `path` is the full command, `thv secret list`. */
export function findPositionalProblem(
  rule: PositionalRule,
  words: readonly string[],
  given: ReadonlyMap<string, FlagValue>,
  path: string,
): string | undefined {
  if (rule === 'any') return undefined;
  if (rule === 'none') {
    return words[0] === undefined
      ? undefined
      : `unknown command ${JSON.stringify(words[0])} for ${JSON.stringify(path)}`;
  }
  if (typeof rule === 'function') return rule(words, given);
  const count = words.length;
  if ('exactly' in rule) {
    return count === rule.exactly ? undefined : `accepts ${rule.exactly} arg(s), received ${count}`;
  }
  if ('atLeast' in rule) {
    return count >= rule.atLeast
      ? undefined
      : `requires at least ${rule.atLeast} arg(s), only received ${count}`;
  }
  if ('atMost' in rule) {
    return count <= rule.atMost ? undefined : `accepts at most ${rule.atMost} arg(s), received ${count}`;
  }
  const [least, most] = rule.between;
  return count >= least && count <= most
    ? undefined
    : `accepts between ${least} and ${most} arg(s), received ${count}`;
}
