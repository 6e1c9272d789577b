import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A disk of its own, mounted over a folder; goes with the test. */
export interface SmallDisk extends AsyncDisposable {
  /** Takes all room there is. */
  fill(): void;
  /** Gives it back. */
  free(): void;
  readOnly(isReadOnly: boolean): void;
}

/** Why no disks can be mounted here; `undefined` where they can. */
export const NO_MOUNTS =
  process.platform === 'linux' && process.getuid?.() === 0
    ? undefined
    : 'mounting a size-limited disk takes root on Linux';

const CHUNK = Buffer.alloc(4096, 'x');

/** `inodes`: how many files it may hold. */
export async function mountSmallDisk(
  folder: string,
  { sizeKb = 1024, inodes }: { readonly sizeKb?: number; readonly inodes?: number } = {},
): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true });
  const options = [`size=${sizeKb}k`, 'mode=0700', ...(inodes === undefined ? [] : [`nr_inodes=${inodes}`])];
  run(['mount', '-t', 'tmpfs', '-o', options.join(','), 'tmpfs', folder]);
  const ballast = join(folder, 'ballast');
  return {
    fill() {
      const fd = openSync(ballast, 'a');
      try {
        for (;;) writeSync(fd, CHUNK);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(fd);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    // Files open for writing would keep a plain remount from it.
    readOnly: (isReadOnly) => run(['mount', '-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, folder]),
    async [Symbol.asyncDispose]() {
      run(['umount', '--lazy', folder]);
    },
  };
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(' ')}: ${stderr.toString()}`);
}
