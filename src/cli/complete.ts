import type { Command, Invocation, Suggestion } from './command.ts';
import { type FoundCommand, findCommand } from './find-command.ts';
import type { FlagSet } from './flag.ts';
import { GLOBAL_FLAGS, helpFlag } from './global-flags.ts';
import { parseFlags } from './parse-flags.ts';

export interface Completion {
  readonly suggestions: readonly Suggestion[];
  /** Whether the shell may offer file names when nothing else fits. */
  readonly files: boolean;
}

const NOTHING: Completion = { suggestions: [], files: false };

/** What may stand at the place of the last of `args`, which is the word being typed (possibly ''). */
export async function completeCommandLine(
  root: Command,
  args: readonly string[],
  openWorkloads: Invocation['openWorkloads'],
): Promise<Completion> {
  const typed = args.at(-1) ?? '';
  const found = await findCommand(root, args.slice(0, -1), GLOBAL_FLAGS).catch(() => undefined);
  if (found === undefined) return NOTHING;
  const { command, args: before } = found;
  const flags: FlagSet = { ...command.definition?.flags, ...GLOBAL_FLAGS, help: helpFlag(found.path) };
  const words = findWords(before, flags);
  if (before.includes('--')) return { suggestions: [], files: command.definition?.serverArguments === true };
  // The flag before the cursor still lacks its value: most of those are paths.
  if (words === undefined) return { suggestions: [], files: true };
  const isFlag = typed.startsWith('-');
  const offered = isFlag ? flagSuggestions(flags) : await wordSuggestions(found, words, openWorkloads);
  return {
    suggestions: offered.filter(({ value }) => value.startsWith(typed)),
    files: !isFlag && command.definition?.pathWord === words.length,
  };
}

/** Positional arguments among `args`; `undefined` when the last flag lacks its value. */
function findWords(args: readonly string[], flags: FlagSet): readonly string[] | undefined {
  try {
    return parseFlags(args, flags).words;
  } catch {
    // Half a command line: the one mistake that matters here is a flag at its end without a value.
    return needsValue(args.at(-1) ?? '', flags) ? undefined : [];
  }
}

function needsValue(argument: string, flags: FlagSet): boolean {
  const flag = argument.startsWith('--')
    ? flags[argument.slice(2)]
    : Object.values(flags).find(({ shorthand }) => argument === `-${shorthand}`);
  return flag !== undefined && flag.kind !== 'bool';
}

function flagSuggestions(flags: FlagSet): readonly Suggestion[] {
  return Object.entries(flags)
    .filter(([, flag]) => flag.hidden !== true && flag.deprecated === undefined)
    .map(([name, { help }]) => ({ value: `--${name}`, description: help }))
    .sort((one, other) => (one.value < other.value ? -1 : 1));
}

async function wordSuggestions(
  { command }: FoundCommand,
  words: readonly string[],
  openWorkloads: Invocation['openWorkloads'],
): Promise<readonly Suggestion[]> {
  const subCommands = Object.entries(command.subCommands ?? {})
    .filter(([, { info }]) => words.length === 0 && info.hidden !== true)
    .map(([value, { info }]) => ({ value, description: info.description }));
  const values = (await command.definition?.complete?.({ words, openWorkloads }).catch(() => [])) ?? [];
  return [...subCommands, ...values];
}
