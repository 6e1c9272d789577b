import { constants } from 'node:fs';
import { chmod, copyFile, realpath, stat } from 'node:fs/promises';
import { messageOf, ThvError } from '../errors/index.ts';
import { readTextFile, writeFileAtomic } from '../platform/index.ts';
import { type Conversion, convertRegistry } from './convert.ts';

/**
 * Replaces a legacy registry file by its upstream form, keeping its mode, and unless told otherwise what it was as `<path>.bak`
 * (spec 08 §6.2). `undefined` when it is in that form already; then no file is touched. Throws `ERR_REGISTRY_INVALID`,
 * `ERR_FILE_UNREADABLE`, and `ERR_INPUT_INVALID` for a backup that is in the way.
 */
export async function convertFileInPlace(
  path: string,
  { keepBackup }: { readonly keepBackup: boolean },
): Promise<Conversion | undefined> {
  const converted = await convertRegistry(await readRegistryInput(path));
  if (converted === undefined) return undefined;
  // A link stays one: the file behind it is replaced.
  const target = await realpath(path);
  const mode = (await stat(target)).mode & 0o7777;
  if (keepBackup) await backUp(path, mode);
  await writeFileAtomic(target, converted.text, { mode });
  await chmod(target, mode); // the mask of the process may have taken bits away
  return converted;
}

/** Throws `ERR_FILE_UNREADABLE`. */
export async function readRegistryInput(path: string): Promise<string> {
  try {
    return await readTextFile(path);
  } catch (error) {
    const reason = `failed to read ${path}: ${messageOf(error)}`;
    throw new ThvError('ERR_FILE_UNREADABLE', { path, reason }, { cause: error });
  }
}

async function backUp(path: string, mode: number): Promise<void> {
  const backup = `${path}.bak`;
  try {
    await copyFile(path, backup, constants.COPYFILE_EXCL);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const reason = `backup file ${backup} already exists; remove it or pass --no-backup to skip the backup`;
    throw new ThvError('ERR_INPUT_INVALID', { reason }, { cause: error });
  }
  await chmod(backup, mode);
}
