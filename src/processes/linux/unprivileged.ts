import { readFileSync, statSync } from 'node:fs';
import { check, libc, systemCall } from './calls.ts';
import { dieWithParent } from './privileges.ts';

/**
 * Root's number is what the kernel asks for where its settings are concerned (`/proc/sys` and its like), whatever capabilities are
 * gone. So what root starts in a sandbox gets a number of nobody, and folders that belong to root are shown to it as its own
 * (`staging.ts`).
 */

/** Numbers that belong to no user: above what distributions and containers hand out, below 2³¹. The second fits maps of 65,536 numbers. */
const CANDIDATES = [2_000_190_064, 65_533];

const PR_SET_KEEPCAPS = 8;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_RAISE = 2;
const CAP_SYS_ADMIN = 21;
const CAPABILITY_VERSION_3 = 0x2008_0522;

/** Whether this process is the root that the kernel means; in most containers without an engine's root it is another. */
export function isKernelRoot(): boolean {
  return process.geteuid?.() === 0 && statSync('/proc/sys', { throwIfNoEntry: false })?.uid === 0;
}

/** The user and group number of processes that root starts; `undefined` where the maps hold neither candidate. */
export function unprivilegedId(): number | undefined {
  const maps = ['uid_map', 'gid_map'].map((name) => readMap(`/proc/self/${name}`));
  return CANDIDATES.find((id) =>
    maps.every((ranges) => ranges.some(({ first, count }) => id >= first && id < first + count)),
  );
}

function readMap(path: string): readonly { readonly first: number; readonly count: number }[] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [first = 0, , count = 0] = line.trim().split(/\s+/).map(Number);
      return { first, count };
    });
}

/**
 * Makes this thread, and what it becomes, user and group `id` without other groups. `mayMakeNamespaces` keeps the one capability that
 * takes it there on machines where ordinary users may not; it is worth nothing once in them.
 */
export function becomeUnprivileged(id: number, mayMakeNamespaces: boolean): void {
  if (mayMakeNamespaces) check(libc().prctl(PR_SET_KEEPCAPS, 1n, 0n, 0n, 0n), 'keep a capability');
  check(systemCall('setgroups', 0, 0), 'leave all groups');
  check(systemCall('setresgid', id, id, id), 'change the group');
  check(systemCall('setresuid', id, id, id), 'change the user');
  if (mayMakeNamespaces) {
    const one = 1 << CAP_SYS_ADMIN;
    const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
    check(systemCall('capset', header, new Uint32Array([one, one, one, 0, 0, 0])), 'keep a capability');
    const raise = libc().prctl(PR_CAP_AMBIENT, BigInt(PR_CAP_AMBIENT_RAISE), BigInt(CAP_SYS_ADMIN), 0n, 0n);
    check(raise, 'keep a capability');
  }
  // The kernel forgot it when the user changed.
  dieWithParent();
}
