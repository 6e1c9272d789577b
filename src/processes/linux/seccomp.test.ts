import { describe, expect, test } from 'bun:test';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seccompProgram } from './seccomp.ts';
import { ALLOWED, type Architecture, CONDITIONAL, REFUSED } from './system-calls.ts';

const ALLOW = 'allow';
const EPERM = 'EPERM';
const ENOSYS = 'ENOSYS';

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
    else if (code === 0x05) at += value;
    else if (code === 0x06) {
      if (value === 0x7fff_0000) return ALLOW;
      if (value === 0x8000_0000) return 'kill';
      return { 1: EPERM, 38: ENOSYS }[value & 0xffff] ?? 'other';
    } else throw new Error(`unknown instruction ${code}`);
  }
  throw new Error('fell off the end');
}

const DECIDED = new Map([...ALLOWED, ...REFUSED, ...CONDITIONAL]);

describe.each(['x64', 'arm64'] as const)('the filter for %s', (arch) => {
  const n = (name: string) => DECIDED.get(name)?.[arch] ?? -1;
  const ROWS: readonly (readonly [string, Call, string])[] = [
    ['an ordinary call', { number: n('read') }, ALLOW],
    ['the last of the ordinary calls', { number: n('removexattrat') }, ALLOW],
    ['a mount', { number: n('mount') }, EPERM],
    ['a mount by way of the newer calls', { number: n('fsopen') }, EPERM],
    ['leaving its namespaces', { number: n('unshare') }, EPERM],
    ['entering others', { number: n('setns') }, EPERM],
    ['tracing', { number: n('ptrace') }, EPERM],
    ['reading the memory of another process', { number: n('process_vm_readv') }, EPERM],
    ['a descriptor of another process', { number: n('pidfd_getfd') }, EPERM],
    ['a file by its handle', { number: n('open_by_handle_at') }, EPERM],
    ['a program in the kernel', { number: n('bpf') }, EPERM],
    ['setting up io_uring', { number: 425 }, ENOSYS],
    ['entering io_uring', { number: 426 }, ENOSYS],
    ['page faults handled by a program', { number: { x64: 323, arm64: 282 }[arch] }, ENOSYS],
    ['the keyring', { number: { x64: 250, arm64: 219 }[arch] }, ENOSYS],
    ['a thread or a fork', { number: n('clone'), args: [0x003d_0f00] }, ALLOW],
    ['a new user namespace', { number: n('clone'), args: [0x1000_0011] }, EPERM],
    ['a new network namespace', { number: n('clone'), args: [0x4000_0011] }, EPERM],
    ['a new mount namespace', { number: n('clone'), args: [0x0002_0011] }, EPERM],
    ['clone3, whose flags cannot be seen', { number: 435 }, ENOSYS],
    ['a Unix socket', { number: n('socket'), args: [1] }, ALLOW],
    ['an IPv4 socket', { number: n('socket'), args: [2] }, ALLOW],
    ['an IPv6 socket', { number: n('socket'), args: [10] }, ALLOW],
    ['a list of interfaces', { number: n('socket'), args: [16] }, ALLOW],
    ['a vsock, which knows no namespace', { number: n('socket'), args: [40] }, EPERM],
    ['a raw packet socket', { number: n('socket'), args: [17] }, EPERM],
    ['the kernel’s ciphers', { number: n('socket'), args: [38] }, EPERM],
    ['Bluetooth', { number: n('socket'), args: [31] }, EPERM],
    ['a pair of Unix sockets', { number: n('socketpair'), args: [1] }, ALLOW],
    ['a pair of vsocks', { number: n('socketpair'), args: [40] }, EPERM],
    ['typing into the terminal', { number: n('ioctl'), args: [1, 0x5412] }, EPERM],
    ['pasting into the terminal', { number: n('ioctl'), args: [1, 0x541c] }, EPERM],
    ['asking for its size', { number: n('ioctl'), args: [1, 0x5413] }, ALLOW],
    ['the ordinary personality', { number: n('personality'), args: [0] }, ALLOW],
    ['asking for the personality', { number: n('personality'), args: [0xffff_ffff] }, ALLOW],
    ['a personality without random addresses', { number: n('personality'), args: [0x0004_0000] }, EPERM],
    [
      'a personality that maps what it reads as executable',
      { number: n('personality'), args: [0x0040_0000] },
      EPERM,
    ],
    ['a call newer than the lists', { number: 470 }, ENOSYS],
    ['a call far beyond them', { number: 0x3fff_ffff }, ENOSYS],
    ['a call of the x32 interface', { number: 0x4000_0000 }, ENOSYS],
    ['the number -1', { number: 0xffff_ffff }, ENOSYS],
    ['a call of another architecture', { number: n('read'), architecture: 0x4000_0003 }, 'kill'],
  ];
  test.each(ROWS)('%s', (_, call, expected) => {
    expect(answer(arch, call)).toBe(expected);
  });

  test('answers each call as its list says, and every other number with "no such call"', () => {
    const expected = new Map<number, string>();
    for (const [calls, word] of [[ALLOWED, ALLOW] as const, [REFUSED, EPERM] as const]) {
      for (const call of calls.values()) {
        if (call[arch] !== undefined) expected.set(call[arch], word);
      }
    }
    const conditional = new Set([...CONDITIONAL.values()].map((call) => call[arch]));
    for (let number = 0; number < 1024; number++) {
      if (conditional.has(number)) continue;
      expect([number, answer(arch, { number })]).toEqual([number, expected.get(number) ?? ENOSYS]);
    }
  });

  test('is short, and its jumps stay inside', () => {
    const program = seccompProgram(arch);
    expect(program.length).toBeLessThan(400);
    program.forEach(({ ifTrue = 0, ifFalse = 0 }, index) => {
      expect(Math.max(ifTrue, ifFalse)).toBeLessThan(256);
      expect(index + Math.max(ifTrue, ifFalse)).toBeLessThan(program.length);
    });
  });
});

