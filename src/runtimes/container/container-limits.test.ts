import { expect, test } from 'bun:test';
import type { ContainerDetails } from '../../engine/index.ts';
import { describeLimit, withoutLimits } from './container-limits.ts';

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
