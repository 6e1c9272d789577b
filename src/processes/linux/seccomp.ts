import { ptr } from 'bun:ffi';
import { ThvError } from '../../errors/index.ts';
import { check, systemCall } from './calls.ts';
import { forbidNewPrivileges } from './privileges.ts';

/**
 * Calls that no server needs and that widen the way to the kernel or past the sandbox: other processes' memory, mounts and
 * namespaces, keys, tracing, modules, io_uring (which works past any filter). x86-64, arm64; -1 where there is none.
 */
const REFUSED: Readonly<Record<string, readonly [number, number]>> = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  process_madvise: [440, 440],
  pidfd_getfd: [438, 438],
  kcmp: [312, 272],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  move_mount: [429, 429],
  open_tree: [428, 428],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  unshare: [272, 97],
  setns: [308, 268],
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  open_by_handle_at: [304, 265],
  reboot: [169, 142],
  swapon: [167, 224],
  swapoff: [168, 225],
  syslog: [103, 116],
  acct: [163, 89],
  quotactl: [179, 60],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  adjtimex: [159, 171],
  clock_adjtime: [305, 266],
  ioperm: [173, -1],
  iopl: [172, -1],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
};
const CLONE3 = 435;
const CLONE = [56, 220] as const;
const SOCKET = [41, 198] as const;
const SOCKETPAIR = [53, 199] as const;
const IOCTL = [16, 29] as const;

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET */
const NEW_NAMESPACES = 0x7e02_0000;
/** Unix, IPv4, IPv6, and netlink, by which programs list their interfaces. Others (vsock!) know no network namespace. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** Typing into, and pasting in, the terminal of whoever started us. */
const TERMINAL_REQUESTS = [0x5412, 0x541c];

const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;
/** Calls of the x32 interface have this bit. */
const X32 = 0x4000_0000;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_BITS = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const EPERM = 0x0005_0001;
const ENOSYS = 0x0005_0026;
/** Offsets in `struct seccomp_data`. */
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number) => 16 + 8 * index;

interface Instruction {
  readonly code: number;
  readonly value: number;
  /** How many instructions to skip. */
  readonly ifTrue?: number;
  readonly ifFalse?: number;
}

/** The filter program for an architecture (seccomp(2), BPF). */
export function seccompProgram(arch: 'x64' | 'arm64'): readonly Instruction[] {
  const column = arch === 'x64' ? 0 : 1;
  const refuse: Instruction = { code: RETURN, value: EPERM };
  const program: Instruction[] = [
    { code: LOAD, value: ARCHITECTURE },
    { code: JUMP_EQUAL, value: AUDIT_ARCH[arch], ifTrue: 1, ifFalse: 0 },
    { code: RETURN, value: KILL_PROCESS },
    { code: LOAD, value: NUMBER },
  ];
  if (arch === 'x64') program.push({ code: JUMP_AT_LEAST, value: X32, ifTrue: 0, ifFalse: 1 }, refuse);
  for (const numbers of Object.values(REFUSED)) {
    const number = numbers[column];
    if (number !== -1) program.push({ code: JUMP_EQUAL, value: number, ifTrue: 0, ifFalse: 1 }, refuse);
  }
  // Its flags lie in memory, where no filter can look; told that it does not exist, C libraries use clone.
  program.push({ code: JUMP_EQUAL, value: CLONE3, ifTrue: 0, ifFalse: 1 }, { code: RETURN, value: ENOSYS });
  program.push(
    ...when(CLONE[column], [
      { code: LOAD, value: argument(0) },
      { code: JUMP_BITS, value: NEW_NAMESPACES, ifTrue: 0, ifFalse: 1 },
      refuse,
    ]),
    ...when(IOCTL[column], [
      { code: LOAD, value: argument(1) },
      ...TERMINAL_REQUESTS.flatMap((request) => [
        { code: JUMP_EQUAL, value: request, ifTrue: 0, ifFalse: 1 },
        refuse,
      ]),
    ]),
    ...[SOCKET, SOCKETPAIR].flatMap((numbers) =>
      when(numbers[column], [
        { code: LOAD, value: argument(0) },
        ...SOCKET_FAMILIES.flatMap((family) => [
          { code: JUMP_EQUAL, value: family, ifTrue: 0, ifFalse: 1 },
          { code: RETURN, value: ALLOW },
        ]),
        refuse,
      ]),
    ),
  );
  return [...program, { code: RETURN, value: ALLOW }];
}

/** `steps`, which end in the answer of their own or fall through to "allow", for one call only. */
function when(number: number, steps: readonly Instruction[]): readonly Instruction[] {
  return [
    { code: JUMP_EQUAL, value: number, ifTrue: 0, ifFalse: steps.length + 1 },
    ...steps,
    { code: RETURN, value: ALLOW },
  ];
}

/** Filters the calls of this process and all it becomes. Throws `ERR_SANDBOX_FAILED` where the kernel refuses. */
export function filterSystemCalls(): void {
  const { arch } = process;
  if (arch !== 'x64' && arch !== 'arm64') {
    throw new ThvError('ERR_SANDBOX_FAILED', { reason: `no system call filter for ${arch}` });
  }
  const program = seccompProgram(arch);
  const code = new DataView(new ArrayBuffer(program.length * 8));
  program.forEach(({ code: operation, value, ifTrue = 0, ifFalse = 0 }, index) => {
    code.setUint16(index * 8, operation, true);
    code.setUint8(index * 8 + 2, ifTrue);
    code.setUint8(index * 8 + 3, ifFalse);
    code.setUint32(index * 8 + 4, value, true);
  });
  const bytes = new Uint8Array(code.buffer);
  // struct sock_fprog: the length, padding, the address.
  const header = new DataView(new ArrayBuffer(16));
  header.setUint16(0, program.length, true);
  header.setBigUint64(8, BigInt(ptr(bytes)), true);
  forbidNewPrivileges();
  check(systemCall('seccomp', 1, 0, new Uint8Array(header.buffer)), 'system call filter');
}
