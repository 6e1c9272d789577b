import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProcessLimits } from '../types.ts';

/** Control groups of the kernel, either version (cgroups(7)), written to directly: neither systemd nor another helper is asked. */

export type Limited = 'memory' | 'processes' | 'cpus';

export interface ControlGroup {
  /** What the group holds. */
  readonly holds: ReadonlySet<Limited>;
  /** How often the kernel ended a process in it for want of memory. */
  memoryKills(): number;
  /** How often it was refused another process. */
  refusedForks(): number;
  /** Takes the group away once it is empty, as it is when its processes have ended. */
  remove(): Promise<void>;
}

interface Hierarchy {
  readonly version: 1 | 2;
  /** Where it is mounted. */
  readonly root: string;
  /** Folder of the group that this process is in. */
  readonly own: string;
  readonly controllers: readonly string[];
}

const CONTROLLERS: Readonly<Record<Limited, string>> = { memory: 'memory', processes: 'pids', cpus: 'cpu' };
const PREFIX = 'thv-';
const PERIOD_MICROSECONDS = 100_000;
const REMOVE_ATTEMPTS = 50;
const REMOVE_WAIT_MS = 20;

/** Counts the groups of this process, to give each a name. */
let count = 0;

/**
 * Makes groups with these limits and puts a process into them, with all that it starts from then on. A limit that no group
 * can hold is left out of `holds`; `undefined` when no group holds any.
 */
export function openControlGroup(
  pid: number,
  limits: ProcessLimits,
  facts: { readonly mounts: string; readonly memberships: string } = readFacts(),
): ControlGroup | undefined {
  const wanted = (['memory', 'processes', 'cpus'] as const).filter((limited) => isWanted(limited, limits));
  const name = `${PREFIX}${process.pid}-${++count}`;
  const folders = new Map<string, Limited[]>();
  for (const hierarchy of hierarchiesOf(facts)) {
    const mine = wanted.filter((limited) => hierarchy.controllers.includes(CONTROLLERS[limited]));
    if (mine.length === 0) continue;
    // One that lacks a controller may still hold the rest.
    for (const some of hierarchy.version === 2 ? subsetsOf(mine) : [mine]) {
      const folder = makeGroup(hierarchy, name, some, limits, pid);
      if (folder === undefined) continue;
      folders.set(folder, [...some]);
      break;
    }
  }
  if (folders.size === 0) return undefined;
  const countIn = (limited: Limited, file: string, key: string) => {
    for (const [folder, held] of folders)
      if (held.includes(limited)) return readCount(join(folder, file), key);
    return 0;
  };
  return {
    holds: new Set([...folders.values()].flat()),
    memoryKills: () =>
      countIn('memory', 'memory.events', 'oom_kill') || countIn('memory', 'memory.oom_control', 'oom_kill'),
    refusedForks: () => countIn('processes', 'pids.events', 'max'),
    async remove() {
      for (const folder of folders.keys()) await removeGroup(folder);
    },
  };
}

function isWanted(limited: Limited, { memoryBytes, processes, cpus }: ProcessLimits): boolean {
  return { memory: memoryBytes, processes, cpus }[limited] !== undefined;
}

/** All of them, then without processors, which are the least often delegated, then memory, then processes alone. */
function subsetsOf(limits: readonly Limited[]): readonly (readonly Limited[])[] {
  const without = (...left: readonly Limited[]) => limits.filter((limited) => !left.includes(limited));
  const all = [limits, without('cpus'), without('cpus', 'processes'), without('cpus', 'memory')];
  return all.filter((some) => some.length > 0);
}

/** Makes a group with these limits, puts the process into it and returns its folder; `undefined` where this user may not. */
function makeGroup(
  { version, root, own }: Hierarchy,
  name: string,
  limited: readonly Limited[],
  limits: ProcessLimits,
  pid: number,
): string | undefined {
  for (const parent of version === 1 ? [own] : parentsOf(own, root)) {
    if (version === 2 && !canLimitBelow(parent, limited)) continue;
    removeLeftOvers(parent);
    const folder = join(parent, name);
    try {
      mkdirSync(folder);
    } catch {
      continue; // not ours
    }
    try {
      for (const each of limited) setLimit(folder, version, each, limits);
      writeFileSync(join(folder, 'cgroup.procs'), String(pid));
      return folder;
    } catch {
      // a controller that is not there, or a process that may not be moved
      tryRemove(folder);
    }
  }
  return undefined;
}

