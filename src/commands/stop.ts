import * as v from 'valibot';
import { createCommand, groupFlag } from '../cli/index.ts';
import { within } from '../errors/index.ts';
import type { Workload, WorkloadManager } from '../workloads/index.ts';
import { confirm } from './progress.ts';
import { namesOrSelection, reportOutcomes, workloadsOf } from './select-workloads.ts';
import { completeWorkloadName } from './workload-names.ts';

/** What `--all` and `--group` stop: everything with a life in it (spec 02 §15-3). */
const ALIVE: ReadonlySet<Workload['status']> = new Set([
  'starting',
  'running',
  'unhealthy',
  'unauthenticated',
  'auth_retrying',
]);

export const stop = createCommand({
  usage: '[NAME...] [flags]',
  long: `Stop MCP servers. They keep their settings and their URL: 'thv start' brings them back.

Name one or several workloads, or use --all or --group.`,
  examples: `
  thv stop fetch
  thv stop fetch github
  thv stop --all`,
  flags: {
    all: {
      kind: 'bool',
      shorthand: 'a',
      help: 'Stop all running workloads',
      schema: v.optional(v.boolean(), false),
    },
    group: { ...groupFlag, shorthand: 'g', help: 'Stop all running workloads in this group' },
    timeout: {
      kind: 'int',
      help: 'Seconds a server gets to end by itself before it is killed (30 without this flag, 4 for stdio servers)',
      schema: v.optional(
        v.pipe(
          v.number(),
          v.check(
            (seconds) => seconds >= 0,
            ({ input }) => `invalid value for --timeout: ${input} (must not be negative)`,
          ),
        ),
      ),
    },
  },
  positionals: namesOrSelection,
  exclusive: [['all', 'group']],
  complete: completeWorkloadName,
  async run({ options, words, signal, terminal, openWorkloads }) {
    const workloads = await openWorkloads();
    const names =
      words.length > 0 ? [...new Set(words)] : await findRunning(workloads, options.group, signal);
    if (names.length === 0) {
      const { group } = options;
      terminal.out(
        group === ''
          ? 'No running workloads to stop\n'
          : `No running MCP servers found in group '${group}'\n`,
      );
      return;
    }
    const outcomes = await within('failed to stop workloads', () =>
      workloads.stop(names, { signal, graceSeconds: options.timeout }),
    );
    const stopped = outcomes.filter(({ result }) => result === 'done' || result === 'already');
    if (stopped.length > 0) confirm(terminal, `stopped: ${stopped.map(({ name }) => name).join(', ')}`);
    reportOutcomes('stop', outcomes, terminal);
  },
});

async function findRunning(
  workloads: WorkloadManager,
  group: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const all = await workloadsOf(workloads, group, signal);
  return all.filter(({ status }) => ALIVE.has(status)).map(({ name }) => name);
}
