import { constants } from 'node:fs';
import { access, type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, ThvError } from '../errors/index.ts';
import type { LineSink } from './audit-log.ts';
import type { AuditFile } from './settings.ts';

/** Without waiting for a reader where the path is a pipe. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);
const NEWLINE = Buffer.from('\n');

/**
 * A file that is appended to, 0600 where it is made here, and set aside when it is full. A file that another program moved away
 * or deleted is made again. Throws `ERR_FILE_UNWRITABLE` when it cannot be opened at the start.
 */
export async function openAuditFile(file: AuditFile): Promise<LineSink> {
  const appended = new AppendedFile(file);
  try {
    await appended.open();
  } catch (error) {
    throw unwritable(file.path, error);
  }
  return appended;
}

/** Throws `ERR_FILE_UNWRITABLE` where `openAuditFile` would; creates nothing. */
export async function checkAuditFile(path: string): Promise<void> {
  try {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (found === undefined) await access(dirname(path), constants.W_OK | constants.X_OK);
    else await (await open(path, APPEND & ~constants.O_CREAT)).close();
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): ThvError {
  const reason = `failed to open audit log file ${path}: ${messageOf(error)}`;
  return new ThvError('ERR_FILE_UNWRITABLE', { path, reason }, { cause: error });
}

class AppendedFile implements LineSink {
  readonly #file: AuditFile;
  #handle: FileHandle | undefined;
  /** Inode of the open file; `undefined` for what is no file on a disk and never set aside. */
  #inode: number | undefined;
  #size = 0;
  /** The lines of an earlier attempt, and how much of them this file has. */
  #begun: { readonly lines: Uint8Array; written: number } | undefined;

  constructor(file: AuditFile) {
    this.#file = file;
  }

  async open(): Promise<void> {
    const handle = await open(this.#file.path, APPEND, 0o600);
    try {
      const found = await handle.stat();
      this.#inode = found.isFile() ? found.ino : undefined;
      this.#size = found.size;
      // What was killed in the middle of a line left it there.
      if (found.isFile() && (await endsMidLine(this.#file.path, found.size))) await handle.write(NEWLINE);
    } catch (error) {
      await handle.close();
      throw error;
    }
    this.#handle = handle;
  }

  async write(lines: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#handle !== undefined && (await this.#wasReplaced())) await this.close();
    if (this.#inode !== undefined && this.#size >= this.#file.maxBytes) await this.#setAside();
    if (this.#handle === undefined) await this.open();
    if (this.#begun?.lines !== lines) this.#begun = { lines, written: 0 };
    await this.#append(this.#begun);
    this.#begun = undefined;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#inode = undefined;
    if (this.#begun !== undefined && this.#begun.written > 0) {
      // Another file goes on with the whole line.
      const { lines, written } = this.#begun;
      this.#begun.written = lines.lastIndexOf(NEWLINE[0] ?? 0, written - 1) + 1;
    }
    await handle?.close();
  }

  async #append(begun: { readonly lines: Uint8Array; written: number }): Promise<void> {
    while (begun.written < begun.lines.byteLength) {
      const { bytesWritten = 0 } = (await this.#handle?.write(begun.lines, begun.written)) ?? {};
      if (bytesWritten === 0) throw new Error('nothing was written');
      begun.written += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  async #wasReplaced(): Promise<boolean> {
    if (this.#inode === undefined) return false;
    const found = await stat(this.#file.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    return found?.ino !== this.#inode;
  }

  /** `x.log` → `x.log.1` → `x.log.2` …; the oldest goes. */
  async #setAside(): Promise<void> {
    const { path, files } = this.#file;
    await this.close();
    try {
      await rm(files === 1 ? path : `${path}.${files - 1}`, { force: true });
      for (let number = files - 2; number >= 0; number--)
        await moveIfThere(number === 0 ? path : `${path}.${number}`, `${path}.${number + 1}`);
    } catch {
      // A folder that became read-only: the file goes on growing.
    }
  }
}

async function moveIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

async function endsMidLine(path: string, size: number): Promise<boolean> {
  if (size === 0) return false;
  const last = Buffer.alloc(1);
  try {
    await using handle = await open(path, 'r');
    const { bytesRead } = await handle.read(last, 0, 1, size - 1);
    return bytesRead === 1 && last[0] !== NEWLINE[0];
  } catch {
    return false; // a file that may be written and not read
  }
}
