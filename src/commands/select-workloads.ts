import type { Terminal } from '../cli/index.ts';
import { hasCode, ThvError } from '../errors/index.ts';
import type { Outcome, Workload, WorkloadManager } from '../workloads/index.ts';

type FlagValues = ReadonlyMap<string, unknown>;

/** The rule for commands that take names, or `--all`, or `--group` (spec 01 §5.3). */
export function namesOrSelection(words: readonly string[], given: FlagValues): string | undefined {
  if (selects(given)) {
    return words.length === 0
      ? undefined
      : 'no arguments should be provided when --all or --group flag is set. Hint: use either names or a flag, not both';
  }
  return words.length > 0
    ? undefined
    : "at least one workload name must be provided. Hint: use 'thv list' to see available workloads";
}

/** `--all=false` and `--group ""` select nothing. */
export function selects(given: FlagValues): boolean {
  return given.get('all') === true || (given.get('group') ?? '') !== '';
}

/** All workloads, or those of a group ('' = any) that has to exist. Throws `ERR_GROUP_NOT_FOUND`. */
export async function workloadsOf(
  workloads: WorkloadManager,
  group: string,
  signal: AbortSignal,
): Promise<readonly Workload[]> {
  if (group !== '') await requireGroup(workloads, group);
  return workloads.list({ all: true, group: group === '' ? undefined : group }, { signal });
}

async function requireGroup(workloads: WorkloadManager, group: string): Promise<void> {
  if (await workloads.groupExists(group)) return;
  throw new ThvError(
    'ERR_GROUP_NOT_FOUND',
    { group },
    { hint: "use 'thv group list' to see available groups" },
  );
}

/** Tells of each name that was not found and throws when a workload failed; the others were served all the same. */
export function reportOutcomes(verb: string, outcomes: readonly Outcome[], terminal: Terminal): void {
  for (const { name, result } of outcomes) {
    if (result === 'not-found') {
      terminal.err(`workload '${name}' not found. Hint: use 'thv list --all' to see available workloads\n`);
    }
  }
  for (const outcome of outcomes)
    if (outcome.result !== 'failed' && outcome.note !== undefined) terminal.err(`${outcome.note}\n`);
  const failed = outcomes.filter((outcome) => outcome.result === 'failed');
  const reasons = failed.map(({ name, error }) =>
    // The act itself did not fail, and its own sentence says so.
    hasCode(error, 'ERR_NOT_RECORDED') || hasCode(error, 'ERR_LEFT_BEHIND')
      ? error.message
      : `failed to ${verb} workload ${name}: ${error.message}`,
  );
  if (reasons.length > 0) throw new ThvError('ERR_WORKLOADS_FAILED', { reason: reasons.join('\n') });
}
