import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

interface WriteOptions {
  /** Permission bits of the file; default 0600. */
  readonly mode?: number;
  /** Permission bits of folders made on the way; default 0750. */
  readonly directoryMode?: number;
  /** Permission bits and owner as they are to be, whatever the process's umask and user: those of the file replaced. */
  readonly like?: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
}

/**
 * Replaces a file so that a reader, or a crash at any moment, sees the old content or the new, never a part of it:
 * temporary file in the same folder, fsync, rename (spec 02 §3.2). The temporary name never ends in the target's suffix,
 * so a store that lists `*.json` does not see it.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: options.directoryMode ?? 0o750 });
  const temporary = join(folder, `.${basename(path)}.tmp-${crypto.randomUUID()}`);
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx', options.mode ?? 0o600);
    await handle.writeFile(content);
    if (options.like !== undefined) await takeAfter(handle, options.like);
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true }).catch(() => undefined); // why the write failed is what the caller needs to know
    throw error;
  }
}

async function takeAfter(handle: FileHandle, like: NonNullable<WriteOptions['like']>): Promise<void> {
  const { uid, gid } = await handle.stat();
  // A file shared by users may belong to another one; giving it back to them takes rights we may not have.
  if (uid !== like.uid || gid !== like.gid) await handle.chown(like.uid, like.gid).catch(() => undefined);
  await handle.chmod(like.mode & 0o7777);
}
