import { expect, test } from 'bun:test';
import { appendFileSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseWorkloadName } from '../records/index.ts';
import { deleteSessionJournal, openSessionJournal } from './session-journal.ts';

const name = parseWorkloadName('server');
const freshFolder = () => mkdtempSync(join(tmpdir(), 'thv-journal-'));
const fileIn = (folder: string) => join(folder, 'host', 'sessions', 'server.jsonl');

test('what was appended is there after the next open, and only its owner may read it', () => {
  const folder = freshFolder();
  {
    using journal = openSessionJournal(folder, name);
    journal.append({ type: 'session', id: 'a', at: 1, initialize: '{"x":"\\u00e9\\n"}' });
    journal.append({ type: 'end', id: 'a' });
  }
  using journal = openSessionJournal(folder, name);
  expect(journal.load()).toEqual([
    { type: 'session', id: 'a', at: 1, initialize: '{"x":"\\u00e9\\n"}' },
    { type: 'end', id: 'a' },
  ]);
  expect(statSync(fileIn(folder)).mode & 0o777).toBe(0o600);
});

test('a record torn by a crash is left out and does not spoil the next one', () => {
  const folder = freshFolder();
  {
    using journal = openSessionJournal(folder, name);
    journal.append({ type: 'end', id: 'a' });
  }
  appendFileSync(fileIn(folder), '{"type":"end","i');
  {
    using journal = openSessionJournal(folder, name);
    journal.append({ type: 'end', id: 'b' });
  }
  using journal = openSessionJournal(folder, name);
  expect(journal.load()).toEqual([
    { type: 'end', id: 'a' },
    { type: 'end', id: 'b' },
  ]);
});

test('replace keeps only the records given, later ones are appended to them', () => {
  const folder = freshFolder();
  using journal = openSessionJournal(folder, name);
  for (let index = 0; index < 100; index++) journal.append({ type: 'end', id: String(index) });
  journal.replace([{ type: 'end', id: 'kept' }]);
  journal.append({ type: 'end', id: 'later' });
  expect(journal.load()).toEqual([
    { type: 'end', id: 'kept' },
    { type: 'end', id: 'later' },
  ]);
  deleteSessionJournal(folder, name);
  expect(readdirSync(join(folder, 'host', 'sessions'))).toEqual([]);
});
