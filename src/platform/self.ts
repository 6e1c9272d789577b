/** The command that starts this program again: the executable, or the runtime and the script during development. */
export function selfCommand(): readonly string[] {
  // On Linux the path of an executable that was replaced on disk ends in this remark; the new file is the one wanted.
  const executable = process.execPath.replace(/ \(deleted\)$/, '');
  const isCompiled = Bun.main.startsWith('/$bunfs/') || /^[A-Z]:[\\/]~BUN[\\/]/i.test(Bun.main);
  return isCompiled ? [executable] : [executable, Bun.main];
}
