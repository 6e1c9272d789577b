import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CASES, openRunner, type Runner } from './runner.ts';

const ATTACK = join(import.meta.dir, 'fixtures', 'attacks', 'system-calls.js');
const isArm = process.arch === 'arm64';

interface Row {
  readonly name: string;
  /** On x86-64 and arm64; one for both, for calls newer than 2019. */
  readonly number: number | readonly [number, number];
  readonly args?: readonly number[];
  readonly answer: string;
}

const EPERM = 'error 1';
const ENOSYS = 'error 38';
const NEW_USER = 0x1000_0011;
const PROTECTION_EXEC_ON_READ = 0x40_0000;

const ROWS: readonly Row[] = [
  // Does not exist: other ways are taken.
  { name: 'io_uring_setup', number: 425, args: [8], answer: ENOSYS },
  { name: 'io_uring_enter', number: 426, answer: ENOSYS },
  { name: 'io_uring_register', number: 427, answer: ENOSYS },
  { name: 'clone3', number: 435, answer: ENOSYS },
  { name: 'userfaultfd', number: [323, 282], answer: ENOSYS },
  { name: 'keyctl', number: [250, 219], answer: ENOSYS },
  { name: 'add_key', number: [248, 217], answer: ENOSYS },
  { name: 'request_key', number: [249, 218], answer: ENOSYS },
  { name: 'move_pages', number: [279, 239], answer: ENOSYS },
  { name: 'set_mempolicy', number: [238, 237], answer: ENOSYS },
  { name: 'listns, of a newer kernel', number: 470, answer: ENOSYS },
  { name: 'number 500', number: 500, answer: ENOSYS },
  { name: 'number 100000', number: 100_000, answer: ENOSYS },
  // Not permitted.
  { name: 'mount', number: [165, 40], answer: EPERM },
  { name: 'umount2', number: [166, 39], answer: EPERM },
  { name: 'pivot_root', number: [155, 41], answer: EPERM },
  { name: 'chroot', number: [161, 51], answer: EPERM },
  { name: 'open_tree', number: 428, answer: EPERM },
  { name: 'move_mount', number: 429, answer: EPERM },
  { name: 'fsopen', number: 430, answer: EPERM },
  { name: 'mount_setattr', number: 442, answer: EPERM },
  { name: 'unshare', number: [272, 97], args: [0x1000_0000], answer: EPERM },
  { name: 'setns', number: [308, 268], answer: EPERM },
  { name: 'clone into a user namespace', number: [56, 220], args: [NEW_USER], answer: EPERM },
  { name: 'clone into a network namespace', number: [56, 220], args: [0x4000_0011], answer: EPERM },
  { name: 'ptrace', number: [101, 117], args: [16, 1], answer: EPERM },
  { name: 'process_vm_readv', number: [310, 270], args: [1], answer: EPERM },
  { name: 'process_vm_writev', number: [311, 271], args: [1], answer: EPERM },
  { name: 'pidfd_getfd', number: 438, answer: EPERM },
  { name: 'kcmp', number: [312, 272], answer: EPERM },
  { name: 'bpf', number: [321, 280], answer: EPERM },
  { name: 'perf_event_open', number: [298, 241], answer: EPERM },
  { name: 'open_by_handle_at', number: [304, 265], answer: EPERM },
  { name: 'init_module', number: [175, 105], answer: EPERM },
  { name: 'finit_module', number: [313, 273], answer: EPERM },
  { name: 'kexec_load', number: [246, 104], answer: EPERM },
  { name: 'reboot', number: [169, 142], answer: EPERM },
  { name: 'swapon', number: [167, 224], answer: EPERM },
  { name: 'syslog', number: [103, 116], args: [3], answer: EPERM },
  { name: 'settimeofday', number: [164, 170], answer: EPERM },
  { name: 'sethostname', number: [170, 161], answer: EPERM },
  { name: 'quotactl', number: [179, 60], answer: EPERM },
  { name: 'socket of AF_VSOCK', number: [41, 198], args: [40, 1], answer: EPERM },
  { name: 'socket of AF_PACKET', number: [41, 198], args: [17, 3], answer: EPERM },
  { name: 'socket of AF_ALG', number: [41, 198], args: [38, 5], answer: EPERM },
  { name: 'socket of AF_BLUETOOTH', number: [41, 198], args: [31, 1], answer: EPERM },
  { name: 'socket of AF_TIPC', number: [41, 198], args: [30, 1], answer: EPERM },
  { name: 'socketpair of AF_TIPC', number: [53, 199], args: [30, 1], answer: EPERM },
  { name: 'ioctl TIOCSTI', number: [16, 29], args: [0, 0x5412], answer: EPERM },
  { name: 'ioctl TIOCSTI, its upper half set', number: [16, 29], args: [0, 0x1_0000_5412], answer: EPERM },
  { name: 'ioctl TIOCLINUX', number: [16, 29], args: [0, 0x541c], answer: EPERM },
  {
    name: 'personality READ_IMPLIES_EXEC',
    number: [135, 92],
    args: [PROTECTION_EXEC_ON_READ],
    answer: EPERM,
  },
  // Allowed: what shows that the numbers above are made as calls at all.
  { name: 'getpid', number: [39, 172], answer: 'done' },
  { name: 'personality, asked for', number: [135, 92], args: [0xffff_ffff], answer: 'done' },
  { name: 'socket of AF_UNIX', number: [41, 198], args: [1, 1], answer: 'done' },
  { name: 'socket of AF_INET6', number: [41, 198], args: [10, 1], answer: 'done' },
  { name: 'socket of AF_NETLINK', number: [41, 198], args: [16, 3], answer: 'done' },
  { name: 'eventfd2', number: [290, 19], answer: 'done' },
  { name: 'epoll_create1', number: [291, 20], answer: 'done' },
  { name: 'close_range', number: 436, args: [1000, 2000], answer: 'done' },
];

