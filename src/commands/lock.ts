import * as v from 'valibot';
import { createCommand, formatFlag, type Invocation, type OptionsOf, printJson } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import type { ToolDifference } from '../tool-lock/index.ts';
import { completeWorkloadName } from './workload-names.ts';

const Switch = v.optional(v.boolean(), false);
const flags = {
  diff: { kind: 'bool', help: 'Show what differs from what was locked, and change nothing', schema: Switch },
  update: { kind: 'bool', help: 'Lock the tools as they are now', schema: Switch },
  remove: { kind: 'bool', help: 'Forget what was locked', schema: Switch },
  format: formatFlag(['json', 'text'], 'text'),
} as const;

export const lock = createCommand({
  usage: 'NAME [flags]',
  long: `Record the tools of a running MCP server as you approve them: name, title, description, annotations and schemas.

A server that was started with 'thv run --locked' shows only tools that are as they were recorded, and calls of
others are refused, so that a server cannot change what it tells a model after you have looked at it.

With --diff the exit code is 1 when something differs.`,
  examples: `
  thv run --locked fetch && thv lock fetch
  thv lock fetch --diff
  thv lock fetch --update`,
  flags,
  exclusive: [['diff', 'update', 'remove']],
  positionals: { exactly: 1 },
  complete: completeWorkloadName,
  async run(invocation) {
    const { words, options, terminal, openWorkloads, signal } = invocation;
    const [name = ''] = words;
    const workloads = await openWorkloads();
    if (options.remove) {
      await workloads.unlockTools(name);
      return void terminal.err(`The tools of ${name} are not locked any more\n`);
    }
    const { present, isEnforced } = await workloads.tools(name, { signal });
    const { compareTools } = await import('../tool-lock/index.ts');
    // A lock that cannot be read is replaced by one that can.
    const locked = options.update
      ? await workloads.toolLock(name).catch(() => undefined)
      : await workloads.toolLock(name);
    const differences = compareTools(locked, present);
    if (options.diff) {
      show(invocation, differences, locked === undefined);
      return differences.length === 0 ? 0 : 1;
    }
    if (locked !== undefined && differences.length > 0 && !options.update) throw differ(name, differences);
    if (locked === undefined || differences.length > 0 || options.update)
      await workloads.lockTools(name, present);
    show(invocation, differences, locked === undefined);
    if (!isEnforced) {
      const how = `start it with 'thv run --locked' to have the lock kept`;
      terminal.err(`Note: ${name} was started without --locked, so its tools are recorded only; ${how}\n`);
    }
    return 0;
  },
});

function differ(name: string, differences: readonly ToolDifference[]): ThvError {
  const which = differences.map(summary).join('; ');
  return new ThvError(
    'ERR_TOOLS_DIFFER',
    { workload: name, reason: `the tools of ${name} are not as they were locked: ${which}` },
    { hint: `look at them with 'thv lock ${name} --diff', accept them with 'thv lock ${name} --update'` },
  );
}

function summary(difference: ToolDifference): string {
  const { kind, tool } = difference;
  return kind === 'changed' ? `${tool}: ${difference.parts.join(', ')} changed` : `${tool} is ${kind}`;
}

function show(
  { terminal, options: { format, diff } }: Pick<Invocation<OptionsOf<typeof flags>>, 'terminal' | 'options'>,
  differences: readonly ToolDifference[],
  isFirst: boolean,
): void {
  if (format === 'json') printJson(terminal, { locked: !diff, differences });
  else if (differences.length === 0) terminal.out('The tools are as they were locked\n');
  else if (isFirst) {
    const names = differences.map(({ tool }) => tool).join(', ');
    terminal.out(`${diff ? 'Not locked yet' : `Locked ${differences.length} tools`}: ${names}\n`);
  } else for (const difference of differences) terminal.out(`${summary(difference)}\n${detail(difference)}`);
}

/** What a changed part was, and what it is. */
function detail(difference: ToolDifference): string {
  if (difference.kind !== 'changed') return '';
  const { locked, present } = difference;
  return difference.parts
    .map((part) => {
      const line = (sign: string, value: unknown) =>
        value === undefined ? '' : `  ${sign} ${part}: ${JSON.stringify(value)}\n`;
      return (
        line('-', locked[part as keyof typeof locked]) + line('+', present[part as keyof typeof present])
      );
    })
    .join('');
}
