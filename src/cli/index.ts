export { type BuildInfo, buildInfo } from './build-info.ts';
export {
  type Command,
  type CommandInfo,
  type CommandTree,
  createCommand,
  createGroup,
  type Environment,
  type Invocation,
  lazily,
  type Suggestion,
} from './command.ts';
export { type Completion, completeCommandLine } from './complete.ts';
export { findCommand } from './find-command.ts';
export type { FlagSet, OptionsOf } from './flag.ts';
export { formatFlag } from './format-flag.ts';
export { GLOBAL_FLAGS } from './global-flags.ts';
export { groupFilterFlag } from './group-name.ts';
export { renderHelp, renderUsage } from './help.ts';
export { isDebugEnvironment } from './log-settings.ts';
export { runCommandLine } from './run-command-line.ts';
export { watchSignals } from './signals.ts';
export { renderTable } from './table.ts';
export { openTerminal, printJson, type Terminal } from './terminal.ts';
