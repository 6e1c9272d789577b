import { createCommand, findCommand, GLOBAL_FLAGS, renderHelp, renderUsage } from '../cli/index.ts';

export const help = createCommand({
  usage: '[command]',
  long: `Show the help of any command.

'thv help mcp list' is the same as 'thv mcp list --help'.`,
  flags: {},
  positionals: 'any',
  async run({ words, root, terminal }) {
    const found = await findCommand(root, words, GLOBAL_FLAGS).catch(() => undefined);
    if (found !== undefined) {
      terminal.out(renderHelp(found));
      return;
    }
    const topic = words.map((word) => `\`${word}\``).join(' ');
    terminal.err(
      `Unknown help topic [${topic}]\n${renderUsage({ path: 'thv', command: root, info: undefined })}`,
    );
  },
});
