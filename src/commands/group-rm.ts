import * as v from 'valibot';
import { createCommand, type Invocation } from '../cli/index.ts';
import { ThvError } from '../errors/index.ts';
import { confirm } from './progress.ts';
import { reportOutcomes } from './select-workloads.ts';

export const groupRm = createCommand({
  usage: 'NAME [flags]',
  long: `Delete a group. Its servers move to the default group, or are deleted with it.

Asks before it touches a server, unless --yes is given.`,
  examples: `
  thv group rm dev
  thv group rm dev --with-workloads --yes`,
  flags: {
    'with-workloads': {
      kind: 'bool',
      help: 'Delete the servers of the group along with it',
      schema: v.optional(v.boolean(), false),
    },
    yes: {
      kind: 'bool',
      shorthand: 'y',
      help: 'Do not ask',
      schema: v.optional(v.boolean(), false),
    },
  },
  positionals: { exactly: 1 },
  async run(invocation) {
    const { options, words, signal, terminal } = invocation;
    const [group = ''] = words;
    const workloads = await invocation.openWorkloads();
    const members = await workloads.groupMembers(group);
    const { withWorkloads, yes } = options;
    if (members.length > 0 && !yes && !(await isConfirmed(invocation, group, members, withWorkloads))) {
      terminal.out('Group deletion cancelled.\n');
      return;
    }
    const outcomes = await workloads.deleteGroup(group, { withWorkloads, signal });
    reportOutcomes(withWorkloads ? 'remove' : 'move', outcomes, terminal);
    confirm(terminal, `removed: ${group}`);
  },
});

/** Asks on the terminal whether the group and what happens to its members is meant; true for `y` and `yes` (spec 01 §9.1). */
async function isConfirmed(
  { input, signal, terminal }: Pick<Invocation, 'input' | 'signal' | 'terminal'>,
  group: string,
  members: readonly string[],
  withWorkloads: boolean,
): Promise<boolean> {
  const [what, fate, warning] = withWorkloads
    ? ['and DELETE all workloads belonging to it.', 'will be DELETED', 'This action cannot be undone. ']
    : ["and move all workloads to the 'default' group", "will be moved to the 'default' group", ''];
  terminal.out(
    [
      `⚠️  WARNING: This will delete group '${group}' ${what}`,
      `   The following ${members.length} workload(s) will be affected:`,
      ...members.map((member) => `   - ${member} (${fate})`),
      '',
      `${warning}Are you sure you want to continue? [y/N]: `,
    ].join('\n'),
  );
  const answer = await input.readLine({ signal });
  if (answer === undefined)
    throw new ThvError('ERR_INPUT_INVALID', { reason: 'failed to read user input: EOF' });
  return /^(?:y|yes)$/i.test(answer.trim());
}
