// citty holds the tree and runs what was found in it. Finding it and reading argv are our own (`find-command.ts`, `parse-flags.ts`),
// because citty's parser takes misspelt flags for words and its `runMain` prints usage and exits by itself (spec 01 §1.1, §1.4).
import { type CommandDef, type CommandMeta, defineCommand } from 'citty';
import type { Logger, Paths } from '../platform/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';
import type { FlagSet, OptionsOf } from './flag.ts';
import type { Input } from './input.ts';
import type { PositionalRule } from './positionals.ts';
import type { Terminal } from './terminal.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What one call of a command is given; the command touches the process through nothing else. */
export interface Invocation<Options = unknown> {
  readonly options: Options;
  /** Long names of the flags that occur on the command line, even with their default value. */
  readonly given: ReadonlySet<string>;
  /** Positional arguments; with `serverArguments` only those before the first `--`. */
  readonly words: readonly string[];
  /** What stands behind the first `--`, for commands with `serverArguments`. */
  readonly serverArguments: readonly string[];
  readonly debug: boolean;
  readonly terminal: Terminal;
  readonly input: Input;
  readonly env: Environment;
  /** Aborts on SIGINT, SIGTERM and SIGQUIT (spec 01 §2.5). */
  readonly signal: AbortSignal;
  readonly root: Command;
  openWorkloads(): Promise<WorkloadManager>;
  openLog(): Promise<Logger>;
  findPaths(): Promise<Paths>;
}

export interface Suggestion {
  readonly value: string;
  readonly description?: string;
}

/** A command as data. Its short text, aliases and visibility stand in the tree, so that listing it does not load it. */
export interface CommandDefinition<Flags extends FlagSet = FlagSet> {
  /** Usage line behind the command's path, for example `NAME [flags]`. */
  readonly usage: string;
  readonly long: string;
  readonly examples?: string;
  readonly flags: Flags;
  readonly positionals: PositionalRule;
  /** What stands behind `--` is passed on instead of being positional (spec 01 §4.2). */
  readonly serverArguments?: boolean;
  /** The arguments are not parsed: all of them are words. */
  readonly rawArguments?: boolean;
  readonly exclusive?: readonly (readonly (keyof Flags & string)[])[];
  readonly together?: readonly (readonly (keyof Flags & string)[])[];
  readonly unknownFlagHint?: (flag: string) => string;
  /** Index of the positional argument that is, or may be, a path: there the shell offers its own completion. */
  readonly pathWord?: number;
  /** Values for the positional argument behind `words`, for shell completion. */
  complete?(request: {
    readonly words: readonly string[];
    openWorkloads(): Promise<WorkloadManager>;
  }): Promise<readonly Suggestion[]>;
  /** Resolves with the exit code; nothing means 0. */
  run(invocation: Invocation<OptionsOf<Flags>>): Promise<number | undefined> | Promise<void>;
}

export interface CommandInfo extends CommandMeta {
  readonly description: string;
  readonly alias?: string[];
}

/** A subcommand that is imported when it is asked for; what a listing shows is known before. */
export type LazyCommand = (() => Promise<Command>) & { readonly info: CommandInfo };
export type CommandTree = Readonly<Record<string, LazyCommand>>;

/** citty's command, with what our edge needs beside it. A group has no definition. */
export type Command = CommandDef & {
  readonly long: string;
  /** Without `run`, which citty calls. */
  readonly definition?: Omit<CommandDefinition, 'run'>;
  readonly subCommands?: CommandTree;
};

export function createCommand<const Flags extends FlagSet>(
  definition: CommandDefinition<Flags>,
  subCommands: CommandTree = {},
): Command {
  const run = ({ data }: { data?: Invocation<OptionsOf<Flags>> }) => data && definition.run(data);
  return Object.assign(defineCommand({ run }), { long: definition.long, definition, subCommands });
}

/** A command that only holds others; without a subcommand it prints its help (spec 01 §1.4). */
export function createGroup(long: string, subCommands: CommandTree): Command {
  return Object.assign(defineCommand({}), { long, subCommands });
}

export function lazily(info: CommandInfo, load: () => Promise<Command>): LazyCommand {
  return Object.assign(async () => ({ ...(await load()), meta: info }), { info });
}
