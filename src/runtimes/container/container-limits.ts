import type { ContainerDetails, ContainerSpec } from '../../engine/index.ts';
import { formatMemory } from '../../records/index.ts';

export function withoutLimits(spec: ContainerSpec): ContainerSpec {
  const { Memory: _, MemorySwap: __, NanoCpus: ___, PidsLimit: ____, ...rest } = spec.HostConfig ?? {};
  return { ...spec, HostConfig: rest };
}

/** How a process ends that the kernel kills. */
const KILLED = 137;

/**
 * Which limit ended a container, or may have; `undefined` when it was none. Engines forget it when they start the container again,
 * and some never knew: then the exit code is all there is.
 */
export function describeLimit(
  { State: { OOMKilled }, HostConfig: { Memory: bytes = 0 } }: ContainerDetails,
  exitCode: number | undefined,
): string | undefined {
  const limit = `at its memory limit of ${formatMemory(bytes)}: --memory raises it`;
  if (OOMKilled) return bytes > 0 ? limit : 'because the machine ran out of memory';
  return exitCode === KILLED && bytes > 0 ? `by SIGKILL, as the kernel does ${limit}` : undefined;
}
