import { describe, expect, test } from 'bun:test';
import { seccompProgram } from './seccomp.ts';

const ALLOW = 'allow';
const EPERM = 'EPERM';

interface Call {
  readonly number: number;
  readonly args?: readonly number[];
  readonly architecture?: number;
}

const ARCHITECTURES = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;

/** What a kernel would answer: the program run as the BPF machine runs it. */
function answer(arch: 'x64' | 'arm64', call: Call): string {
  const program = seccompProgram(arch);
  const data = new Map([
    [0, call.number],
    [4, call.architecture ?? ARCHITECTURES[arch]],
    ...(call.args ?? []).map((value, index) => [16 + 8 * index, value] as const),
  ]);
  let accumulator = 0;
  for (let at = 0; at < program.length; at++) {
    const { code, value, ifTrue = 0, ifFalse = 0 } = program[at] ?? { code: 0, value: 0 };
    const jump = (condition: boolean) => {
      at += condition ? ifTrue : ifFalse;
    };
    if (code === 0x20) accumulator = data.get(value) ?? 0;
    else if (code === 0x15) jump(accumulator === value);
    else if (code === 0x35) jump(accumulator >= value);
    else if (code === 0x45) jump((accumulator & value) !== 0);
    else if (code === 0x06) {
      if (value === 0x7fff_0000) return ALLOW;
      if (value === 0x8000_0000) return 'kill';
      return { 1: EPERM, 38: 'ENOSYS' }[value & 0xffff] ?? 'other';
    } else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('fell off the end');
}

const NUMBERS = {
  x64: {
    read: 0,
    socket: 41,
    socketpair: 53,
    clone: 56,
    clone3: 435,
    ioctl: 16,
    mount: 165,
    ptrace: 101,
    uring: 425,
  },
  arm64: {
    read: 63,
    socket: 198,
    socketpair: 199,
    clone: 220,
    clone3: 435,
    ioctl: 29,
    mount: 40,
    ptrace: 117,
    uring: 425,
  },
} as const;

describe.each(['x64', 'arm64'] as const)('the filter for %s', (arch) => {
  const n = NUMBERS[arch];
  const ROWS: readonly (readonly [string, Call, string])[] = [
    ['an ordinary call', { number: n.read }, ALLOW],
    ['a mount', { number: n.mount }, EPERM],
    ['tracing', { number: n.ptrace }, EPERM],
    ['io_uring', { number: n.uring }, EPERM],
    ['a thread or a fork', { number: n.clone, args: [0x003d_0f00] }, ALLOW],
    ['a new user namespace', { number: n.clone, args: [0x1000_0011] }, EPERM],
    ['a new network namespace', { number: n.clone, args: [0x4000_0011] }, EPERM],
    ['clone3, whose flags cannot be seen', { number: n.clone3 }, 'ENOSYS'],
    ['a Unix socket', { number: n.socket, args: [1] }, ALLOW],
    ['an IPv4 socket', { number: n.socket, args: [2] }, ALLOW],
    ['an IPv6 socket', { number: n.socket, args: [10] }, ALLOW],
    ['a list of interfaces', { number: n.socket, args: [16] }, ALLOW],
    ['a vsock, which knows no namespace', { number: n.socket, args: [40] }, EPERM],
    ['a raw packet socket', { number: n.socket, args: [17] }, EPERM],
    ['a pair of vsocks', { number: n.socketpair, args: [40] }, EPERM],
    ['typing into the terminal', { number: n.ioctl, args: [1, 0x5412] }, EPERM],
    ['asking for its size', { number: n.ioctl, args: [1, 0x5413] }, ALLOW],
    ['a call of another architecture', { number: n.read, architecture: 0x4000_0003 }, 'kill'],
  ];
  test.each(ROWS)('%s', (_, call, expected) => {
    expect(answer(arch, call)).toBe(expected);
  });
});

test('calls of the x32 interface are refused on x86-64', () => {
  expect(answer('x64', { number: 0x4000_0000 })).toBe(EPERM);
});
