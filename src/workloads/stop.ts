import { hasCode, ThvError, toThvError } from '../errors/index.ts';
import type { RunConfig, WorkloadName } from '../records/index.ts';
import { createActRecord } from './act-record.ts';
import { leaveClients } from './client-entries.ts';
import type { Context } from './context.ts';
import { writeLearnedProfile } from './learn.ts';
import { locateWorkload } from './locate.ts';
import { findReadable, findRecord, isGone, isStored } from './stored.ts';
import { endSupervisor, findDedicated, supervisorOf } from './supervisor.ts';
import type { Acted, StopOptions } from './types.ts';

const USUAL_GRACE_SECONDS = 30;
/**
 * What a stdio server gets from the official SDKs as well: two seconds to end with its input, two more after SIGTERM. Docker cannot
 * end the input, so that a server that waits for nothing else would hold up every stop for the usual time.
 */
const STDIO_GRACE_SECONDS = 4;

export async function stopWorkload(
  context: Context,
  name: WorkloadName,
  { graceSeconds: granted, signal }: StopOptions,
): Promise<Acted> {
  const config = await findReadable(context, name);
  const graceSeconds = granted ?? usualGraceSeconds(config);
  const [host, place] = await Promise.all([
    context.askHost(),
    locateWorkload(context, name, config, { signal }),
  ]);
  const record = await findRecord(context, name);
  if (record === undefined && !place.isThere && !(await isStored(context, name))) {
    // All that is known of it may be lost, and somebody serves it still.
    const grace = { serverGraceSeconds: graceSeconds, signal };
    return { result: (await endSupervisor(context, name, record, grace)) ? 'done' : 'not-found' };
  }
  const isSupervised =
    supervisorOf(name, record, host).kind !== 'none' || findDedicated(context, name, record) !== undefined;
  if (record?.status === 'stopped' && !isSupervised && !place.isRunning) return { result: 'already' };
  const act = createActRecord(context, name);
  await act.step('stopping');
  try {
    const wasServed = await endSupervisor(context, name, record, {
      serverGraceSeconds: place.endsWithSupervisor ? graceSeconds : undefined,
      signal,
    });
    // A foreground run deletes its workload when it ends (spec 02 §6.4).
    if (await isGone(context, name)) return { result: 'done' };
    await place.stop({ graceSeconds, wasServed, signal });
  } catch (error) {
    if (signal?.aborted) {
      // The engine goes on with what it was told, so `stopping` stays true; a list sees when it is over.
      await leaveClients(context, name, config);
      throw interruptedStop(name, error);
    }
    await act.step('error', toThvError(error).message);
    throw error;
  }
  await leaveClients(context, name, config);
  const note = await writeLearnedProfile(context, name, config);
  await act.outcome('stopped', 'stopped');
  return { result: 'done', note };
}

/** Stops what is started again at once: whether the stop was recorded does not matter then. */
export async function stopBeforeStart(
  context: Context,
  name: WorkloadName,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await stopWorkload(context, name, { signal });
  } catch (error) {
    if (!hasCode(error, 'ERR_NOT_RECORDED')) throw error;
  }
}

function usualGraceSeconds(config: Pick<RunConfig, 'transport'> | undefined): number {
  return config?.transport === 'stdio' ? STDIO_GRACE_SECONDS : USUAL_GRACE_SECONDS;
}

function interruptedStop(workload: WorkloadName, cause: unknown): ThvError {
  return new ThvError(
    'ERR_CANCELLED',
    { reason: 'interrupted while it was ending' },
    { cause, hint: `'thv stop ${workload}' waits for it again` },
  );
}

/** What the status of a workload may be while it is served. */
const SERVED: ReadonlySet<string> = new Set(['running', 'starting', 'unauthenticated', 'unhealthy']);

/**
 * A stop or a removal that ended us does the rest itself; otherwise we stop the container here. The status stays as it is: a
 * workload that was ended by a signal instead of a stop is shown as unhealthy from then on (spec 02 §6.3-11).
 */
export async function stopAfterServing(context: Context, name: WorkloadName): Promise<void> {
  // A file that cannot be read says nothing, and nobody serves the container any more.
  const record = await context.statuses.find(name).catch(() => undefined);
  const isGoneOrEnding = record === undefined ? await isGone(context, name) : !SERVED.has(record.status);
  if (isGoneOrEnding) return;
  const config = await findReadable(context, name);
  const place = await locateWorkload(context, name, config, {});
  await place.stop({ graceSeconds: usualGraceSeconds(config), wasServed: false });
  await leaveClients(context, name, config);
  const note = await writeLearnedProfile(context, name, config);
  if (note !== undefined) context.logger.info(note);
}
