import { constants } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ContextEntry } from '../../build/index.ts';
import { ThvError } from '../../errors/index.ts';
import type { Logger } from '../../platform/index.ts';
import { type InstallLimits, tooLarge } from './confined/limits.ts';
import { isInside } from './npm/program.ts';

type Entries = AsyncIterable<ContextEntry>;

/** A folder as it is copied: looked at once, so that what is counted, hashed and copied is the same list. */
export async function listFolder(
  folder: string,
  entries: Entries,
  limits: InstallLimits,
  signal: AbortSignal,
): Promise<readonly ContextEntry[]> {
  const found: ContextEntry[] = [];
  let sizeBytes = 0;
  for await (const entry of entries) {
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    found.push(entry);
    if (found.length > limits.files) throw tooLarge(folder, limits, 'files');
    if (entry.kind === 'file') sizeBytes += entry.sizeBytes;
    if (sizeBytes > limits.sizeBytes) throw tooLarge(`${folder} (at ${entry.path})`, limits, 'sizeBytes');
  }
  return found;
}

/**
 * Copies what `takes` names of the list. Links that lead out of the folder are left out with a warning: installing writes, and
 * nothing of it may be led out of the copy.
 */
export async function copyEntries(
  entries: readonly ContextEntry[],
  copy: string,
  takes: (name: string) => boolean,
  { logger, signal }: { readonly logger: Logger; readonly signal: AbortSignal },
): Promise<void> {
  for (const entry of entries) {
    if (signal.aborted) throw new ThvError('ERR_CANCELLED', { reason: 'cancelled' });
    if (!takes(entry.path.slice(entry.path.lastIndexOf('/') + 1))) continue;
    const place = join(copy, entry.path);
    if (entry.kind === 'folder') await mkdir(place, { recursive: true, mode: entry.mode | 0o700 });
    else if (entry.kind === 'link') {
      if (isInside(resolve(dirname(place), entry.target), copy)) await symlink(entry.target, place);
      else logger.warn('a link that leads out of the folder is left out', { link: entry.path });
    } else if (entry.kind === 'file') {
      await mkdir(dirname(place), { recursive: true, mode: 0o700 });
      await copyRegular(entry, place);
    }
  }
}

/** Copies a file. Checks again that it is one, because reading a FIFO that has taken its place would block. */
async function copyRegular(
  { path, source, mode }: ContextEntry & { readonly kind: 'file' },
  place: string,
): Promise<void> {
  if (!(await lstat(source)).isFile()) {
    throw new ThvError('ERR_INPUT_INVALID', { reason: `${path} was replaced while the folder was copied` });
  }
  await copyFile(source, place, constants.COPYFILE_EXCL);
  await chmod(place, mode | 0o600);
}
