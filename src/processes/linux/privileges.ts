import { check, errno, libc, systemCall } from './calls.ts';

const PR_SET_PDEATHSIG = 1;
const PR_CAPBSET_DROP = 24;
const PR_SET_SECUREBITS = 28;
const PR_SET_CHILD_SUBREAPER = 36;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const SIGKILL = 9;
/** Root's number gives no capabilities on exec, and none of these bits can be taken back (capabilities(7)). */
const SECUREBITS_LOCKED = 0b10_1111;
const EINVAL = 22;
const CAPABILITY_VERSION_3 = 0x2008_0522;

/** The kernel kills this process when its parent dies; survives exec. */
export function dieWithParent(): void {
  check(libc().prctl(PR_SET_PDEATHSIG, BigInt(SIGKILL), 0n, 0n, 0n), 'die with the parent');
}

export function forbidNewPrivileges(): void {
  check(libc().prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n), 'no new privileges');
}

/** Every capability of this process for good: bounding set, ambient set, and what root's number would give on exec. */
export function dropCapabilities(): void {
  for (let capability = 0n; ; capability++) {
    if (libc().prctl(PR_CAPBSET_DROP, capability, 0n, 0n, 0n) === 0) continue;
    // Beyond the last capability the kernel knows; without CAP_SETPCAP there is nothing to drop from.
    if (errno() === EINVAL || capability === 0n) break;
  }
  libc().prctl(PR_SET_SECUREBITS, BigInt(SECUREBITS_LOCKED), 0n, 0n, 0n);
  libc().prctl(PR_CAP_AMBIENT, BigInt(PR_CAP_AMBIENT_CLEAR_ALL), 0n, 0n, 0n);
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  const none = new Uint32Array(6);
  check(systemCall('capset', header, none), 'drop capabilities');
}

const RLIMIT = { core: 4, processes: 6, openFiles: 7 } as const;

/** Lowers a limit of this process and its children; one that is lower already stays (getrlimit(2)). */
export function limit(resource: keyof typeof RLIMIT, value: number): void {
  const now = new BigUint64Array(2);
  check(systemCall('prlimit64', 0, RLIMIT[resource], 0, now), `read the limit of ${resource}`);
  const hard = now[1] ?? 0n;
  const wanted = BigInt(value) < hard ? BigInt(value) : hard;
  const limits = new BigUint64Array([wanted, wanted]);
  check(systemCall('prlimit64', 0, RLIMIT[resource], limits), `limit ${resource}`);
}

/** Processes whose parent dies become children of this one instead of the system's first process. */
export function adoptOrphans(): void {
  check(libc().prctl(PR_SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n), 'take in orphans');
}
