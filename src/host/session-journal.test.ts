import { expect, test } from 'bun:test';
import { appendFileSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../platform/index.ts';
import { parseWorkloadName } from '../records/index.ts';
import { deleteSessionJournal, openSessionJournal } from './session-journal.ts';

const name = parseWorkloadName('server');
const none = () => [];
const freshFolder = () => mkdtempSync(join(tmpdir(), 'thv-journal-'));
const fileIn = (folder: string) => join(folder, 'host', 'sessions', 'server.jsonl');

test('what was appended is there after the next open, and only its owner may read it', async () => {
  const folder = freshFolder();
  {
    await using journal = openSessionJournal(folder, name, silentLogger);
    journal.append({ type: 'session', id: 'a', at: 1, initialize: '{"x":"\\u00e9\\n"}' }, none);
    journal.append({ type: 'end', id: 'a' }, none);
  }
  await using journal = openSessionJournal(folder, name, silentLogger);
  expect(journal.load()).toEqual([
    { type: 'session', id: 'a', at: 1, initialize: '{"x":"\\u00e9\\n"}' },
    { type: 'end', id: 'a' },
  ]);
  expect(statSync(fileIn(folder)).mode & 0o777).toBe(0o600);
});

test('a record torn by a crash is left out and does not spoil the next one', async () => {
  const folder = freshFolder();
  {
    await using journal = openSessionJournal(folder, name, silentLogger);
    journal.append({ type: 'end', id: 'a' }, none);
  }
  appendFileSync(fileIn(folder), '{"type":"end","i');
  {
    await using journal = openSessionJournal(folder, name, silentLogger);
    journal.append({ type: 'end', id: 'b' }, none);
  }
  await using journal = openSessionJournal(folder, name, silentLogger);
  expect(journal.load()).toEqual([
    { type: 'end', id: 'a' },
    { type: 'end', id: 'b' },
  ]);
});

test('replace keeps only the records given, later ones are appended to them', async () => {
  const folder = freshFolder();
  {
    await using journal = openSessionJournal(folder, name, silentLogger);
    for (let index = 0; index < 100; index++) journal.append({ type: 'end', id: String(index) }, none);
    journal.replace([{ type: 'end', id: 'kept' }]);
    journal.append({ type: 'end', id: 'later' }, none);
  }
  await using journal = openSessionJournal(folder, name, silentLogger);
  expect(journal.load()).toEqual([
    { type: 'end', id: 'kept' },
    { type: 'end', id: 'later' },
  ]);
  deleteSessionJournal(folder, name);
  expect(readdirSync(join(folder, 'host', 'sessions'))).toEqual([]);
});
