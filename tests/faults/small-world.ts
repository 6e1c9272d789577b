import { dlopen, FFIType } from 'bun:ffi';
import { closeSync, openSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FIXTURE_IMAGE } from '../harness/images.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { World } from '../harness/world.ts';

/** A workload of the fixture image that answers over streamable HTTP. */
export async function runFixture(world: World, label = 'a'): Promise<string> {
  const name = world.name(label);
  await world.ok([
    'run',
    FIXTURE_IMAGE,
    '--name',
    name,
    '--transport',
    'stdio',
    '--proxy-mode',
    'streamable-http',
  ]);
  return name;
}

/** Process id of the workload host, not of its guard. */
export async function hostOf(world: World): Promise<number> {
  return waitFor(
    async () =>
      (await world.processes()).filter(({ command }) => / host$/.test(command) && !command.startsWith('sh ')),
    (hosts) => hosts.length === 1,
    { what: 'one workload host lives' },
  ).then(([host]) => host?.pid ?? 0);
}

export function statusPath(world: World, name: string): string {
  return join(world.data, 'statuses', `${name}.json`);
}

export async function statusFile(world: World, name: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(statusPath(world, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}

/** Waits until the file itself says so. */
export async function recorded(world: World, name: string, status: string | undefined): Promise<void> {
  await waitFor(
    async () => (await statusFile(world, name))?.['status'],
    (seen) => seen === status,
    { what: `the status file of ${name} says ${status}`, deadlineMs: 30_000 },
  );
}

export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Takes a lock as another program would. */
export function holdLock(path: string): Disposable {
  const { symbols } = dlopen('libc.so.6', {
    flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  });
  const fd = openSync(path, 'a+');
  if (symbols.flock(fd, 2 | 4) !== 0) throw new Error(`${path} is locked already`);
  return { [Symbol.dispose]: () => closeSync(fd) };
}
