import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors/index.ts';
import { type Logger, sleep } from '../platform/index.ts';
import type { SessionJournal, SessionRecord } from '../proxy/index.ts';
import type { WorkloadName } from '../records/index.ts';

/** Where a workload's session records live: `<state>/toolhive/host/sessions/<base>.jsonl`, owner-only. */
function sessionJournalPath(stateFolder: string, name: WorkloadName): string {
  return join(stateFolder, 'host', 'sessions', `${name}.jsonl`);
}

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 15_000;
const TELL_EVERY_MS = 60_000;
/** What may wait for a write that hangs; beyond it the journal is rewritten from what is in memory. */
const MAX_QUEUE_CHARS = 1024 * 1024;
/** Longest wait for the last write when the run ends. */
const CLOSE_MS = 1000;

/**
 * Session records as one JSON line each, written behind the requests: no request waits for the disk, and none fails with it.
 * Writes are not synced: a killed process loses nothing that the kernel took, and after a power failure the server processes, to
 * which sessions belong, are gone as well. When a write fails, that is told once a minute, and the whole journal is rewritten as
 * soon as that is possible; sessions that a crash finds unrecorded are unknown afterwards, and their clients begin new ones.
 */
export function openSessionJournal(
  stateFolder: string,
  name: WorkloadName,
  logger: Logger,
): SessionJournal & AsyncDisposable {
  const path = sessionJournalPath(stateFolder, name);
  const file = createJournalFile(path);
  const closing = new AbortController();
  let queue = '';
  /** The records that take the place of the file, when it is to be rewritten. */
  let rewrite: (() => readonly SessionRecord[]) | undefined;
  /** `rewrite` is to hold everything known when it is written, so nothing is queued until then. */
  let isBehind = false;
  let current: () => readonly SessionRecord[] = () => [];
  let pumping: Promise<void> | undefined;
  let toldAt: number | undefined;

  async function pump(): Promise<void> {
    for (let delayMs = FIRST_DELAY_MS; queue !== '' || rewrite !== undefined; ) {
      try {
        await writeNext();
        delayMs = FIRST_DELAY_MS;
      } catch (error) {
        tell(error);
        fallBehind();
        if (closing.signal.aborted) break;
        await sleep(delayMs, closing.signal);
        delayMs = Math.min(delayMs * 2, LAST_DELAY_MS);
      }
    }
    pumping = undefined;
  }

  async function writeNext(): Promise<void> {
    if (rewrite === undefined) {
      const text = queue;
      queue = '';
      return await file.append(text);
    }
    const text = rewrite().map(lineOf).join('');
    rewrite = undefined;
    isBehind = false;
    await file.replace(text);
    if (toldAt === undefined) return;
    toldAt = undefined;
    logger.info('sessions are recorded again', { path });
  }

  function fallBehind(): void {
    isBehind = true;
    rewrite = current;
    queue = '';
  }

  function tell(error: unknown): void {
    const now = performance.now();
    if (toldAt !== undefined && now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    logger.warn('sessions cannot be recorded, after a crash their clients would have to begin new ones', {
      path,
      error: messageOf(error),
    });
  }

  return {
    load: () => recordsIn(textOf(path)),
    append(record, all) {
      current = all;
      if (isBehind) return; // it will be among the records that are written then
      queue += lineOf(record);
      if (queue.length > MAX_QUEUE_CHARS) fallBehind();
      pumping ??= pump();
    },
    replace(records) {
      rewrite = () => records;
      isBehind = false;
      queue = '';
      pumping ??= pump();
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.race([pumping, Bun.sleep(CLOSE_MS)]);
      await Promise.race([file.close(), Bun.sleep(CLOSE_MS)]);
    },
  };
}

interface JournalFile {
  append(text: string): Promise<void>;
  replace(text: string): Promise<void>;
  close(): Promise<void>;
}

/** One call at a time. */
function createJournalFile(path: string): JournalFile {
  let handle: FileHandle | undefined;

  async function close(): Promise<void> {
    const closed = handle;
    handle = undefined;
    await closed?.close();
  }

  return {
    close,
    async append(text) {
      const isNew = handle === undefined;
      handle ??= await openForAppending(path);
      // A crash may have torn the last record.
      const prefix = isNew && (await endsInMidLine(handle)) ? '\n' : '';
      const bytes = Buffer.from(prefix + text);
      const { bytesWritten } = await handle.write(bytes);
      // The last room on a disk takes a part; the whole is rewritten then.
      if (bytesWritten < bytes.byteLength)
        throw new Error(`only ${bytesWritten} of ${bytes.byteLength} bytes had room`);
    },
    async replace(text) {
      requireFile(path);
      const temporary = `${path}.tmp`;
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        await writeFile(temporary, text, { mode: 0o600 });
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined); // the reason for the failure is worth more
        throw error;
      }
      await close();
    },
  };
}

async function openForAppending(path: string): Promise<FileHandle> {
  requireFile(path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return await open(path, 'a+', 0o600);
}

/** Opening a pipe would wait for ever for someone at its other end. */
function requireFile(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) throw new Error(`${path} is not a regular file`);
}

async function endsInMidLine(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat();
  if (size === 0) return false;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
  return buffer.toString() !== '\n';
}

function lineOf(record: SessionRecord): string {
  return `${JSON.stringify(record)}\n`;
}

/** '' for a journal that cannot be read: its sessions are unknown then. */
function textOf(path: string): string {
  try {
    requireFile(path);
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // a failed write was reported already; a file that never existed is normal
  }
}

function recordsIn(text: string): SessionRecord[] {
  const records: SessionRecord[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    try {
      records.push(JSON.parse(line));
    } catch {
      // a record torn by a crash while it was written; what it would have said was not acted upon
    }
  }
  return records;
}

export function deleteSessionJournal(stateFolder: string, name: WorkloadName): void {
  rmSync(sessionJournalPath(stateFolder, name), { force: true });
  rmSync(`${sessionJournalPath(stateFolder, name)}.tmp`, { force: true });
}
