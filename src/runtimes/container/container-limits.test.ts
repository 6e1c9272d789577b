import { expect, test } from 'bun:test';
import type { ContainerDetails } from '../../engine/index.ts';
import { ThvError } from '../../errors/index.ts';
import { describeLimit, isAboutLimits, withoutLimits } from './container-limits.ts';

const refusal = (message: string) => new ThvError('ERR_ENGINE_REQUEST', { status: 500, reason: message });

test.each([
  [
    'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    true,
  ],
  ['Your kernel does not support memory limit capabilities or the cgroup is not mounted.', true],
  [
    'OCI runtime error: crun: opening file `pids.max` for writing: cannot set pids limit without cgroups',
    true,
  ],
  ['resource limits are not supported and ignored on cgroups V1 rootless systems', true],
  ['range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', false],
  ['port is already allocated', false],
  ['No such image: example/server:1', false],
])('an engine that says %p cannot limit: %p', (message, isAbout) => {
  expect(isAboutLimits(refusal(message))).toBe(isAbout);
});

test('without limits everything else stays', () => {
  const spec = {
    Image: 'a',
    HostConfig: { Memory: 1, MemorySwap: 1, NanoCpus: 1, PidsLimit: 1, CapDrop: ['ALL'] },
  };
  expect(withoutLimits(spec)).toEqual({ Image: 'a', HostConfig: { CapDrop: ['ALL'] } });
});

test.each([
  [false, 0, 1024 ** 3, undefined],
  [false, 137, 0, undefined],
  [false, 137, 1024 ** 3, 'by SIGKILL, as the kernel does at its memory limit of 1g: --memory raises it'],
  [true, 137, 1024 ** 3, 'at its memory limit of 1g: --memory raises it'],
  [true, 137, 0, 'because the machine ran out of memory'],
])(
  'what ended a container that the engine says ran out of memory (%p), exit code %p, limit %p: %p',
  (OOMKilled, exitCode, Memory, words) => {
    const details = { State: { OOMKilled }, HostConfig: { Memory } } as ContainerDetails;
    expect(describeLimit(details, exitCode)).toBe(words);
  },
);
