import * as v from 'valibot';
import { createCommand, groupFlag } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import { confirm } from './progress.ts';
import { namesOrSelection, reportOutcomes, workloadsOf } from './select-workloads.ts';
import { completeWorkloadName } from './workload-names.ts';

export const rm = createCommand({
  usage: '[NAME...] [flags]',
  long: `Remove MCP servers with their containers and settings. Running ones are stopped first.

Name one or several workloads, or use --all or --group.`,
  examples: `
  thv rm fetch
  thv rm --all`,
  flags: {
    all: { kind: 'bool', help: 'Remove all workloads', schema: v.optional(v.boolean(), false) },
    group: { ...groupFlag, shorthand: 'g', help: 'Remove all workloads in this group' },
    'keep-logs': { kind: 'bool', help: 'Keep the log files', schema: v.optional(v.boolean(), false) },
  },
  positionals: namesOrSelection,
  exclusive: [['all', 'group']],
  complete: completeWorkloadName,
  async run({ options, words, signal, terminal, openWorkloads }) {
    const workloads = await openWorkloads();
    const names =
      words.length > 0
        ? [...new Set(words)]
        : (await workloadsOf(workloads, options.group, signal)).map(({ name }) => name);
    if (names.length === 0) {
      const { group } = options;
      terminal.out(
        group === '' ? 'No running workloads to delete\n' : `No workloads found in group '${group}'\n`,
      );
      return;
    }
    const outcomes = await within('failed to delete workloads', () =>
      workloads.remove(names, { signal, keepLogs: options.keepLogs }),
    );
    const removed = outcomes.filter(({ result }) => result === 'done' || result === 'already');
    if (removed.length > 0) confirm(terminal, `removed: ${removed.map(({ name }) => name).join(', ')}`);
    reportOutcomes('remove', outcomes, terminal);
  },
});
