import type { ContainerDetails, ContainerSpec } from '../engine/index.ts';
import { hasCode } from '../errors/index.ts';
import { formatMemory } from '../records/index.ts';

/** What an engine says that has no control groups to hold a limit with: Docker of processors, rootless Podman of all. */
const CANNOT_LIMIT = /cgroup|NanoCPUs|memory limit|pids[ -]?limit|resource limits?/i;

/** Whether a container could not be made because of the limits it was to have. */
export function isAboutLimits(error: unknown): boolean {
  return hasCode(error, 'ERR_ENGINE_REQUEST') && CANNOT_LIMIT.test(error.message);
}

export function withoutLimits(spec: ContainerSpec): ContainerSpec {
  const { Memory: _, MemorySwap: __, NanoCpus: ___, PidsLimit: ____, ...rest } = spec.HostConfig ?? {};
  return { ...spec, HostConfig: rest };
}

/** Which limit ended a container; `undefined` when it was none. */
export function describeLimit(details: ContainerDetails): string | undefined {
  if (!details.State.OOMKilled) return undefined;
  const { Memory: bytes = 0 } = details.HostConfig;
  return bytes > 0
    ? `at its memory limit of ${formatMemory(bytes)}: --memory raises it`
    : 'because the machine ran out of memory';
}
