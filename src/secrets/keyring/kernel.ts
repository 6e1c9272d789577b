import { FFIType, ptr } from 'bun:ffi';
import { ThvError } from '../../errors/index.ts';
import { loadCLibrary } from '../../platform/index.ts';
import { ADDRESS, type Keyring, PROBE_SERVICE } from './types.ts';

/**
 * The Linux kernel's keyring of the user (spec 09 §5.3): lives until the machine restarts, needs no desktop. The C library has
 * no functions of its own for it (keyctl(2) is libkeyutils), hence the bare system calls.
 */

const PROCESS_KEYRING = -2;
const USER_KEYRING = -4;
const SET_PERMISSIONS = 5;
const LINK = 8;
const UNLINK = 9;
const SEARCH = 10;
const READ = 11;
/** Everything for the user, nothing for others: another session of the user may be of those that do not possess the key. */
const OWN_ONLY = 0x3f3f_0000;

/** System call numbers by `process.arch`. */
const NUMBERS: Readonly<Record<string, { readonly addKey: number; readonly keyctl: number }>> = {
  x64: { addKey: 248, keyctl: 250 },
  arm64: { addKey: 217, keyctl: 219 },
};

export function createKernelKeyring(): Keyring {
  const description = `${ADDRESS.service}:${ADDRESS.name}`;
  return {
    kind: 'kernel user keyring',
    async probe() {
      const keys = openKeys();
      const name = `${PROBE_SERVICE}:${crypto.randomUUID()}`;
      try {
        keys.add(name, 'probe');
        if (keys.read(name) !== 'probe') throw failed('what was written cannot be read');
      } finally {
        keys.remove(name);
      }
    },
    find: async () => openKeys().read(description),
    save: async (password) => openKeys().add(description, password),
    delete: async () => openKeys().remove(description),
  };
}

function openKeys() {
  const numbers = NUMBERS[process.arch];
  if (numbers === undefined) throw failed(`no system call numbers for ${process.arch}`);
  const word = FFIType.i64;
  const { syscall } = loadCLibrary({
    syscall: { args: [word, word, word, word, word, word], returns: word },
  });
  const onKey = (operation: number, ...args: readonly [number, number, number?, number?]) => {
    const [one, two, three = 0, four = 0] = args;
    return Number(syscall(numbers.keyctl, operation, one, two, three, four));
  };
  // Sessions that service managers open do not hold the user's keyring, and who does not hold it may not read its keys.
  onKey(LINK, USER_KEYRING, PROCESS_KEYRING);
  const type = text('user');

  const find = (description: string): number | undefined => {
    const name = text(description);
    const id = onKey(SEARCH, USER_KEYRING, ptr(type), ptr(name), 0);
    return id < 0 ? undefined : id;
  };
  return {
    add(description: string, value: string): void {
      const [name, payload] = [text(description), new TextEncoder().encode(value)];
      const size = payload.byteLength;
      const id = Number(syscall(numbers.addKey, ptr(type), ptr(name), ptr(payload), size, USER_KEYRING));
      if (id < 0) throw failed('the key was refused');
      onKey(SET_PERMISSIONS, id, OWN_ONLY);
    },
    read(description: string): string | undefined {
      const id = find(description);
      if (id === undefined) return undefined;
      const payload = new Uint8Array(4096);
      const length = onKey(READ, id, ptr(payload), payload.byteLength);
      if (length < 0 || length > payload.byteLength) throw failed('the key cannot be read');
      return new TextDecoder().decode(payload.subarray(0, length));
    },
    remove(description: string): void {
      const id = find(description);
      if (id !== undefined && onKey(UNLINK, id, USER_KEYRING) < 0) throw failed('the key cannot be removed');
    },
  };
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(`${content}\0`);
}

function failed(reason: string): ThvError {
  return new ThvError('ERR_SECRETS_PROVIDER_FAILED', {
    provider: 'encrypted',
    reason: `kernel keyring: ${reason}`,
  });
}
