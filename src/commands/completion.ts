import * as v from 'valibot';
import { createCommand, createGroup, lazily } from '../cli/index.ts';
import { COMPLETION_SCRIPTS, type Shell } from './completion-scripts.ts';

const INSTALL: Readonly<Record<Shell, string>> = {
  bash: `To load it in the current shell:

	source <(thv completion bash)

To load it in every new shell (Linux, macOS with Homebrew):

	thv completion bash > /etc/bash_completion.d/thv
	thv completion bash > $(brew --prefix)/etc/bash_completion.d/thv`,
  zsh: `To load it in the current shell:

	source <(thv completion zsh)

To load it in every new shell, put it into a folder of your fpath:

	thv completion zsh > "\${fpath[1]}/_thv"`,
  fish: `To load it in the current shell:

	thv completion fish | source

To load it in every new shell:

	thv completion fish > ~/.config/fish/completions/thv.fish`,
  powershell: `To load it in the current shell:

	thv completion powershell | Out-String | Invoke-Expression

To load it in every new shell, add that line to your profile.`,
};

export const completion = createGroup(
  'Print the script that lets a shell complete the command line of thv.',
  Object.fromEntries(
    (['bash', 'fish', 'powershell', 'zsh'] as const).map((shell) => [
      shell,
      lazily({ description: `Print the completion script for ${shell}` }, async () =>
        createCompletion(shell),
      ),
    ]),
  ),
);

function createCompletion(shell: Shell) {
  return createCommand({
    usage: '[flags]',
    long: `Print the completion script for ${shell}.\n\n${INSTALL[shell]}`,
    flags: {
      'no-descriptions': {
        kind: 'bool',
        help: 'Complete without descriptions',
        schema: v.optional(v.boolean(), false),
      },
    },
    positionals: 'none',
    async run({ options, terminal }) {
      terminal.out(COMPLETION_SCRIPTS[shell](options.noDescriptions ? '__completeNoDesc' : '__complete'));
    },
  });
}