const numberOf = ({ number }: Row) => (typeof number === 'number' ? number : number[isArm ? 1 : 0]);

describe.each([...CASES])('system calls in $sandbox, started by user $user', ({ sandbox, user }) => {
  let runner: Runner;
  beforeAll(async () => {
    runner = await openRunner(user);
    await mkdir(join(runner.folder, 'attack'));
    await copyFile(ATTACK, join(runner.folder, 'attack', 'attack.js'));
  });
  afterAll(() => runner[Symbol.asyncDispose]());

  const make = (
    rows: readonly { name: string; number: number; args?: readonly number[] }[],
    foreign = false,
  ) =>
    runner.run({
      sandbox,
      command: ['/opt/thv/bin/bun', '/attack/attack.js'],
      env: { BUN_BE_BUN: '1', TARGETS: JSON.stringify({ calls: rows, foreign }) },
      mounts: [{ source: join(runner.folder, 'attack'), target: '/attack', readOnly: true }],
      profile: { network: { outbound: {} } },
    });

  test('are refused, do not exist, or are made, each as its list says', async () => {
    const ran = await make(ROWS.map((row) => ({ ...row, number: numberOf(row) })));
    expect(ran.stderr).toContain('ended 0');
    expect(JSON.parse(ran.stdout)).toEqual(
      Object.fromEntries(ROWS.map(({ name, answer }) => [name, answer])),
    );
  });

  test.if(!isArm)('of the x32 interface do not exist', async () => {
    const ran = await make([{ name: 'getpid', number: 0x4000_0000 + 39 }]);
    expect(JSON.parse(ran.stdout)).toEqual({ getpid: ENOSYS });
  });

  test.if(!isArm)('of 32-bit programs end the one that makes them', async () => {
    const ran = await make([{ name: 'getpid', number: 39 }], true);
    expect(ran.stdout).toBe('{"getpid":"done"}\n');
    expect(ran.stderr).toContain('ended 159'); // 128 + SIGSYS
  });
});
