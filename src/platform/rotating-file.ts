import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

interface RotationOptions {
  /** Size at which the file is set aside; default 10 MB. */
  readonly maxBytes?: number;
  /** How many files are kept, the present one included; default 3. */
  readonly files?: number;
  readonly now?: () => number;
}

export interface RotatingFile extends Disposable {
  /** Never throws: what cannot be written is lost (`false`), and the file is tried again with later lines. */
  append(text: string): boolean;
}

/** How long a file that could not be opened is left alone: lines come by the thousand, and each attempt is a system call. */
const REOPEN_MS = 1000;

/**
 * A log file that never grows beyond its share (spec 02 §15-20): `x.log` is renamed to `x.log.1`, and so on. Writes are
 * synchronous appends of whole lines, so lines of several processes do not mix and none is lost when this one is killed.
 * A log must not stop what it tells of, so nothing here throws: on a full disk lines are lost.
 */
export function openRotatingFile(path: string, options: RotationOptions = {}): RotatingFile {
  const { maxBytes = 10 * 1024 * 1024, files = 3, now = () => performance.now() } = options;
  let fd: number | undefined;
  let size = 0;
  let openAgainAt = 0;
  /** The last write ended in the middle of a line. */
  let isTorn = false;
  let isClosed = false;

  function open(): void {
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      fd = openSync(path, 'a', 0o600);
      size = fstatSync(fd).size;
    } catch {
      close(); // told by nobody: this is where it would be told
      openAgainAt = now() + REOPEN_MS;
    }
  }

  function close(): void {
    if (fd !== undefined) closeSync(fd);
    fd = undefined;
  }

  function rotate(): void {
    close();
    try {
      rmSync(`${path}.${files - 1}`, { force: true });
      for (let number = files - 2; number >= 1; number--)
        moveIfThere(`${path}.${number}`, `${path}.${number + 1}`);
      moveIfThere(path, `${path}.1`);
    } catch {
      // A folder that became read-only: the file goes on growing.
    }
    open();
  }

  function write(text: string): boolean {
    if (fd === undefined) return false;
    const bytes = Buffer.from(isTorn ? `\n${text}` : text);
    try {
      const written = writeSync(fd, bytes);
      size += written;
      if (written > 0) isTorn = written < bytes.byteLength;
      return written === bytes.byteLength;
    } catch (error) {
      // At the process's own limit of file sizes, an older part has to go sooner.
      if ((error as NodeJS.ErrnoException).code === 'EFBIG' && size > 0) rotate();
      return false;
    }
  }

  open();
  return {
    append(text) {
      if (isClosed) return false;
      if (fd === undefined && now() >= openAgainAt) open();
      if (size >= maxBytes) rotate();
      return write(text);
    },
    [Symbol.dispose]() {
      isClosed = true;
      close();
    },
  };
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