/** Groups above this one, from the nearest on: one with processes in it cannot limit groups below it (cgroups(7)). */
function parentsOf(own: string, root: string): readonly string[] {
  const parents = [own];
  for (let path = own; path !== root && path.startsWith(`${root}/`); ) {
    path = dirname(path);
    parents.push(path);
  }
  return parents;
}

function canLimitBelow(parent: string, limited: readonly Limited[]): boolean {
  const path = join(parent, 'cgroup.subtree_control');
  const missing = () => {
    const present = readText(path).split(/\s+/);
    return limited.map((each) => CONTROLLERS[each]).filter((name) => !present.includes(name));
  };
  const absent = missing();
  if (absent.length === 0) return true;
  try {
    // Allowed in a group that was given to us and has no processes of its own.
    writeFileSync(path, absent.map((name) => `+${name}`).join(' '));
  } catch {
    return false;
  }
  return missing().length === 0;
}

function setLimit(folder: string, version: 1 | 2, limited: Limited, limits: ProcessLimits): void {
  const set = (file: string, value: number | string) => writeFileSync(join(folder, file), String(value));
  /** Not in every kernel, and of no use where there is no swap. */
  const trySet = (file: string, value: number | string) => {
    try {
      set(file, value);
    } catch {
      // swap is then not counted
    }
  };
  if (limited === 'processes') set('pids.max', limits.processes ?? 'max');
  else if (limited === 'memory') {
    const bytes = limits.memoryBytes ?? 0;
    set(version === 2 ? 'memory.max' : 'memory.limit_in_bytes', bytes);
    if (version === 2) trySet('memory.swap.max', 0);
    else trySet('memory.memsw.limit_in_bytes', bytes);
  } else {
    const quota = Math.max(1000, Math.round((limits.cpus ?? 0) * PERIOD_MICROSECONDS));
    if (version === 2) set('cpu.max', `${quota} ${PERIOD_MICROSECONDS}`);
    else {
      set('cpu.cfs_period_us', PERIOD_MICROSECONDS);
      set('cpu.cfs_quota_us', quota);
    }
  }
}

/** A process that was ended is in its group for a moment longer. */
async function removeGroup(folder: string): Promise<void> {
  for (let attempt = 1; attempt <= REMOVE_ATTEMPTS; attempt++) {
    if (tryRemove(folder)) return;
    await Bun.sleep(REMOVE_WAIT_MS);
  }
}

/** `true` when it is gone. The kernel refuses while a process is in it. */
function tryRemove(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Removes groups of hosts that were killed. Groups of a living host stay, because it may be about to fill them. */
function removeLeftOvers(parent: string): void {
  for (const name of namesIn(parent)) {
    const maker = /^thv-(\d+)-\d+$/.exec(name)?.[1];
    if (maker !== undefined && !namesIn('/proc').includes(maker)) tryRemove(join(parent, name));
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readCount(path: string, key: string): number {
  return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(readText(path))?.[1] ?? 0);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function readFacts() {
  return { mounts: readText('/proc/self/mountinfo'), memberships: readText('/proc/self/cgroup') };
}

/** What is mounted of control groups, and where in it this process is. */
export function hierarchiesOf({
  mounts,
  memberships,
}: {
  readonly mounts: string;
  readonly memberships: string;
}): readonly Hierarchy[] {
  const members = memberships
    .trim()
    .split('\n')
    .map((line) => {
      const [, names = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return { names: names === '' ? [] : names.split(','), path };
    });
  return mounts
    .trim()
    .split('\n')
    .flatMap((line): readonly Hierarchy[] => {
      // Optional fields in the middle end at the hyphen (proc_pid_mountinfo(5)).
      const [left = '', right = ''] = line.split(' - ');
      const [, , , mounted = '/', root = ''] = left.split(' ');
      const [type = '', , options = ''] = right.split(' ');
      if (type !== 'cgroup' && type !== 'cgroup2') return [];
      const names = options.split(',');
      const member = members.find((each) =>
        type === 'cgroup2' ? each.names.length === 0 : each.names.some((name) => names.includes(name)),
      );
      if (member === undefined) return [];
      const seen = join(root, pathBelow(member.path, mounted));
      const own = existsSync(seen) ? seen : root;
      const controllers =
        type === 'cgroup' ? names : readText(join(root, 'cgroup.controllers')).trim().split(/\s+/);
      return [{ version: type === 'cgroup' ? 1 : 2, root, own, controllers }];
    });
}

/** In a container, part of the tree is mounted, and the path is told from the whole. */
function pathBelow(path: string, mounted: string): string {
  if (mounted === '/' || path === mounted) return path === mounted ? '' : path;
  return path.startsWith(`${mounted}/`) ? path.slice(mounted.length) : '';
}
