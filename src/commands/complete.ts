import { type Completion, completeCommandLine, createCommand, type Invocation } from '../cli/index.ts';

/** What the reference's completion scripts know as `ShellCompDirectiveDefault` and `…NoFileComp`. */
const DEFAULT = 0;
const NO_FILES = 4;

/** `thv __complete WORDS… TYPED`: what shells ask; scripts of the reference's installations ask the same way. */
export const complete = createCompleteCommand(({ value, description }) =>
  description === undefined ? value : `${value}\t${description}`,
);

export const completeWithoutDescriptions = createCompleteCommand(({ value }) => value);

function createCompleteCommand(render: (suggestion: Completion['suggestions'][number]) => string) {
  return createCommand({
    usage: '[command-line]',
    long: 'Request shell completion choices for a command line.',
    flags: {},
    positionals: 'any',
    rawArguments: true,
    async run({ words, root, terminal, openWorkloads }: Invocation) {
      const { suggestions, files } = await completeCommandLine(root, words, openWorkloads);
      const lines = suggestions.map((suggestion) => `${render(suggestion)}\n`);
      terminal.out(`${lines.join('')}:${files ? DEFAULT : NO_FILES}\n`);
    },
  });
}
