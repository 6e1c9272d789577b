import { dlopen } from 'bun:ffi';
import { ThvError } from '../errors/index.ts';

type Functions = Parameters<typeof dlopen>[1];

/** Functions of the C library, under the names it has on macOS, glibc and musl. Costs 0.1 ms. Throws `ERR_INTERNAL`. */
export function loadCLibrary<const Fns extends Functions>(functions: Fns) {
  const names =
    process.platform === 'darwin'
      ? ['libSystem.B.dylib']
      : ['libc.so.6', `libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, 'libc.so'];
  let failure: unknown;
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch (error) {
      failure = error;
    }
  }
  throw new ThvError(
    'ERR_INTERNAL',
    { reason: `no C library found (tried ${names.join(', ')})` },
    { cause: failure },
  );
}
