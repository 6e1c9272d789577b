import { runCommand } from 'citty';
import { ThvError } from '../errors/index.ts';
import type { Logger, Paths } from '../platform/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';
import { checkOptions } from './check-options.ts';
import type { Command, Environment, Invocation } from './command.ts';
import { checkDesktopConflict } from './desktop-conflict.ts';
import { type FoundCommand, findCommand } from './find-command.ts';
import { GLOBAL_FLAGS, helpFlag } from './global-flags.ts';
import { renderHelp } from './help.ts';
import { type Input, openInput } from './input.ts';
import { type ParsedFlags, parseFlags } from './parse-flags.ts';
import { findPositionalProblem } from './positionals.ts';
import { reportError } from './report-error.ts';
import type { Interruption } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { startUpdateCheck } from './update-notice.ts';

export interface CommandLine {
  readonly root: Command;
  /** Without the program's own name. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly terminal: Terminal;
  /** Stdin of this process unless given. */
  readonly input?: Input;
  readonly interruption: Interruption;
  readonly createWorkloads: (deps: {
    readonly env: Environment;
    readonly paths: Paths;
    readonly logger: Logger;
  }) => Promise<WorkloadManager>;
}

/** Finds, checks and runs the command; resolves with the exit code (spec 01 §1.3, §1.4). Never throws. */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const { root, env, terminal, interruption } = line;
  const args = withVersionCommand(line.args);
  let debug = false;
  let name = 'thv';
  try {
    const found = await findCommand(root, args, GLOBAL_FLAGS);
    const { command, path } = found;
    const { definition } = command;
    name = path;
    const parsed = parseArguments(found);
    debug = parsed.values.get('debug') === true;
    if (parsed.values.get('help') === true) {
      terminal.out(renderHelp(found));
      return 0;
    }
    const { words, serverArguments } = splitWords(found, parsed);
    const problem = findPositionalProblem(definition?.positionals ?? 'none', words, parsed.values, path);
    if (problem !== undefined) throw new ThvError('ERR_USAGE', { reason: problem });
    if (definition === undefined) {
      terminal.out(renderHelp(found));
      return 0;
    }
    checkDesktopConflict(env);
    const options = checkOptions(definition, parsed.values);
    warnOfDeprecation(found, parsed, terminal);
    const services = openServices(line, debug);
    const invocation: Invocation = {
      options,
      given: new Set(parsed.values.keys()),
      words,
      serverArguments,
      debug,
      terminal,
      input: line.input ?? openInput(() => terminal.stdinIsTty),
      env,
      signal: interruption.signal,
      root,
      ...services,
    };
    // citty runs the command; its own parser is given nothing to parse, because ours has done it.
    const updates = startUpdateCheck({ command: path, env, terminal, ...services });
    try {
      const { result } = await runCommand(command, { rawArgs: [], data: invocation });
      return typeof result === 'number' ? result : 0;
    } finally {
      updates.end();
    }
  } catch (error) {
    const interruptedCode = interruption.exitCode();
    return await reportError(error, { command: name, env, terminal, debug, interruptedCode });
  }
}

/** `thv --version` is what people try first. */
function withVersionCommand(args: readonly string[]): readonly string[] {
  return args[0] === '--version' ? ['version', ...args.slice(1)] : args;
}

function parseArguments({ command: { definition }, path, args }: FoundCommand): ParsedFlags {
  if (definition?.rawArguments === true) return { values: new Map(), words: args, rest: undefined };
  const flags = { ...definition?.flags, ...GLOBAL_FLAGS, help: helpFlag(path) };
  return parseFlags(args, flags, { unknownFlagHint: definition?.unknownFlagHint });
}

function splitWords({ command: { definition } }: FoundCommand, { words, rest = [] }: ParsedFlags) {
  return definition?.serverArguments === true
    ? { words, serverArguments: rest }
    : { words: [...words, ...rest], serverArguments: [] };
}

function warnOfDeprecation(
  { command: { definition } }: FoundCommand,
  { values }: ParsedFlags,
  terminal: Terminal,
): void {
  for (const [name, flag] of Object.entries(definition?.flags ?? {})) {
    if (flag.deprecated !== undefined && values.has(name)) {
      terminal.err(`Flag --${name} has been deprecated, ${flag.deprecated}\n`);
    }
  }
}

/** What commands open when they need it, each at most once. */
function openServices({ env, terminal, createWorkloads }: CommandLine, debug: boolean) {
  const services = () => import('./services.ts');
  const findPaths = once(async () => (await services()).findPaths(env));
  const openLog = once(async () => (await services()).openLog({ env, terminal, debug }));
  const openWorkloads = once(async () => {
    const paths = await findPaths();
    (await services()).removeLeftLocks(paths);
    return createWorkloads({ env, paths, logger: await openLog() });
  });
  return { findPaths, openLog, openWorkloads };
}

function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opened: Promise<T> | undefined;
  return () => {
    opened ??= open();
    return opened;
  };
}
