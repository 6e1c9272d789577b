import { dlopen, FFIType, ptr, read } from 'bun:ffi';
import { ThvError } from '../../errors/index.ts';
import { numberOf } from './system-calls.ts';

/**
 * The system calls behind the sandbox on Linux, which neither Bun nor Node offers. All are made by a process that is about
 * to become the server, or on sockets that go between it and us.
 */

const { i32, u32, u64, i64, pointer: address } = FFIType;

const FUNCTIONS = {
  mount: { args: [address, address, address, u64, address], returns: i32 },
  umount2: { args: [address, i32], returns: i32 },
  sethostname: { args: [address, u64], returns: i32 },
  chdir: { args: [address], returns: i32 },
  prctl: { args: [i32, u64, u64, u64, u64], returns: i32 },
  execve: { args: [address, address, address], returns: i32 },
  signal: { args: [i32, u64], returns: u64 },
  fcntl: { args: [i32, i32, i32], returns: i32 },
  ioctl: { args: [i32, u64, address], returns: i32 },
  socket: { args: [i32, i32, i32], returns: i32 },
  socketpair: { args: [i32, i32, i32, address], returns: i32 },
  bind: { args: [i32, address, u32], returns: i32 },
  listen: { args: [i32, i32], returns: i32 },
  setsockopt: { args: [i32, i32, i32, address, u32], returns: i32 },
  sendmsg: { args: [i32, address, i32], returns: i64 },
  recvmsg: { args: [i32, address, i32], returns: i64 },
  close: { args: [i32], returns: i32 },
  open: { args: [address, i32, i32], returns: i32 },
  // Variadic, with integer arguments only, which are passed as those of any function on both architectures.
  syscall: { args: [i64, u64, u64, u64, u64, u64, u64], returns: i64 },
  __errno_location: { args: [], returns: address },
} as const;

type Library = ReturnType<typeof dlopen<typeof FUNCTIONS>>['symbols'];

let library: Library | undefined;

/** The C library, loaded on first use, under the names it has with glibc and musl. */
export function libc(): Library {
  if (library !== undefined) return library;
  const musl = `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`;
  let failure: unknown;
  for (const name of ['libc.so.6', musl, 'libc.so']) {
    try {
      library = dlopen(name, FUNCTIONS).symbols;
      return library;
    } catch (error) {
      failure = error;
    }
  }
  throw new ThvError('ERR_INTERNAL', { reason: 'no C library found' }, { cause: failure });
}

type Argument = number | bigint | NodeJS.TypedArray;
type Arguments = readonly [Argument?, Argument?, Argument?, Argument?, Argument?, Argument?];

/** One system call by its name; errors are returned as `-errno`. */
export function systemCall(name: string, ...[a, b, c, d, e, f]: Arguments): number {
  const number = numberOf(name);
  if (number === undefined) throw new ThvError('ERR_INTERNAL', { reason: `no system call ${name} here` });
  const result = Number(libc().syscall(number, word(a), word(b), word(c), word(d), word(e), word(f)));
  return result === -1 ? -errno() : result;
}

function word(value: Argument | undefined): bigint {
  if (value === undefined) return 0n;
  if (typeof value === 'bigint') return value;
  // Two's complement, as the C side reads it.
  if (typeof value === 'number') return BigInt.asUintN(64, BigInt(value));
  return BigInt(ptr(value));
}

export function errno(): number {
  const location = libc().__errno_location();
  return location === null ? 0 : read.i32(location, 0);
}

/** Throws with the name of the call and its error when `result` is negative. */
export function check(result: number | bigint, what: string): number {
  const value = Number(result);
  if (value >= 0) return value;
  const code = value === -1 ? errno() : -value;
  throw new ThvError('ERR_SANDBOX_FAILED', { reason: `${what}: ${describeErrno(code)}` });
}

const ERRORS: Readonly<Record<number, string>> = {
  1: 'operation not permitted',
  2: 'no such file or directory',
  13: 'permission denied',
  16: 'resource busy',
  20: 'not a directory',
  22: 'invalid argument',
  38: 'not supported by this kernel',
  95: 'not supported',
};

function describeErrno(code: number): string {
  return ERRORS[code] ?? `error ${code}`;
}

/** A zero-terminated string for the C side; keep the reference as long as the call may read it. */
export function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}

/** Zero-terminated array of C strings, with the strings kept alive. */
function cStrings(texts: readonly string[]): {
  readonly array: BigUint64Array;
  readonly strings: readonly Buffer[];
} {
  const strings = texts.map(cString);
  const array = new BigUint64Array(texts.length + 1);
  strings.forEach((string, index) => {
    array[index] = BigInt(ptr(string));
  });
  return { array, strings };
}

/** Replaces this program; returns only by throwing. */
export function execute(path: string, args: readonly string[], env: Readonly<Record<string, string>>): never {
  const argv = cStrings([path, ...args]);
  const envp = cStrings(Object.entries(env).map(([key, value]) => `${key}=${value}`));
  // What the runtime ignores, a server must not inherit as ignored.
  for (const signal of [SIGPIPE, SIGXFSZ]) libc().signal(signal, 0n);
  const result = libc().execve(cString(path), argv.array, envp.array);
  throw new ThvError('ERR_SANDBOX_FAILED', {
    reason: `execute ${path}: ${describeErrno(errno())}${result === 0 ? '' : ` (${argv.strings.length} arguments)`}`,
  });
}

const SIGPIPE = 13;
const SIGXFSZ = 25;
