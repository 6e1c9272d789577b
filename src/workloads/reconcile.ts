import type { StatusRecord, WorkloadName, WorkloadStatus } from '../records/index.ts';
import { bestEffort, type Context } from './context.ts';
import { type Supervisor, supervisorOf } from './supervisor.ts';
import { isChanging } from './turns.ts';
import type { Evidence } from './view.ts';

/** What a workload is shown as. */
interface Shown {
  readonly status: WorkloadStatus;
  readonly context: string | undefined;
}

/** What only the host knows better than the file; in other states a command is at work on the workload and has the last word. */
const SERVED: ReadonlySet<string> = new Set(['starting', 'running', 'unauthenticated', 'unhealthy', 'error']);
/** What a stop may have left in the file when it could not write `stopped`. */
const BEFORE_STOPPED: ReadonlySet<string> = new Set([...SERVED, 'stopping']);

/**
 * The status that is true now. A file that calls a workload running while its container or its supervisor is gone, or stopping
 * when it has stopped, is corrected under the lock, and only if it still says so (spec 02 §4.4, §15-24). What the host serves is as
 * the host says. Nothing is concluded from a runtime that does not hold the workload, and no listing fails with a file.
 */
export async function reconcile(context: Context, name: WorkloadName, evidence: Evidence): Promise<Shown> {
  const { record, unreadable, runtime, seen } = evidence;
  let supervisor = supervisorOf(name, record, evidence.host);
  // A run that fails records it and is gone a moment later: an answer from just before must not speak for it.
  if (supervisor.kind === 'host' && record?.status === 'error')
    supervisor = supervisorOf(name, record, await context.askHost());
  const observed = supervisor.kind === 'host' ? supervisor.observed : undefined;
  if (record === undefined) {
    if (observed !== undefined) return { ...observed, context: unreadable?.message ?? observed.context };
    return { status: seen?.status ?? 'unknown', context: unreadable?.message };
  }
  const isElsewhere = !runtime.endsWithSupervisor && seen === undefined && (await runtime.isElsewhere(name));
  if (supervisor.kind === 'none' && hasStopped(context, name, record, evidence)) {
    await correct(context, name, record, 'stopped');
    return { status: 'stopped', context: undefined };
  }
  // Where both say the same, the file may have a remark of a command's besides.
  const filed =
    observed !== undefined && SERVED.has(record.status) && observed.status !== record.status
      ? { ...record, status: observed.status, status_context: observed.context }
      : record;
  const problem =
    problemOf(name, filed, evidence, supervisor, isElsewhere) ??
    problemOfStart(context, name, filed, supervisor);
  if (problem === undefined) return { status: filed.status, context: filed.status_context };
  await correct(context, name, record, 'unhealthy', problem);
  return { status: 'unhealthy', context: problem };
}

/** A listing that cannot write shows the same, and says that it could not. */
async function correct(
  { statuses, logger }: Context,
  name: WorkloadName,
  seen: StatusRecord,
  status: WorkloadStatus,
  text?: string,
): Promise<void> {
  await bestEffort(logger, `status of workload ${name} not recorded`, () =>
    statuses.setIf(name, (now) => now.updated_at === seen.updated_at, status, text),
  );
}

/** What a stop has left behind that was interrupted before its end, or that had no room to write it down. */
function hasStopped(
  { paths, desired }: Context,
  name: WorkloadName,
  record: StatusRecord,
  { runtime, seen }: Evidence,
): boolean {
  const isDown = runtime.endsWithSupervisor || seen?.isDown === true;
  if (!isDown || !BEFORE_STOPPED.has(record.status)) return false;
  // What was recorded after it was told to end is about a later start.
  const endedAt = desired.endedAt(name) ?? Number.NEGATIVE_INFINITY;
  if (record.status !== 'stopping' && endedAt < (Date.parse(record.updated_at ?? '') || 0)) return false;
  return !isChanging(paths, name);
}

function problemOf(
  name: WorkloadName,
  record: StatusRecord,
  { runtime, seen }: Evidence,
  supervisor: Supervisor,
  isElsewhere: boolean,
): string | undefined {
  const canBeAsked = !runtime.endsWithSupervisor && !isElsewhere;
  if (canBeAsked && seen === undefined && (record.status === 'running' || record.status === 'stopped')) {
    return `workload ${name} not found in runtime, marking as unhealthy`;
  }
  if (record.status !== 'running') return undefined;
  if (canBeAsked && seen?.status !== 'running') {
    return `workload status mismatch: file indicates running, but runtime shows ${seen?.status ?? 'unknown'}`;
  }
  if (supervisor.kind !== 'none') return undefined;
  return `proxy process not running: workload shows running but proxy process for ${name} is not active`;
}

/** How long a start may look as if nobody were at it: between two steps, and while a host comes back. */
const START_GAP_MS = 10_000;

/** A start whose supervisor was killed would be under way for ever. */
function problemOfStart(
  { paths }: Context,
  name: WorkloadName,
  record: StatusRecord,
  supervisor: Supervisor,
): string | undefined {
  if (record.status !== 'starting' || record.updated_at === undefined || supervisor.kind !== 'none')
    return undefined;
  if (Date.now() - new Date(record.updated_at).getTime() < START_GAP_MS || isChanging(paths, name))
    return undefined;
  return `proxy process not running: workload shows starting but proxy process for ${name} is not active`;
}
