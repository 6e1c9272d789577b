import { expect, test } from 'bun:test';
import { refusalOf } from './refusal.ts';

test.each([
  [
    'NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted',
    'cannot-limit',
  ],
  ['Your kernel does not support memory limit capabilities or the cgroup is not mounted.', 'cannot-limit'],
  [
    'OCI runtime error: crun: opening file `pids.max` for writing: cannot set pids limit without cgroups',
    'cannot-limit',
  ],
  ['resource limits are not supported and ignored on cgroups V1 rootless systems', 'cannot-limit'],
  ['range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available', undefined],
  ['port is already allocated', undefined],
  ['No such image: example/server:1', undefined],
  ['write /var/lib/docker/tmp/x: no space left on device', 'no-space'],
  ['Conflict. The container name "/fetch" is already in use by container "a1"', 'name-taken'],
  ['creating container storage: the container name "fetch" is already in use by a1', 'name-taken'],
  ['bind: address already in use', undefined],
  ['container 27930ba2 is not connected to network a-internal', 'not-connected'],
  ['', undefined],
] as const)('an engine that says %p means: %p', (message, refusal) => {
  expect(refusalOf(message)).toBe(refusal);
});
