import { closeSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

interface RotationOptions {
  /** Size at which the file is set aside; default 10 MB. */
  readonly maxBytes?: number;
  /** How many files are kept, the present one included; default 3. */
  readonly files?: number;
}

export interface RotatingFile extends Disposable {
  append(text: string): void;
}

/**
 * A log file that never grows beyond its share (spec 02 §15-20): `x.log` is renamed to `x.log.1`, and so on. Writes are
 * synchronous appends of whole lines, so lines of several processes do not mix and none is lost when this one is killed.
 */
export function openRotatingFile(path: string, options: RotationOptions = {}): RotatingFile {
  const maxBytes = options.maxBytes ?? 10 * 1024 * 1024;
  const files = options.files ?? 3;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  let fd = openSync(path, 'a', 0o600);
  let size = fstatSync(fd).size;

  function rotate(): void {
    closeSync(fd);
    rmSync(`${path}.${files - 1}`, { force: true });
    for (let number = files - 2; number >= 1; number--)
      moveIfThere(`${path}.${number}`, `${path}.${number + 1}`);
    moveIfThere(path, `${path}.1`);
    fd = openSync(path, 'a', 0o600);
    size = 0;
  }

  return {
    append(text) {
      if (size >= maxBytes) rotate();
      size += writeSync(fd, text);
    },
    [Symbol.dispose]() {
      closeSync(fd);
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
