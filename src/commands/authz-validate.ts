import type { FileProblem } from '../authz/index.ts';
import { createCommand, formatFlag, printJson } from '../cli/index.ts';

export const authzValidate = createCommand({
  usage: 'FILE [flags]',
  long: `Find everything that is wrong with a file of policies, with the place of each mistake.

Ends with exit code 1 when there is something. 'thv run' makes the same check before it creates anything.`,
  examples: `
  thv authz validate policies.yaml
  thv authz validate policies.yaml --format json`,
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { exactly: 1 },
  pathWord: 0,
  async run({ words: [path = ''], options: { format }, terminal }) {
    const { checkAuthzFile, readAuthzFile } = await import('../authz/index.ts');
    const problems = await checkAuthzFile(await readAuthzFile(path));
    if (format === 'json') printJson(terminal, { file: path, valid: problems.length === 0, problems });
    else if (problems.length === 0) terminal.out(`${path} is valid\n`);
    else for (const problem of problems) terminal.out(`${describe(path, problem)}\n`);
    return problems.length === 0 ? 0 : 1;
  },
});

/** `policies.yaml:7:22: policy 1: unexpected token` */
function describe(path: string, { message, policy, line, column }: FileProblem): string {
  const place = line === undefined ? path : `${path}:${line}:${column}`;
  return policy === undefined ? `${place}: ${message}` : `${place}: policy ${policy}: ${message}`;
}
