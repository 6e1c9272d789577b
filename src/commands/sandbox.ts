import { createCommand } from '../cli/index.ts';

export const sandbox = createCommand({
  usage: 'PART [args]',
  long: 'The parts of this program that run inside the sandbox of a process. Not meant to be called.',
  flags: {},
  positionals: 'any',
  rawArguments: true,
  async run({ words }) {
    const { runSandboxPart } = await import('../processes/index.ts');
    return runSandboxPart(words);
  },
});
