import { ptr } from 'bun:ffi';
import { ThvError } from '../../errors/index.ts';
import { check, systemCall } from './calls.ts';
import { forbidNewPrivileges } from './privileges.ts';
import { ALLOWED, type Architecture, CONDITIONAL, REFUSED, type SystemCall } from './system-calls.ts';

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET */
const NEW_NAMESPACES = 0x7e02_0000;
/** Unix, IPv4, IPv6, and netlink, by which programs list their interfaces. Others (vsock!) know no network namespace. */
const SOCKET_FAMILIES = [1, 2, 10, 16];
/** Typing and pasting into the terminal that we were started from: TIOCSTI, TIOCLINUX. */
const TERMINAL_REQUESTS = [0x5412, 0x541c];
/** What Docker allows: Linux, with UNAME26 or as a 32-bit machine, and the question which one it is. */
const PERSONALITIES = [0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff];

const AUDIT_ARCH = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;

const LOAD = 0x20;
const JUMP = 0x05;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_BITS = 0x45;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const EPERM = 0x0005_0001;
const ENOSYS = 0x0005_0026;
/** How far a conditional jump reaches. */
const MAX_JUMP = 255;
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

type Program = readonly Instruction[];

/** All numbers from `first` up to the next range's are answered by `answer`. */
interface Range {
  readonly first: number;
  readonly answer: Program;
}

const answerWith = (value: number): Program => [{ code: RETURN, value }];
const allow = answerWith(ALLOW);
const refuse = answerWith(EPERM);
/** Libraries have a way without it: clone3's flags lie in memory, where no filter can look, and io_uring works past any filter. */
const absent = answerWith(ENOSYS);

/** What decides about a call whose arguments matter. They are 32 bits wide, or their upper half means nothing here. */
const CONDITIONS: Readonly<Record<string, Program>> = {
  clone: [
    { code: LOAD, value: argument(0) },
    { code: JUMP_BITS, value: NEW_NAMESPACES, ifTrue: 0, ifFalse: 1 },
    ...refuse,
    ...allow,
  ],
  socket: [{ code: LOAD, value: argument(0) }, ...forAny(SOCKET_FAMILIES, allow), ...refuse],
  socketpair: [{ code: LOAD, value: argument(0) }, ...forAny(SOCKET_FAMILIES, allow), ...refuse],
  ioctl: [{ code: LOAD, value: argument(1) }, ...forAny(TERMINAL_REQUESTS, refuse), ...allow],
  personality: [{ code: LOAD, value: argument(0) }, ...forAny(PERSONALITIES, allow), ...refuse],
};

function forAny(values: readonly number[], answer: Program): Program {
  return values.flatMap((value) => [
    { code: JUMP_EQUAL, value, ifTrue: 0, ifFalse: answer.length },
    ...answer,
  ]);
}

/**
 * The filter program for an architecture (seccomp(2), BPF): a binary search for the range of the call's number, eight comparisons
 * deep. What is in no list does not exist, calls of the x32 interface and those of kernels to come included.
 */
export function seccompProgram(architecture: Architecture): Program {
  return [
    { code: LOAD, value: ARCHITECTURE },
    { code: JUMP_EQUAL, value: AUDIT_ARCH[architecture], ifTrue: 1, ifFalse: 0 },
    { code: RETURN, value: KILL_PROCESS },
    { code: LOAD, value: NUMBER },
    ...search(rangesOf(architecture)),
  ];
}

function rangesOf(architecture: Architecture): readonly Range[] {
  const answers = new Map<number, Program>();
  const add = (calls: ReadonlyMap<string, SystemCall>, answerOf: (name: string) => Program) => {
    for (const [name, call] of calls) {
      const number = call[architecture];
      if (number !== undefined) answers.set(number, answerOf(name));
    }
  };
  add(ALLOWED, () => allow);
  add(REFUSED, () => refuse);
  add(CONDITIONAL, (name) => CONDITIONS[name] ?? absent);
  const end = Math.max(...answers.keys()) + 1;
  const all = Array.from(
    { length: end + 1 },
    (_, first): Range => ({
      first,
      answer: answers.get(first) ?? absent,
    }),
  );
  return all.filter(({ answer }, index) => answer !== all[index - 1]?.answer);
}

function search(ranges: readonly Range[]): Program {
  const middle = ranges.length >> 1;
  const [first, pivot] = [ranges[0], ranges[middle]];
  if (first === undefined || pivot === undefined || middle === 0) return first?.answer ?? absent;
  const below = search(ranges.slice(0, middle));
  const above = search(ranges.slice(middle));
  if (below.length <= MAX_JUMP) {
    return [
      { code: JUMP_AT_LEAST, value: pivot.first, ifTrue: below.length, ifFalse: 0 },
      ...below,
      ...above,
    ];
  }
  return [
    { code: JUMP_AT_LEAST, value: pivot.first, ifTrue: 0, ifFalse: 1 },
    { code: JUMP, value: below.length },
    ...below,
    ...above,
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
