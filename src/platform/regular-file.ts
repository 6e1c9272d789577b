import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { ThvError } from '../errors/index.ts';

/** Opening a FIFO for reading would wait for a writer. Windows has neither flag nor FIFO. */
const OPEN = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * The content of a file that somebody else may have put there. Throws `ERR_INPUT_INVALID` for what is no regular file, such as
 * a FIFO or a device, and for one above `maxBytes`; what the file system refuses, it throws as it is.
 */
export function readRegularFile(path: string, maxBytes: number): Buffer {
  return withRegularFile(path, (fd, { size }) => {
    if (size > maxBytes) {
      throw new ThvError('ERR_INPUT_INVALID', { reason: `${path} is larger than ${maxBytes} bytes` });
    }
    return readUpTo(fd, maxBytes);
  });
}

/** The first `bytes` of a regular file, or all of a shorter one. Throws as `readRegularFile`. */
export function readHead(path: string, bytes: number): Buffer {
  return withRegularFile(path, (fd) => readUpTo(fd, bytes));
}

/** Calls `use` with a file that is open for reading, and closes it. Throws as `readRegularFile`. */
export function withRegularFile<T>(path: string, use: (fd: number, facts: Stats) => T): T {
  // Checked before opening, because some devices react to being opened, and again after, because it may have been replaced.
  requireRegular(path, statSync(path));
  const fd = openSync(path, OPEN);
  try {
    const facts = fstatSync(fd);
    requireRegular(path, facts);
    return use(fd, facts);
  } finally {
    closeSync(fd);
  }
}

function requireRegular(path: string, facts: Stats): void {
  if (facts.isFile()) return;
  throw new ThvError('ERR_INPUT_INVALID', { reason: `${path} is ${kindOf(facts)}, not a regular file` });
}

function kindOf(facts: Stats): string {
  if (facts.isDirectory()) return 'a folder';
  if (facts.isFIFO()) return 'a FIFO';
  if (facts.isSocket()) return 'a socket';
  return 'a device';
}

function readUpTo(fd: number, maxBytes: number): Buffer {
  const chunks: Buffer[] = [];
  for (let total = 0; total < maxBytes; ) {
    const chunk = Buffer.alloc(Math.min(maxBytes - total, 64 * 1024));
    const count = readSync(fd, chunk, 0, chunk.byteLength, null);
    if (count === 0) break;
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  return Buffer.concat(chunks);
}
