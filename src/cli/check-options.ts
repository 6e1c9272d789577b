import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import type { CommandDefinition } from './command.ts';
import { type FlagSet, type FlagValue, type OptionsOf, optionName } from './flag.ts';

/**
 * Flag values as typed options with their defaults, checked in the order of spec 01 §1.3: flags that are checked first,
 * required flags, exclusive and together groups, then all other flags, whose problems are reported together.
 */
export function checkOptions<Flags extends FlagSet>(
  definition: Pick<CommandDefinition<Flags>, 'flags' | 'exclusive' | 'together'>,
  given: ReadonlyMap<string, FlagValue>,
): OptionsOf<Flags> {
  const { flags, exclusive = [], together = [] } = definition;
  const problems: { readonly flag: string; readonly first: boolean; readonly message: string }[] = [];
  const options: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const checked = v.safeParse(flag.schema, given.get(name));
    options[optionName(name)] = checked.output;
    for (const { message } of checked.issues ?? []) {
      problems.push({ flag: name, first: flag.checkedFirst === true, message });
    }
  }
  const early = problems.find(({ first }) => first);
  if (early !== undefined) throw invalid([early]);
  requireFlags(flags, given);
  for (const group of exclusive) refuseTogether(group, given);
  for (const group of together) refuseApart(group, given);
  if (problems.length > 0) throw invalid(problems);
  return options as OptionsOf<Flags>;
}

function invalid(problems: readonly { readonly flag: string; readonly message: string }[]): ThvError {
  return new ThvError('ERR_FLAG_INVALID', {
    flag: problems.map(({ flag }) => flag).join(', '),
    reason: problems.map(({ message }) => message).join('\n'),
  });
}

function requireFlags(flags: FlagSet, given: ReadonlyMap<string, FlagValue>): void {
  const missing = Object.entries(flags).flatMap(([name, { required }]) =>
    required && !given.has(name) ? [name] : [],
  );
  if (missing.length === 0) return;
  const names = missing.map((name) => JSON.stringify(name)).join(', ');
  throw new ThvError('ERR_USAGE', { reason: `required flag(s) ${names} not set` });
}

function refuseTogether(group: readonly string[], given: ReadonlyMap<string, FlagValue>): void {
  const set = group.filter((name) => given.has(name)).sort();
  if (set.length < 2) return;
  throw new ThvError('ERR_USAGE', {
    reason: `if any flags in the group [${group.join(' ')}] are set none of the others can be; [${set.join(' ')}] were all set`,
  });
}

function refuseApart(group: readonly string[], given: ReadonlyMap<string, FlagValue>): void {
  const missing = group.filter((name) => !given.has(name)).sort();
  if (missing.length === 0 || missing.length === group.length) return;
  throw new ThvError('ERR_USAGE', {
    reason: `if any flags in the group [${group.join(' ')}] are set they must all be set; missing [${missing.join(' ')}]`,
  });
}
