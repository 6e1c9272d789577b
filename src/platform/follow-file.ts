import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { sleep } from './wait.ts';

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 100;
const NEWLINE = 10;

interface FollowOptions {
  readonly follow: boolean;
  readonly signal: AbortSignal;
  /** Begins that many lines before the end; all of the file when absent. */
  readonly lines?: number;
  /** Following stops when nothing will be added any more; what was added until then is given all the same. */
  readonly isComplete?: () => Promise<boolean>;
}

/**
 * The bytes of a file, then with `follow` what is added to it, until `signal` aborts. A file that does not exist is
 * waited for; one that was rotated away is read to its end before its successor is opened (spec 01 §14-18, 02 §15-20).
 */
export async function* followFile(
  path: string,
  { follow, signal, lines, isComplete = async () => false }: FollowOptions,
): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let fd: number | undefined;
  let position = 0;
  let isFirst = true;
  try {
    while (!signal.aborted) {
      if (fd === undefined) {
        fd = openExisting(path);
        if (fd !== undefined && lines !== undefined && isFirst) position = startOfLastLines(fd, lines);
        isFirst = false;
      }
      const isLast = !follow || (await isComplete());
      // Asked before reading: what is replaced gets no more bytes, so reading to the end then misses none.
      const replaced = follow && fd !== undefined && wasReplaced(path, fd, position);
      for (let size = -1; fd !== undefined && size !== 0 && !signal.aborted; ) {
        size = readSync(fd, chunk, 0, CHUNK_BYTES, position);
        position += size;
        if (size > 0) yield chunk.subarray(0, size);
      }
      if (replaced && fd !== undefined) {
        closeSync(fd);
        fd = undefined;
        position = 0;
      } else if (isLast) {
        return;
      } else {
        await sleep(POLL_MS, signal);
      }
    }
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function openExisting(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Where the last `lines` lines begin; what stands behind the last newline counts as a line. */
function startOfLastLines(fd: number, lines: number): number {
  const chunk = new Uint8Array(CHUNK_BYTES);
  const end = fstatSync(fd).size;
  let left = lines;
  for (let to = end; to > 0; ) {
    const from = Math.max(0, to - CHUNK_BYTES);
    const size = readSync(fd, chunk, 0, to - from, from);
    for (let at = size - 1; at >= 0; at--) {
      const isFinalNewline = from + at === end - 1;
      if (chunk[at] === NEWLINE && !isFinalNewline && --left === 0) return from + at + 1;
    }
    to = from;
  }
  return 0;
}

/** True when the path leads to another file by now, or to this one cut shorter than what was read. */
function wasReplaced(path: string, fd: number, position: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return now !== undefined && (now.ino !== fstatSync(fd).ino || now.size < position);
}
