import * as v from 'valibot';
import { ThvError } from '../errors/index.ts';
import { formatDuration, sleep } from '../platform/index.ts';
import type { WorkloadManager } from '../workloads/index.ts';

const POLL_MS = 100;

/** States that do not become `running` by themselves. */
const FINAL = new Set(['error', 'stopped', 'stopping', 'removing', 'unauthenticated', 'policy_stopped']);

export const waitFlags = {
  wait: {
    kind: 'bool',
    help: 'Return only when the workload is running',
    schema: v.optional(v.boolean(), false),
  },
  'wait-timeout': {
    kind: 'duration',
    help: 'How long --wait waits',
    schema: v.optional(
      v.pipe(
        v.number(),
        v.check(
          (ms) => ms > 0,
          ({ input }) => `invalid value for --wait-timeout: ${formatDuration(input)} (must be more than 0)`,
        ),
      ),
      120_000,
    ),
  },
} as const;

interface Waiting {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Whether the server ended while we waited. Its restarts go on, but the waiting user wants to know now (spec 02 §4.4). */
function hasCrashed(status: string, context: string | undefined): boolean {
  return status === 'starting' && /^(?:Container|Process) exited\b/.test(context ?? '');
}

/** Throws `ERR_WORKLOAD_START_FAILED` with the reason, or `ERR_TIMEOUT` (spec 01 §14-25). */
export async function waitUntilRunning(
  workloads: Pick<WorkloadManager, 'get'>,
  name: string,
  { timeoutMs, signal }: Waiting,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { status, statusContext } = await workloads.get(name, { signal });
    if (status === 'running') return;
    if (FINAL.has(status) || hasCrashed(status, statusContext)) {
      throw new ThvError(
        'ERR_WORKLOAD_START_FAILED',
        { workload: name, reason: statusContext || status },
        { hint: `see 'thv logs ${name}' and 'thv logs ${name} --proxy'` },
      );
    }
    if (performance.now() >= deadline) {
      const reason = `workload '${name}' is not running after ${formatDuration(timeoutMs)} (status: ${status})`;
      throw new ThvError('ERR_TIMEOUT', { reason });
    }
    await sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}
