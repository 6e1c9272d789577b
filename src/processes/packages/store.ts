import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { hasCode, ThvError } from '../../errors/index.ts';
import { acquireLock, removeTreeSync, writeFileAtomic } from '../../platform/index.ts';

const RecordSchema = v.object({
  /** Folder in the store. */
  key: v.string(),
  version: v.string(),
  /** Proof of what was installed, compared at each start. */
  digest: v.string(),
  /** What install scripts were run with, where they were. */
  builtFor: v.optional(v.string()),
  /** Packages whose install scripts were not run. */
  heldBack: v.optional(v.array(v.string())),
});
export type PackageRecord = v.InferOutput<typeof RecordSchema>;

const LOCK_SLICE_MS = 500;
const SCRATCH = '.new-';
const LONGER_THAN_ANY_INSTALLATION_MS = 60 * 60_000;

/**
 * Installed packages of one kind, each in a folder named by the digest of all it is made of, and an index from what was asked
 * for to what it was. Folders appear complete, by a rename, and are never changed.
 */
export interface PackageStore {
  readonly folder: string;
  /** What `request` was installed as; `undefined` when it was not, or is not there as it was. */
  find(request: string): PackageRecord | undefined;
  save(request: string, record: PackageRecord): Promise<void>;
  pathOf(key: string): string;
  /** A new folder, removed at the end of its scope unless it was moved to its place. */
  createScratch(): Scratch;
  /** Removes what was left behind by somebody who was killed: folders that `isLeft`, an hour after. */
  sweep(isLeft: (name: string) => boolean): void;
  /** Runs `action` while no other process installs the same. */
  exclusively<T>(request: string, signal: AbortSignal, action: () => Promise<T>): Promise<T>;
}

interface Scratch extends Disposable {
  readonly folder: string;
  /** Moves it to its place. A folder that is there already stays if it `isIntact`, because servers may be using it. */
  moveTo(key: string, isIntact?: (folder: string) => boolean): void;
}

export function openPackageStore(folder: string): PackageStore {
  const indexFile = (request: string) => join(folder, 'index', `${digestOf(request)}.json`);
  const sweep = (isLeft: (name: string) => boolean) => {
    const before = Date.now() - LONGER_THAN_ANY_INSTALLATION_MS;
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (isLeft(name) && (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? before) < before)
        removeTreeSync(path);
    }
  };
  return {
    folder,
    find(request) {
      try {
        const record = v.parse(RecordSchema, JSON.parse(readFileSync(indexFile(request), 'utf8')));
        return existsSync(join(folder, record.key)) ? record : undefined;
      } catch {
        return undefined; // never asked for, or a file that cannot be trusted: it is installed again
      }
    },
    async save(request, record) {
      mkdirSync(join(folder, 'index'), { recursive: true, mode: 0o700 });
      await writeFileAtomic(indexFile(request), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    },
    pathOf: (key) => join(folder, key),
    createScratch() {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      sweep((name) => name.startsWith(SCRATCH));
      const scratch = join(folder, `${SCRATCH}${randomUUID()}`);
      mkdirSync(scratch, { mode: 0o700 });
      return {
        folder: scratch,
        moveTo(key, isIntact = () => true) {
          const place = join(folder, key);
          if (existsSync(place)) {
            if (isIntact(place)) return;
            removeTreeSync(place);
          }
          renameSync(scratch, place);
        },
        [Symbol.dispose]: () => removeTreeSync(scratch),
      };
    },
    sweep,
    async exclusively(request, signal, action) {
      using _lock = await lockPatiently(join(folder, `${digestOf(request)}.lock`), signal);
      return await action();
    },
  };
}

/** Hexadecimal SHA-256, shortened to what a path can bear. */
export function digestOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex').slice(0, 40);
}

/** Hexadecimal SHA-256 of a file that is open for reading, read piece by piece. */
export function sha256Of(fd: number): string {
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(1024 * 1024);
  for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk))
    hash.update(chunk.subarray(0, count));
  return hash.digest('hex');
}

/** Somebody else may be downloading the same for minutes. */
async function lockPatiently(path: string, signal: AbortSignal) {
  for (;;) {
    try {
      return await acquireLock(path, {
        timeoutMs: LOCK_SLICE_MS,
        purpose: 'failed to lock the package store',
      });
    } catch (error) {
      if (!hasCode(error, 'ERR_LOCK_TIMEOUT')) throw error;
      if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    }
  }
}
