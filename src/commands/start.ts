import * as v from 'valibot';
import { createCommand, endAtHangUp, groupFlag, type Invocation, type OptionsOf } from '../cli/index.ts';
import { messageOf, ThvError } from '../errors/index.ts';
import type { Outcome, WorkloadManager } from '../workloads/index.ts';
import { confirm } from './progress.ts';
import { selects, workloadsOf } from './select-workloads.ts';
import { waitFlags, waitUntilRunning } from './wait-until-running.ts';
import { completeWorkloadName } from './workload-names.ts';

const flags = {
  all: { kind: 'bool', shorthand: 'a', help: 'Start all workloads', schema: v.optional(v.boolean(), false) },
  group: { ...groupFlag, shorthand: 'g', help: 'Start all workloads in this group' },
  foreground: {
    kind: 'bool',
    shorthand: 'f',
    help: 'Run in foreground mode (block until container exits)',
    schema: v.optional(v.boolean(), false),
  },
  ...waitFlags,
} as const;

type Start = Invocation<OptionsOf<typeof flags>>;

export const start = createCommand({
  usage: '[NAME] [flags]',
  long: `Start MCP servers that were stopped or have failed, with the settings and the URL they had before.

What is running already is left alone. Name one workload, or use --all or --group.`,
  examples: `
  thv start fetch
  thv start fetch --wait
  thv start --all`,
  flags,
  positionals(words, given) {
    if (words.length > 1) return `accepts at most 1 arg(s), received ${words.length}`;
    if (selects(given)) {
      return words.length === 0
        ? undefined
        : 'cannot specify both flags and workload name. Hint: use either a name or a flag, not both';
    }
    return words.length === 1
      ? undefined
      : "must specify either --all flag, --group flag, or workload name. Hint: use 'thv list --all' to see available workloads";
  },
  exclusive: [
    ['all', 'group'],
    ['all', 'foreground'],
    ['group', 'foreground'],
    ['foreground', 'wait'],
  ],
  complete: completeWorkloadName,
  async run(invocation) {
    const [name] = invocation.words;
    const workloads = await invocation.openWorkloads();
    if (name === undefined) return startMany(invocation, workloads);
    if (invocation.options.foreground) return startForeground(invocation, workloads, name);
    await startOne(invocation, workloads, name);
    if (!invocation.terminal.stderrIsTty) return;
    const { url, status } = await workloads.get(name, { signal: invocation.signal });
    confirm(invocation.terminal, `${name} is ${status} at ${url}`);
  },
});

async function startForeground(
  { signal, openLog }: Start,
  workloads: WorkloadManager,
  name: string,
): Promise<void> {
  endAtHangUp(process);
  const log = await openLog();
  const onReady = () => log.info('workload started successfully, press Ctrl+C to stop');
  await workloads.startForeground(name, { signal, onReady });
}

async function startOne({ options, signal }: Start, workloads: WorkloadManager, name: string): Promise<void> {
  throwFailure(await workloads.start(name, { signal }));
  if (options.wait) await waitUntilRunning(workloads, name, { timeoutMs: options.waitTimeout, signal });
}

async function startMany(invocation: Start, workloads: WorkloadManager): Promise<void> {
  const { options, signal, terminal } = invocation;
  const { group } = options;
  const all = await workloadsOf(workloads, group, signal);
  if (all.length === 0) {
    terminal.out(`No workloads found${group === '' ? '' : ` in group '${group}'`} to restart\n`);
    return;
  }
  const failures: string[] = [];
  for (const { name } of all) {
    terminal.out(`Restarting ${name}...`);
    try {
      await startOne(invocation, workloads, name);
      terminal.out('\n');
    } catch (error) {
      signal.throwIfAborted();
      // One failure stops none of the others (spec 02 §15-27).
      failures.push(`  - ${name}: ${messageOf(error)}\n`);
      terminal.out(` failed: ${messageOf(error)}\n`);
    }
  }
  terminal.out(`\nRestart summary: ${all.length - failures.length} succeeded, ${failures.length} failed\n`);
  if (failures.length === 0) return;
  terminal.out(`\nFailed restarts:\n${failures.join('')}`);
  throw new ThvError('ERR_WORKLOADS_FAILED', { reason: `${failures.length} workload(s) failed to restart` });
}

function throwFailure(outcome: Outcome): void {
  if (outcome.result === 'not-found') {
    const context = [`failed to restart workload ${outcome.name}`];
    throw new ThvError('ERR_RUN_CONFIG_NOT_FOUND', { workload: outcome.name }, { context });
  }
  if (outcome.result === 'failed') throw outcome.error;
}
