import { ThvError } from '../errors/index.ts';
import { effectiveLimits, parseMemory, type ResourceLimits, type WorkloadKind } from '../records/index.ts';

/** What a sandbox takes to come up, before the server has asked for anything. */
const LEAST_OF_PROCESS = { memory: '64m', pids: 32 } as const;

/** Throws `ERR_INPUT_INVALID` for limits that what they are for cannot have. */
export function checkLimits(limits: ResourceLimits | null | undefined, of: WorkloadKind): void {
  if (limits === undefined || limits === null || of === 'container') return;
  if (of === 'remote') {
    const given = Object.entries({ '--memory': limits.memory, '--cpus': limits.cpus, '--pids': limits.pids });
    const flags = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
    if (flags.length === 0) return;
    throw new ThvError(
      'ERR_INPUT_INVALID',
      {
        reason: `${flags.join(', ')}: a remote server runs on a machine of somebody else's, and cannot be limited`,
      },
      { hint: `leave out ${flags.join(' and ')} (resource_limits)` },
    );
  }
  const { memoryBytes, pids } = effectiveLimits(limits);
  const { memory: leastMemory, pids: leastPids } = LEAST_OF_PROCESS;
  if (memoryBytes !== undefined && memoryBytes < (parseMemory(leastMemory) ?? 0))
    throw tooLittle('--memory', limits.memory ?? '', leastMemory);
  if (pids !== undefined && pids < leastPids) throw tooLittle('--pids', String(pids), String(leastPids));
}

function tooLittle(flag: string, given: string, least: string): ThvError {
  return new ThvError(
    'ERR_INPUT_INVALID',
    { reason: `invalid value for ${flag}: ${given} is less than a process in a sandbox starts with` },
    { hint: `give ${least} or more` },
  );
}
