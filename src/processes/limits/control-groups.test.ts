import { expect, test } from 'bun:test';
import { hierarchiesOf } from './control-groups.ts';

const line = (mounted: string, root: string, type: string, options: string) =>
  `30 24 0:27 ${mounted} ${root} rw,nosuid shared:9 - ${type} ${type} ${options}`;

test('version 1 has a mount and a group for each controller', () => {
  const hierarchies = hierarchiesOf({
    mounts: [
      '24 1 0:2 / / rw - ext4 /dev/vda rw',
      line('/', '/nowhere/memory', 'cgroup', 'rw,memory'),
      line('/', '/nowhere/cpu,cpuacct', 'cgroup', 'rw,cpu,cpuacct'),
    ].join('\n'),
    memberships: '4:memory:/user/a\n3:cpu,cpuacct:/user/b\n0::/\n',
  });
  // Groups that cannot be seen from here are looked for at the top.
  expect(hierarchies).toMatchObject([
    { version: 1, root: '/nowhere/memory', own: '/nowhere/memory', controllers: ['rw', 'memory'] },
    { version: 1, root: '/nowhere/cpu,cpuacct', own: '/nowhere/cpu,cpuacct' },
  ]);
});

test('version 2 has one for all, and a container sees the lower part of it', () => {
  // Any folder will do where the group would be.
  const seen = hierarchiesOf({
    mounts: line('/docker/1', '/proc', 'cgroup2', 'rw'),
    memberships: '0::/docker/1/self\n',
  });
  expect(seen).toMatchObject([{ version: 2, root: '/proc', own: '/proc/self' }]);
});

test('a hierarchy that this process is not told to be in is none', () => {
  expect(hierarchiesOf({ mounts: line('/', '/x', 'cgroup', 'rw,pids'), memberships: '' })).toEqual([]);
});
