import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import { identityOf } from './hidden-record.ts';
import type { IgnoredPath } from './ignored-paths.ts';

/** Names looked at in one folder. */
const LOOKED_AT_LIMIT = 100_000;

/**
 * Everything in `root` that is one of `wanted` (see `identityOf`), whatever its name: files that were moved, and further names of one file
 * (hard links). Links are not followed, and nothing is looked for in folders that are hidden themselves. Throws
 * `ERR_OVERLAY_FAILED` when there is too much to look at.
 */
export async function findByIdentity(
  root: string,
  wanted: ReadonlySet<string>,
  isHidden: (path: string) => boolean,
): Promise<readonly IgnoredPath[]> {
  const found: IgnoredPath[] = [];
  const folders = [''];
  let looks = LOOKED_AT_LIMIT;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(join(root, folder))) {
      looks -= 1;
      if (looks < 0) throw tooMuch(root);
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isSymbolicLink() || isHidden(path)) continue;
      const isFolder = entry.isDirectory();
      const identity = await identityOf(join(root, path));
      if (identity !== undefined && wanted.has(identity)) found.push({ path, isFolder });
      else if (isFolder) folders.push(path);
    }
  }
  return found;
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw new ThvError('ERR_OVERLAY_FAILED', { path, reason: messageOf(error) }, { cause: error });
  }
}

function tooMuch(path: string): ThvError {
  const reason = `something that is hidden was moved or has a second name, and there are more than ${LOOKED_AT_LIMIT} names to look at`;
  return new ThvError(
    'ERR_OVERLAY_FAILED',
    { path, reason },
    { hint: 'mount a smaller folder, or remove the workload and run it again' },
  );
}
