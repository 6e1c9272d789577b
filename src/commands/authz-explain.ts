import type { ToolExplanation } from '../authz/index.ts';
import { createCommand, formatFlag, printJson, renderTable } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { completeWorkloadName } from './workload-names.ts';

type Say = ToolExplanation['says'][number];

export const authzExplain = createCommand({
  usage: 'NAME [flags]',
  long: `Show, for each tool of a running MCP server, who may call it by its policies.

Callers are told by the scopes of the policies; conditions are shown as they are written, since they
depend on the caller's claims and on the arguments. 'thv authz test' decides one request in full.`,
  examples: `
  thv authz explain github
  thv authz explain github --format json`,
  flags: { format: formatFlag(['json', 'text'], 'text') },
  positionals: { exactly: 1 },
  complete: completeWorkloadName,
  async run({ words: [name = ''], options: { format }, signal, terminal, openWorkloads }) {
    const workloads = await openWorkloads();
    const config = await workloads.policies(name);
    const { present } = await workloads.tools(name, { signal });
    const tools = present.map((tool) => String(tool.name));
    const explained = config === undefined ? undefined : await explain(config, name, tools);
    const rows = tools.map((tool) => ({
      tool,
      says: explained?.find((one) => one.tool === tool)?.says ?? [EVERYONE],
    }));
    if (format === 'json')
      printJson(terminal, { workload: name, hasPolicies: config !== undefined, tools: rows });
    else {
      if (config === undefined)
        terminal.err(`${name} has no policies: whoever can connect may call every tool\n`);
      terminal.out(renderTable([['TOOL', 'WHO MAY CALL IT'], ...rows.flatMap(linesFor)]));
    }
  },
});

const EVERYONE: Say = { policy: '', effect: 'permit', who: 'everyone', conditions: '' };

async function explain(
  config: Parameters<typeof import('../authz/index.ts').explainTools>[0],
  name: string,
  tools: readonly string[],
): Promise<readonly ToolExplanation[]> {
  const { explainTools } = await import('../authz/index.ts');
  const explained = await explainTools(config, name, tools);
  if (explained !== undefined) return explained;
  const reason = `${name} asks an HTTP policy decision point, which does not tell its rules`;
  throw new ThvError('ERR_NOT_AVAILABLE', { workload: name, reason });
}

/** One line for each policy that has a say; what is forbidden to everybody is nobody's. */
function linesFor({ tool, says }: ToolExplanation): readonly (readonly [string, string])[] {
  const permits = says.filter(({ effect }) => effect === 'permit');
  const forbids = says.filter(({ effect }) => effect === 'forbid');
  const isForbidden = forbids.find(({ who, conditions }) => who === 'everyone' && conditions === '');
  if (permits.length === 0) return [[tool, 'nobody: no policy permits it']];
  if (isForbidden !== undefined) return [[tool, `nobody: forbidden by ${isForbidden.policy}`]];
  const lines = [...permits.map((say) => lineOf(say)), ...forbids.map((say) => `but not ${lineOf(say)}`)];
  return lines.map((line, index) => [index === 0 ? tool : '', line]);
}

function lineOf({ who, conditions, policy }: Say): string {
  const when = conditions === '' ? '' : ` ${conditions}`;
  return policy === '' ? who : `${who}${when} (${policy})`;
}
