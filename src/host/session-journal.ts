import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { SessionJournal, SessionRecord } from '../proxy/index.ts';
import type { WorkloadName } from '../records/index.ts';

/** Where a workload's session records live: `<state>/toolhive/host/sessions/<base>.jsonl`, owner-only. */
function sessionJournalPath(stateFolder: string, name: WorkloadName): string {
  return join(stateFolder, 'host', 'sessions', `${name}.jsonl`);
}

/**
 * Session records as one JSON line each. Appends are not synced: a killed process loses nothing that the kernel took, and
 * after a power failure the server processes, to which sessions belong, are gone as well.
 */
export function openSessionJournal(stateFolder: string, name: WorkloadName): SessionJournal & Disposable {
  const path = sessionJournalPath(stateFolder, name);
  mkdirSync(join(stateFolder, 'host', 'sessions'), { recursive: true, mode: 0o700 });
  let fd = openSync(path, 'a', 0o600);
  let tornTail = fstatSync(fd).size > 0 && !readFileSync(path).subarray(-1).equals(Buffer.from('\n'));
  return {
    load() {
      const records: SessionRecord[] = [];
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        if (line === '') continue;
        try {
          records.push(JSON.parse(line));
        } catch {
          // a record torn by a crash while it was written; what it would have said was not acted upon
        }
      }
      return records;
    },
    append(record) {
      writeSync(fd, `${tornTail ? '\n' : ''}${JSON.stringify(record)}\n`);
      tornTail = false;
    },
    replace(records) {
      const temporary = `${path}.tmp`;
      writeFileSync(temporary, records.map((record) => `${JSON.stringify(record)}\n`).join(''), {
        mode: 0o600,
      });
      renameSync(temporary, path);
      closeSync(fd);
      fd = openSync(path, 'a', 0o600);
      tornTail = false;
    },
    [Symbol.dispose]() {
      closeSync(fd);
    },
  };
}

export function deleteSessionJournal(stateFolder: string, name: WorkloadName): void {
  rmSync(sessionJournalPath(stateFolder, name), { force: true });
}