describe('the lists', () => {
  test('name no call twice, and no number twice', () => {
    expect(DECIDED.size).toBe(ALLOWED.size + REFUSED.size + CONDITIONAL.size);
    for (const arch of ['x64', 'arm64'] as const) {
      const numbers = [...DECIDED.values()].flatMap((call) => call[arch] ?? []);
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  const HEADERS: Readonly<Record<Architecture, readonly string[]>> = {
    x64: ['/usr/include/x86_64-linux-gnu/asm/unistd_64.h', '/usr/include/asm/unistd_64.h'],
    arm64: ['/usr/include/asm-generic/unistd.h'],
  };
  for (const arch of ['x64', 'arm64'] as const) {
    const header = HEADERS[arch].find((path) => existsSync(path));
    // Debian's linux-libc-dev has both, of whatever architecture it is.
    test.if(header !== undefined)(`have the numbers that the kernel’s headers have for ${arch}`, () => {
      const text = readFileSync(header ?? '', 'utf8').replaceAll('__NR3264_fstatat', '__NR_newfstatat');
      const known = new Map(
        [...text.matchAll(/#define __NR(?:3264)?_(\w+)\s+\\?\s*(\d+)/g)].map(([, name = '', number]) => [
          name,
          Number(number),
        ]),
      );
      const compared = [...DECIDED].filter(([name]) => known.has(name));
      expect(compared.length).toBeGreaterThan(250);
      const differing = compared.filter(([name, call]) => call[arch] !== known.get(name));
      expect(differing.map(([name]) => name)).toEqual([]);
    });
  }

  test('decide every call that Docker’s default profile allows', () => {
    const file = join(import.meta.dir, 'docker-default-allows.txt');
    const lines = readFileSync(file, 'utf8').split('\n');
    const names = lines
      .filter((line) => !line.startsWith('#'))
      .flatMap((line) => line.split(' ').filter(Boolean));
    expect(names.length).toBeGreaterThan(300);
    // 32-bit spellings, and what other architectures have.
    const elsewhere =
      /32$|64$|_time64$|^(?:_llseek|_newselect|ipc|mmap2|recv|send|riscv_hwprobe|sigprocmask|sigreturn|socketcall|ugetrlimit|waitpid)$/;
    expect(names.filter((name) => !DECIDED.has(name) && !elsewhere.test(name))).toEqual([]);
    const refused = names.filter((name) => REFUSED.has(name));
    expect(refused).toEqual(['process_vm_readv', 'process_vm_writev', 'ptrace']);
  });
});
