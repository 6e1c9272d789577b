import { chmod, lstat, mkdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { messageOf, ThvError, within } from '../../errors/index.ts';
import { acquireLock, isProcessAlive, type Logger, writeFileAtomic } from '../../platform/index.ts';
import { askNonce } from './ask-nonce.ts';

/** `<state>/toolhive/server/server.json`: how other programs find a running server (spec 10 §4). */

const RecordSchema = v.object({
  url: v.string(),
  pid: v.number(),
  nonce: v.optional(v.string(), ''),
  started_at: v.optional(v.string(), ''),
});
type ServerRecord = v.InferOutput<typeof RecordSchema>;

const LOCK_TIMEOUT_MS = 5000;

interface RecordFacts {
  readonly stateFolder: string;
  readonly url: string;
  readonly nonce: string;
  readonly startedAt: Date;
  readonly logger: Logger;
}

/**
 * Refuses when another server answers; a record of a dead one is removed. One that cannot be read is only then overwritten when
 * nobody else could have written it (spec 10 §4.1). Throws `ERR_SERVER_RUNNING`, `ERR_DISCOVERY_FILE`.
 */
export async function requireNoOtherServer(stateFolder: string, logger: Logger): Promise<void> {
  const isTrusted = await isOwnersAlone(dirname(pathOf(stateFolder)));
  using _ = await lockRecord(stateFolder);
  await clearRecord(stateFolder, logger, isTrusted);
}

/** Writes the record of this server; gives what removes it, and only it. Throws like `requireNoOtherServer`. */
export async function publishRecord(facts: RecordFacts): Promise<() => Promise<void>> {
  const { stateFolder, url, nonce, startedAt, logger } = facts;
  const path = pathOf(stateFolder);
  {
    using _ = await lockRecord(stateFolder);
    await clearRecord(stateFolder, logger, true);
    await within('failed to write discovery file', async () => {
      await refuseSymlink(path, 'write');
      const record = { url, pid: process.pid, nonce, started_at: startedAt.toISOString() };
      await writeFileAtomic(path, `${JSON.stringify(record, undefined, 2)}\n`, { mode: 0o600 });
    });
  }
  return async () => {
    using _ = await lockRecord(stateFolder);
    const found = await readRecord(path).catch(() => undefined); // damaged or a link: not ours to remove
    if (found?.nonce === nonce) await rm(path, { force: true });
  };
}

async function clearRecord(stateFolder: string, logger: Logger, isTrusted: boolean): Promise<void> {
  const path = pathOf(stateFolder);
  let record: ServerRecord | undefined;
  try {
    record = await readRecord(path);
  } catch (error) {
    if (!isTrusted) throw error;
    logger.debug('discovery file cannot be read, overwriting it', { path, error: messageOf(error) });
    return;
  }
  if (record === undefined) return;
  if (await isRunning(record))
    throw new ThvError('ERR_SERVER_RUNNING', { url: record.url, processId: record.pid });
  if (isProcessAlive(record.pid))
    logger.warn('existing server is unhealthy, overwriting discovery file', { path });
  else await rm(path, { force: true });
}

/** The right nonce tells that it is that very server, whatever state it says it is in (spec 10 §20-5). */
async function isRunning({ url, nonce }: ServerRecord): Promise<boolean> {
  const answer = await askNonce(url);
  if (answer === undefined) return false;
  return nonce === '' ? answer.status === 204 : answer.nonce === nonce;
}

async function readRecord(path: string): Promise<ServerRecord | undefined> {
  await refuseSymlink(path, 'read');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const result = v.safeParse(v.pipe(v.string(), v.parseJson(), RecordSchema), text);
  if (result.success) return result.output;
  throw new ThvError('ERR_DISCOVERY_FILE', { path, reason: `failed to parse discovery file: ${path}` });
}

/** Whether a folder, if it is there, was closed to others until now. Windows tells no modes. */
async function isOwnersAlone(folder: string): Promise<boolean> {
  const there = await lstat(folder).catch(() => undefined); // not there: nobody has written into it
  return there === undefined || process.platform === 'win32' || (there.mode & 0o777) === 0o700;
}

async function refuseSymlink(path: string, verb: 'read' | 'write'): Promise<void> {
  const there = await lstat(path).catch(() => undefined); // not there is fine; anything else shows when it is used
  if (there?.isSymbolicLink() !== true) return;
  const doing = verb === 'write' ? 'write discovery file' : 'read discovery file';
  throw new ThvError('ERR_DISCOVERY_FILE', { path, reason: `refusing to ${doing}: ${path} is a symlink` });
}

/** The folder is made for this user alone, before anything in it is believed or written. */
async function lockRecord(stateFolder: string): Promise<Disposable> {
  const folder = join(stateFolder, 'server');
  await mkdir(stateFolder, { recursive: true, mode: 0o750 });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (process.platform !== 'win32') await chmod(folder, 0o700);
  return acquireLock(`${pathOf(stateFolder)}.lock`, { timeoutMs: LOCK_TIMEOUT_MS });
}

function pathOf(stateFolder: string): string {
  return join(stateFolder, 'server', 'server.json');
}
