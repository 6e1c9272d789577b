import { ThvError } from '../errors/index.ts';
import { similarNames } from '../platform/index.ts';
import type { Command, CommandInfo, LazyCommand } from './command.ts';
import type { FlagSet } from './flag.ts';

export interface FoundCommand {
  /** Full name, for example `thv mcp list`. */
  readonly path: string;
  readonly command: Command;
  /** The command's entry in the tree; the root has none. */
  readonly info: CommandInfo | undefined;
  /** The arguments without the words that named the command. */
  readonly args: readonly string[];
}

/**
 * Follows the words of `args` down the tree; flags may stand between them. Throws `ERR_USAGE` for a word that names no
 * command where only commands are possible.
 */
export async function findCommand(
  root: Command,
  args: readonly string[],
  globalFlags: FlagSet,
): Promise<FoundCommand> {
  let found: FoundCommand = { path: 'thv', command: root, info: undefined, args };
  for (;;) {
    const { command, path } = found;
    if (command.subCommands === undefined || command.definition?.rawArguments === true) return found;
    const flags = { ...command.definition?.flags, ...globalFlags };
    const index = findWord(found.args, flags);
    const word = index === undefined ? undefined : found.args[index];
    if (index === undefined || word === undefined) return found;
    const entry = findEntry(command, word);
    if (entry === undefined) {
      if (command.definition !== undefined) return found;
      throw unknownCommand(word, path, command, found.info === undefined);
    }
    const [name, load] = entry;
    found = {
      path: `${path} ${name}`,
      command: await load(),
      info: load.info,
      args: found.args.toSpliced(index, 1),
    };
  }
}

function findEntry(command: Command, word: string): readonly [string, LazyCommand] | undefined {
  return Object.entries(command.subCommands ?? {}).find(
    ([name, { info }]) => name === word || info.alias?.includes(word),
  );
}

/**
 * Index of the first argument that is neither a flag nor a flag's value. A flag that is not known here belongs to the
 * command still to be found, and is taken to have a value, as the reference does (cobra's `stripFlags`).
 */
function findWord(args: readonly string[], flags: FlagSet): number | undefined {
  const takesValue = (argument: string) => {
    if (argument.includes('=')) return false;
    if (argument.startsWith('--')) return flags[argument.slice(2)]?.kind !== 'bool';
    if (argument.length !== 2) return false;
    return Object.values(flags).find(({ shorthand }) => shorthand === argument[1])?.kind !== 'bool';
  };
  for (let at = 0; at < args.length; at += 1) {
    const argument = args[at] ?? '';
    if (argument === '--') return undefined;
    if (!argument.startsWith('-') || argument === '-') return at;
    if (takesValue(argument)) at += 1;
  }
  return undefined;
}

function unknownCommand(word: string, path: string, command: Command, isRoot: boolean): ThvError {
  const sentence = `unknown command ${JSON.stringify(word)} for ${JSON.stringify(path)}`;
  if (!isRoot) return new ThvError('ERR_USAGE', { reason: sentence });
  const visible = Object.entries(command.subCommands ?? {}).flatMap(([name, { info }]) =>
    info.hidden ? [] : [name],
  );
  const similar = similarNames(word, visible);
  const block =
    similar.length === 0 ? '' : `\nDid you mean this?\n${similar.map((name) => `\t${name}\n`).join('')}\n`;
  return new ThvError('ERR_USAGE', { reason: `${sentence}\n${block}Run 'thv --help' for usage.` });
}
