import { expect, test } from 'bun:test';
import { dirname } from 'node:path';
import { linuxView, writablePaths } from './filesystem-view.ts';

const options = {
  workFolder: '/data/process/work',
  readOnlyPaths: [import.meta.dir, `${import.meta.dir}/linux`, '/usr/lib', '/no/such/folder'],
  settings: { passwd: '/data/process/etc/passwd', hosts: '/data/process/etc/hosts' },
  mounts: [
    { source: '/srv/a/deep', target: '/granted/a/deep', readOnly: false },
    { source: '/srv/a', target: '/granted/a', readOnly: true },
  ],
  nodeScript: '/kept/programs/node',
  executable: '/opt/program',
  hasHostNetwork: true,
};
const view = linuxView(options);
const binds = view.flatMap((entry) => (entry.type === 'bind' ? [entry] : []));

test('only the work folder, temporary folders, devices and write grants can be written to', () => {
  expect(writablePaths(view)).toEqual(['/dev', '/tmp', '/var/tmp', '/dev/shm', '/work', '/granted/a/deep']);
});

test('grants stand last, outer ones before inner ones', () => {
  expect(binds.slice(-2).map(({ target }) => target)).toEqual(['/granted/a', '/granted/a/deep']);
});

test('a folder inside another, or of the system, is not named twice, and one that does not exist not at all', () => {
  const targets = binds.map(({ target }) => target);
  expect(targets).toContain(import.meta.dir);
  expect(targets).not.toContain(`${import.meta.dir}/linux`);
  expect(targets).not.toContain('/usr/lib');
  expect(targets).not.toContain('/no/such/folder');
});

test('settings that were made up stand in for those of this machine', () => {
  expect(binds.filter(({ target }) => target === '/etc/hosts')).toEqual([
    { type: 'bind', source: '/data/process/etc/hosts', target: '/etc/hosts', readOnly: true },
  ]);
  expect(binds.some(({ source }) => source === '/etc/passwd')).toBe(false);
});

test('nothing of the home folder, and no folder with sockets, is seen', () => {
  for (const path of ['/root', '/home', '/run', '/var/run', '/var', '/etc', '/'])
    expect(binds.filter(({ target }) => target === path)).toEqual([]);
});

test.each([
  '/',
  '/proc',
  '/dev',
  '/usr',
  '/etc',
  '/opt',
  '/opt/thv/bin',
  import.meta.dir,
  dirname(import.meta.dir),
])('a grant at %s is refused, for it would hide what the server needs', (target) => {
  expect(() => linuxView({ ...options, mounts: [{ source: '/srv', target, readOnly: true }] })).toThrow(
    `nothing can be mounted at ${target}: it would hide /`,
  );
});

test('a folder around the package may be granted at its own place; the package in it stays read-only', () => {
  const outer = dirname(import.meta.dir);
  const seen = linuxView({ ...options, mounts: [{ source: outer, target: outer, readOnly: false }] });
  expect(seen.slice(-2)).toEqual([
    { type: 'bind', source: outer, target: outer, readOnly: false },
    { type: 'bind', source: import.meta.dir, target: import.meta.dir, readOnly: true },
  ]);
});
