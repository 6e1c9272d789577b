import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { messageOf, ThvError } from '../errors/index.ts';
import { writeFileAtomic } from '../platform/index.ts';

/**
 * What was hidden from a workload so far, by the folder that is mounted. A server that may write there can change the ignore file and
 * move what is hidden, so neither is asked alone at its next start (spec 03 §6.2).
 */
const RecordSchema = v.record(
  v.string(),
  v.object({
    patterns: v.array(v.string()),
    /** Files and folders as the file system knows them, whatever their names become: see `identityOf`. */
    identities: v.array(v.string()),
  }),
);
export type HiddenRecord = v.InferOutput<typeof RecordSchema>;
export type HiddenBefore = HiddenRecord[string];

/** More patterns than a file may hold: somebody makes new ones at every start. */
const LIMIT_CHARACTERS = 1024 ** 2;

/** Throws `ERR_OVERLAY_FAILED` for one that cannot be read: what it says would be seen. */
export async function readHiddenRecord(folder: string): Promise<HiddenRecord> {
  const path = pathIn(folder);
  try {
    return v.parse(RecordSchema, JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw failed(path, error, 'remove the workload and run it again');
  }
}

/** Before the server starts, so that no start is forgotten. Throws `ERR_OVERLAY_FAILED`. */
export async function writeHiddenRecord(folder: string, record: HiddenRecord): Promise<void> {
  const path = pathIn(folder);
  const text = `${JSON.stringify(record)}\n`;
  if (Object.values(record).some(({ patterns }) => patterns.join('\n').length > LIMIT_CHARACTERS))
    throw failed(path, new Error('more than 1 MiB of patterns'), 'remove the workload and run it again');
  try {
    await writeFileAtomic(path, text, { directoryMode: 0o700 });
  } catch (error) {
    throw failed(path, error);
  }
}

/**
 * The same for a file that is renamed or moved, and another one for a file that was made in place of one that is gone: file systems
 * give its number to the next. `undefined` when there is no such path.
 */
export async function identityOf(path: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeNs } = await stat(path, { bigint: true });
    return `${dev}:${ino}:${birthtimeNs}`;
  } catch {
    return undefined; // gone meanwhile
  }
}

function pathIn(folder: string): string {
  return join(folder, 'hidden.json');
}

function failed(path: string, cause: unknown, hint?: string): ThvError {
  return new ThvError('ERR_OVERLAY_FAILED', { path, reason: messageOf(cause) }, { cause, hint });
}
