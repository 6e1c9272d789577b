import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

interface WriteOptions {
  /** Permission bits of the file; default 0600. */
  readonly mode?: number;
  /** Permission bits of folders made on the way; default 0750. */
  readonly directoryMode?: number;
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
    await handle.sync();
    await handle.close();
    handle = undefined;
    await rename(temporary, path);
  } catch (error) {
    await handle?.close().catch(() => undefined);
    await rm(temporary, { force: true });
    throw error;
  }
}
