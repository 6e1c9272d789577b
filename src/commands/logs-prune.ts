import { createCommand, type Invocation } from '../cli/index.ts';

export const logsPrune = createCommand({
  usage: '[flags]',
  long: 'Delete the log files of MCP servers that no longer exist.',
  flags: {},
  positionals: 'none',
  run: pruneLogs,
});

/** Resolves with the exit code: 1 when a file could not be deleted (spec 01 §14-18). */
export async function pruneLogs({ openWorkloads, signal, terminal }: Invocation): Promise<number> {
  const { folderExists, logFiles, removed, failed } = await (await openWorkloads()).pruneLogs({ signal });
  for (const path of removed) terminal.out(`Removed: ${path}\n`);
  for (const { path, error } of failed) terminal.err(`Error: failed to remove ${path}: ${error.message}\n`);
  if (failed.length > 0) return 1;
  if (!folderExists) terminal.out('No logs directory found, nothing to prune\n');
  else if (logFiles === 0) terminal.out('No log files found\n');
  else if (removed.length === 0) terminal.out('No orphaned log files found to prune\n');
  return 0;
}
