import { dlopen, FFIType } from 'bun:ffi';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { ThvError } from '../errors/index.ts';
import { loadCLibrary } from './c-library.ts';

/**
 * Whole-file advisory locks, `flock` on Unix and `LockFileEx` on Windows: the primitives the reference uses on the same
 * files (spec 02 §4.1). Neither Bun nor Node offers them, hence the foreign call.
 */

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
/** Short, because holders keep the lock for one small file operation. */
const RETRY_MS = 20;

export interface LockOptions {
  readonly mode?: LockMode;
  /** How long to keep trying; default 1000 ms. 0 tries once. */
  readonly timeoutMs?: number;
  /** Start of the error text, default `failed to acquire lock`. */
  readonly purpose?: string;
}

export interface HeldLock extends Disposable {
  release(): void;
}

/**
 * Takes the lock at `path`, creating the file. Throws `ERR_LOCK_TIMEOUT` when another holder keeps it.
 *
 * On Unix the file is deleted while the lock is still held, and a waiter that finds its file replaced starts over, so two holders
 * are never possible; deleting after the release, as the reference does, lets a waiter keep a lock on a file that is gone.
 */
export async function acquireLock(path: string, options: LockOptions = {}): Promise<HeldLock> {
  const deadline = performance.now() + (options.timeoutMs ?? 1000);
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  for (;;) {
    const held = tryLock(path, options.mode ?? 'exclusive');
    if (held !== undefined) return held;
    if (performance.now() >= deadline) {
      throw new ThvError('ERR_LOCK_TIMEOUT', {
        path,
        reason: `${options.purpose ?? 'failed to acquire lock'}: ${path} is held by another process`,
      });
    }
    await Bun.sleep(RETRY_MS * (0.5 + Math.random()));
  }
}

/** Tries once; `undefined` when the lock is held already. */
export function tryLock(path: string, mode: LockMode = 'exclusive'): HeldLock | undefined {
  const handle = lockPrimitive().take(path, mode);
  if (handle === undefined) return undefined;
  let released = false;
  const release = () => {
    if (released) return;
    released = true;
    handle.release();
  };
  return { release, [Symbol.dispose]: release };
}

/** Whether somebody holds the lock at this moment. Writes nothing, so it can be asked on a full or read-only disk. */
export function isLocked(path: string): boolean {
  return existsSync(path) && lockPrimitive().isHeld(path);
}

const STALE_MS = 5 * 60_000;
/** What `writeFileAtomic` calls its temporary files. */
const TEMPORARY = /^\..+\.tmp-[0-9a-f-]{36}$/;

/**
 * Removes what killed processes left in folders of records: lock files older than five minutes that nobody holds (spec 02 §3.4),
 * and temporary files of that age.
 */
export function removeLeftovers(folders: readonly string[], now: number = Date.now()): void {
  for (const folder of folders) {
    let names: string[];
    try {
      names = readdirSync(folder);
    } catch {
      continue; // the folder does not exist yet: nothing can be stale in it
    }
    for (const name of names) {
      const isLock = name.endsWith('.lock');
      if (!isLock && !TEMPORARY.test(name)) continue;
      const path = join(folder, name);
      try {
        const age = now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now);
        if (age <= STALE_MS) continue;
        if (isLock) tryLock(path)?.release();
        else rmSync(path, { force: true });
      } catch {
        // we may not remove it; the next process that needs it reports the problem
      }
    }
  }
}

type LockMode = 'exclusive' | 'shared';

interface LockPrimitive {
  take(path: string, mode: LockMode): { release(): void } | undefined;
  isHeld(path: string): boolean;
}

let cached: LockPrimitive | undefined;

/** Loading the C library costs 0.1 ms and is needed by few commands, hence on first use. */
function lockPrimitive(): LockPrimitive {
  cached ??= process.platform === 'win32' ? windowsLock() : unixLock();
  return cached;
}

function unixLock(): LockPrimitive {
  const { flock } = loadCLibrary({ flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 } });
  const lock = (fd: number, mode: LockMode) =>
    flock(fd, (mode === 'shared' ? LOCK_SH : LOCK_EX) | LOCK_NB) === 0;
  return {
    take(path, mode) {
      const fd = openSync(path, 'a+', 0o600);
      if (!lock(fd, mode) || !isSameFile(fd, path)) {
        closeSync(fd);
        return undefined;
      }
      return {
        release() {
          // Only a lock that nobody shares may take the file away with it.
          try {
            if (mode === 'exclusive' || lock(fd, 'exclusive')) rmSync(path, { force: true });
          } catch {
            // A folder that became read-only: the file stays, and closing it ends the lock.
          }
          closeSync(fd);
        },
      };
    },
    isHeld(path) {
      let fd: number;
      try {
        fd = openSync(path, 'r');
      } catch {
        return false; // deleted in this moment, or another user's: none of ours holds it
      }
      const isFree = lock(fd, 'shared');
      closeSync(fd);
      return !isFree;
    },
  };
}

/** False when the locked file was deleted or replaced between opening and locking it. */
function isSameFile(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino === fstatSync(fd).ino;
}

/** Windows keeps the lock file: deleting a file that somebody has open would only mark it for deletion. */
function windowsLock(): LockPrimitive {
  const kernel = dlopen('kernel32.dll', {
    CreateFileW: {
      args: [FFIType.ptr, FFIType.u32, FFIType.u32, FFIType.ptr, FFIType.u32, FFIType.u32, FFIType.ptr],
      returns: FFIType.i64_fast,
    },
    LockFileEx: {
      args: [FFIType.i64_fast, FFIType.u32, FFIType.u32, FFIType.u32, FFIType.u32, FFIType.ptr],
      returns: FFIType.i32,
    },
    CloseHandle: { args: [FFIType.i64_fast], returns: FFIType.i32 },
  }).symbols;
  const readWrite = 0xc000_0000;
  const shareAll = 7;
  const openAlways = 4;
  const failImmediately = 1;
  const exclusive = 2;
  const take: LockPrimitive['take'] = (path, mode) => {
    const wide = Buffer.from(`${path}\0`, 'utf16le');
    const handle = kernel.CreateFileW(wide, readWrite, shareAll, null, openAlways, 0, null);
    if (Number(handle) === -1) return undefined;
    const overlapped = new Uint8Array(32);
    const flags = failImmediately | (mode === 'exclusive' ? exclusive : 0);
    if (kernel.LockFileEx(handle, flags, 0, 0xffff_ffff, 0xffff_ffff, overlapped) === 0) {
      kernel.CloseHandle(handle);
      return undefined;
    }
    return { release: () => void kernel.CloseHandle(handle) };
  };
  return {
    take,
    isHeld(path) {
      const held = take(path, 'exclusive');
      held?.release();
      return held === undefined;
    },
  };
}
