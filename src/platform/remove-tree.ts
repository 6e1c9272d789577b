import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  lchmodSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';

interface RemoveOptions {
  /** After this time the rest stays aside, and the error names the place. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 120_000;
/** How long the rest of the program may have to wait. */
const SLICE_MS = 10;
/** How often a folder is emptied that somebody still writes to. */
const MAX_ROUNDS = 100;
const ASIDE = '.removed-';
const O_PATH = 0o10000000;

/**
 * Removes what is at `path`, whatever a server or a package has made of it: folders without rights, deeper than any path is long, names
 * of any bytes, links (which are not followed), things that are still written to. First it is moved aside, to a folder beside it
 * that only we know, so that nothing is at `path` any more even where a part cannot be removed. Nothing there is fine. Throws
 * `ERR_REMOVAL_FAILED` with the place of what is left.
 */
export async function removeTree(path: string, options: RemoveOptions = {}): Promise<void> {
  const aside = moveAside(path);
  if (aside !== undefined) await patiently(empty(aside, path, options));
}

/** Does the same synchronously, so that a `using` scope can end with it. */
export function removeTreeSync(path: string, options: RemoveOptions = {}): void {
  const aside = moveAside(path);
  if (aside === undefined) return;
  for (const _ of empty(aside, path, options));
}

/** Lets the rest of the program have its turns. */
async function patiently(steps: Iterable<void>): Promise<void> {
  for (const _ of steps) await Bun.sleep(0);
}

/** Where it is now; `undefined`: nothing was there. */
function moveAside(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const aside = join(dirname(path), `${ASIDE}${randomUUID()}`);
  try {
    // A folder is moved only by who may write to it.
    if (found.isDirectory()) openUp(path);
    mkdirSync(aside, { mode: 0o700 });
    renameSync(path, join(aside, '0'));
  } catch (error) {
    removeEmpty(aside);
    if (codeOf(error) === 'ENOENT') return undefined;
    throw failed(path, path, messageOf(error), error);
  }
  return aside;
}

/** Removes what earlier removals from `folder` left aside; what still cannot be removed stays. */
export async function removeLeftTrees(folder: string, options: RemoveOptions = {}): Promise<void> {
  for (const name of namesIn(folder)) {
    if (!name.startsWith(ASIDE)) continue;
    await patiently(empty(join(folder, name), folder, options)).catch(() => undefined);
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // there is none
  }
}

/**
 * Takes the tree apart instead of walking it: a folder's files are deleted, its folders moved up beside it, and it is deleted itself.
 * No path is longer than three names, and what has been moved to `aside`, where nobody else gets, cannot be swapped for a link. Yields
 * when it has taken long.
 */
function* empty(aside: string, path: string, options: RemoveOptions): Generator<void, void> {
  const { timeoutMs = TIMEOUT_MS, signal } = options;
  const deadline = performance.now() + timeoutMs;
  const run = randomUUID().slice(0, 8);
  const pending = namesIn(aside).map((name) => ({ name, rounds: 0 }));
  let failure: unknown;
  let moved = 0;
  let sliceEnd = performance.now() + SLICE_MS;
  const moveUp = (child: Buffer) => {
    const name = `${run}-${moved++}`;
    const target = join(aside, name);
    try {
      renameSync(child, target);
    } catch (error) {
      if (!isDenied(error)) throw error;
      openUp(child);
      renameSync(child, target);
    }
    pending.push({ name, rounds: 0 });
  };
  function* rest(): Generator<void, void> {
    const now = performance.now();
    if (now < sliceEnd) return;
    if (now > deadline) throw failed(path, aside, `not done after ${timeoutMs / 1000} seconds`, failure);
    if (signal?.aborted) throw failed(path, aside, 'interrupted', signal.reason);
    yield;
    sliceEnd = performance.now() + SLICE_MS;
  }
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const folder = join(aside, next.name);
    try {
      if (!lstatSync(folder).isDirectory()) {
        unlinkSync(folder);
        continue;
      }
      openUp(folder);
      const prefix = Buffer.from(`${folder}/`);
      // Names are bytes: not all of them are text.
      for (const name of readdirSync(folder, { encoding: 'buffer' })) {
        try {
          removeEntry(Buffer.concat([prefix, name]), moveUp);
        } catch (error) {
          if (codeOf(error) !== 'ENOENT') failure ??= error;
        }
        yield* rest();
      }
      rmdirSync(folder);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'ERR_REMOVAL_FAILED') throw error;
      if (code === 'ENOENT') continue; // another process is removing it as well
      const isRefilled = code === 'ENOTEMPTY' || code === 'EEXIST';
      if (isRefilled && failure === undefined && next.rounds < MAX_ROUNDS) {
        pending.push({ ...next, rounds: next.rounds + 1 });
      } else failure ??= error;
    }
    yield* rest();
  }
  // If it is not empty now, another process is removing it too and will finish.
  if (failure === undefined) removeEmpty(aside);
  else throw failed(path, aside, messageOf(failure), failure);
}

function removeEntry(path: Buffer, moveUp: (path: Buffer) => void): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!lstatSync(path).isDirectory()) throw error;
    moveUp(path);
  }
}

/** Lets us, its owner, in and change it. A link that has come in its place is not followed. */
function openUp(path: string | Buffer): void {
  try {
    if (process.platform === 'linux') {
      const fd = openSync(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
      try {
        chmodSync(`/proc/self/fd/${fd}`, 0o700);
      } finally {
        closeSync(fd);
      }
    } else if (process.platform === 'darwin') lchmodSync(path, 0o700);
    else chmodSync(path, 0o700);
  } catch {
    // Not ours, or gone: what follows says so, if it matters.
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // not there, or not empty
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isDenied(error: unknown): boolean {
  return codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM';
}

function failed(path: string, left: string, reason: string, cause: unknown): ThvError {
  const where = left === path ? 'it is still there' : `what is left of it is in ${left}`;
  return new ThvError(
    'ERR_REMOVAL_FAILED',
    { path, reason: `failed to remove ${path}: ${reason}; ${where}` },
    { cause, hint: `remove it as root: rm -rf '${left.replaceAll("'", `'\\''`)}'` },
  );
}
