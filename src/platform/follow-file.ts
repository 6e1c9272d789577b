import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { sleep } from './wait.ts';

const CHUNK_BYTES = 64 * 1024;
const POLL_MS = 100;

/**
 * The bytes of a file, then with `follow` what is added to it, until `signal` aborts. A file that does not exist is
 * waited for; one that was rotated away is read to its end before its successor is opened (spec 01 §14-18, 02 §15-20).
 */
export async function* followFile(
  path: string,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let fd: number | undefined;
  let position = 0;
  try {
    while (!signal.aborted) {
      fd ??= openExisting(path);
      // Asked before reading: what is replaced gets no more bytes, so reading to the end then misses none.
      const replaced = follow && fd !== undefined && wasReplaced(path, fd, position);
      for (let size = -1; fd !== undefined && size !== 0 && !signal.aborted; ) {
        size = readSync(fd, chunk, 0, CHUNK_BYTES, position);
        position += size;
        if (size > 0) yield chunk.subarray(0, size);
      }
      if (!follow) return;
      if (replaced && fd !== undefined) {
        closeSync(fd);
        fd = undefined;
        position = 0;
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

/** True when the path leads to another file by now, or to this one cut shorter than what was read. */
function wasReplaced(path: string, fd: number, position: number): boolean {
  const now = statSync(path, { throwIfNoEntry: false });
  return now !== undefined && (now.ino !== fstatSync(fd).ino || now.size < position);
}
